//! What of some grants goes beyond others? `Grants::excess` names every part.

mod text;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use text::{clocks_text, list, output_text, quota_text, random_text, stdin_text};

use crate::environment::covers;
use crate::explain::access_text;
use crate::key::{KeyPart, key_text, name, quoted};
use crate::{
    Access, Clocks, Directory, Grants, NetworkRule, Output, OutputStream, Quota, Randomness, Scratch, Stdin,
};

/// A part of what was asked for that is not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Excess {
    /// Where it stands in what was asked for, such as `directories[0].access`.
    pub key_path: Vec<KeyPart>,
    /// What was asked for, in a few words.
    pub asked: String,
    /// What is granted in its place, in a few words.
    pub allowed: String,
}

impl Excess {
    /// Where it stands in what was asked for, such as `directories[0].access`.
    pub fn key(&self) -> String {
        key_text(&self.key_path)
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: asked is {}, allowed is {}", self.key(), self.asked, self.allowed)
    }
}

impl Grants {
    /// Every part of `asked` that these grants do not cover; none, if a guest with `asked` may do nothing that a guest
    /// with these may not. Only what is certain counts as covered.
    ///
    /// * Arguments, variables with a value, text and bytes for standard input, and files with contents are covered
    ///   always: the guest sees only what `asked` itself says.
    /// * A pattern of `inherit-env` is covered by one that matches every name it matches.
    /// * A network rule is covered by one that [covers](NetworkRule::covers) it, or by one to look its name up and one to
    ///   reach all public addresses.
    /// * A directory is covered by one of the same path on the host, or by one around it that is read-only; with no more
    ///   access and no greater quota. Inside one that guests may write, a guest could put a link in its place; so it
    ///   takes a grant of its own. A quota is one count for the whole directory, so only the same path has a part in it.
    ///   The file system is asked where links lead. Under which path the guest sees a directory is its own affair.
    /// * Fresh directories are covered if all together have no more bytes, and no more entries, than all that are granted.
    /// * A stream is covered by one of the same kind to the same place with no smaller bound; nothing is covered always.
    /// * Real clocks and real random numbers cover any; others only themselves.
    ///
    /// ```
    /// use host_wasi::{Access, Grants};
    ///
    /// let granted = Grants::default().directory("data", "data", Access::ReadOnly).inherit_env(["LC_*"]);
    /// let asked = Grants::default().directory("data", "input", Access::ReadWrite).inherit_env(["LC_ALL"]);
    /// let excess = granted.excess(&asked);
    /// assert_eq!(excess.len(), 1);
    /// assert_eq!(excess[0].to_string(), "directories[0].access: asked is read-write, allowed is read-only");
    /// ```
    pub fn excess(&self, asked: &Grants) -> Vec<Excess> {
        // Every field is named, so that a new one is not let through by itself.
        let Grants {
            args: _,
            stdin,
            stdout,
            stderr,
            inherit_env,
            network,
            clocks,
            random,
            env: _,
            directories,
            scratch,
            files: _,
        } = asked;
        let mut found = Found(Vec::new());
        found.stdin(&self.stdin, stdin);
        found.output(OutputStream::Stdout, &self.stdout, stdout);
        found.output(OutputStream::Stderr, &self.stderr, stderr);
        found.patterns(&self.inherit_env, inherit_env);
        found.rules(&self.network, network);
        found.clocks(self.clocks, *clocks);
        found.random(self.random, *random);
        found.directories(&self.directories, directories);
        found.scratch(&self.scratch, scratch);
        found.0
    }
}

/// What has been found to be too much.
struct Found(Vec<Excess>);

impl Found {
    fn add(
        &mut self,
        key_path: impl Into<Vec<KeyPart>>,
        asked: impl Into<String>,
        allowed: impl Into<String>,
    ) {
        self.0.push(Excess { key_path: key_path.into(), asked: asked.into(), allowed: allowed.into() });
    }

    fn stdin(&mut self, granted: &Stdin, asked: &Stdin) {
        let covered = match asked {
            Stdin::Closed | Stdin::Text(_) | Stdin::Bytes(_) => true,
            Stdin::Inherit => *granted == Stdin::Inherit,
            Stdin::File(path) => matches!(granted, Stdin::File(other) if same(path, other)),
        };
        if !covered {
            self.add([name("stdin")], stdin_text(asked), stdin_text(granted));
        }
    }

    fn output(&mut self, stream: OutputStream, granted: &Output, asked: &Output) {
        let covered = match (granted, asked) {
            (_, Output::Discard) | (Output::Inherit, Output::Inherit) => true,
            (Output::Capture(most), Output::Capture(bytes)) | (Output::Lines(most), Output::Lines(bytes)) => {
                bytes <= most
            }
            (Output::File { path: there, size: most }, Output::File { path, size }) => {
                size <= most && same(path, there)
            }
            _ => false,
        };
        if !covered {
            self.add([name(stream.key())], output_text(asked), output_text(granted));
        }
    }

    fn patterns(&mut self, granted: &[String], asked: &[String]) {
        for (index, pattern) in asked.iter().enumerate() {
            if !granted.iter().any(|wide| covers(wide, pattern)) {
                self.add([name("inherit-env"), KeyPart::Index(index)], quoted(pattern), list(granted));
            }
        }
    }

    fn rules(&mut self, granted: &[NetworkRule], asked: &[NetworkRule]) {
        for (index, rule) in asked.iter().enumerate() {
            if !rule.is_covered_by(granted) {
                let granted: Vec<String> = granted.iter().map(ToString::to_string).collect();
                self.add([name("network"), KeyPart::Index(index)], quoted(&rule.to_string()), list(&granted));
            }
        }
    }

    fn clocks(&mut self, granted: Clocks, asked: Clocks) {
        if granted != Clocks::Real && granted != asked {
            self.add([name("clocks")], clocks_text(asked), clocks_text(granted));
        }
    }

    fn random(&mut self, granted: Randomness, asked: Randomness) {
        if granted != Randomness::Real && granted != asked {
            self.add([name("random")], random_text(asked), random_text(granted));
        }
    }

    fn directories(&mut self, granted: &[Directory], asked: &[Directory]) {
        for (index, directory) in asked.iter().enumerate() {
            let at = |key: &[&str]| {
                let keys = key.iter().map(|key| name(key));
                [name("directories"), KeyPart::Index(index)].into_iter().chain(keys).collect::<Vec<_>>()
            };
            let Directory { host, guest: _, access, quota } = directory;
            let may_write = |granted: &Directory| granted.access == Access::ReadWrite;
            // What a guest can replace by a link leads wherever it likes.
            let loose = granted.iter().any(|other| may_write(other) && inside(host, &other.host));
            let around: Vec<&Directory> = granted
                .iter()
                .filter(|other| same(host, &other.host) || (!loose && inside(host, &other.host)))
                .collect();
            let writes = *access == Access::ReadWrite;
            let fits =
                |most: Option<Quota>| most.is_none_or(|most| quota.is_some_and(|quota| !quota.exceeds(most)));
            if around.is_empty() {
                let known: Vec<String> =
                    granted.iter().map(|other| other.host.display().to_string()).collect();
                let why = if loose {
                    "; inside what guests may write a directory needs a grant of its own"
                } else {
                    ""
                };
                self.add(at(&["host"]), quoted(&host.display().to_string()), list(&known) + why);
            } else if !around.iter().any(|other| !writes || may_write(other)) {
                self.add(at(&["access"]), access_text(*access), access_text(Access::ReadOnly));
            } else if writes && !around.iter().any(|other| may_write(other) && fits(other.quota)) {
                let most = around.iter().find(|other| may_write(other)).and_then(|other| other.quota);
                self.add(at(&["quota"]), quota_text(*quota), quota_text(most));
            }
        }
    }

    fn scratch(&mut self, granted: &[Scratch], asked: &[Scratch]) {
        // Wider than each, so that no sum is cut off.
        let sum = |all: &[Scratch], of: fn(&Scratch) -> u64| {
            all.iter().map(|one| u128::from(of(one))).sum::<u128>()
        };
        let sums = |all: &[Scratch]| (sum(all, |one| one.bytes), sum(all, |one| one.files));
        let ((bytes, files), (most_bytes, most_files)) = (sums(asked), sums(granted));
        if bytes > most_bytes || files > most_files {
            let text = |bytes, files| format!("{bytes} bytes and {files} files in all");
            self.add([name("scratch")], text(bytes, files), text(most_bytes, most_files));
        }
    }
}

/// Whether both are one place on the host, as written or where links lead.
fn same(one: &Path, other: &Path) -> bool {
    one == other || whole(one).is_some_and(|one| whole(other) == Some(one))
}

/// Whether `inner` lies in `outer`, and is not itself that.
fn inside(inner: &Path, outer: &Path) -> bool {
    match (whole(inner), whole(outer)) {
        (Some(inner), Some(outer)) => inner != outer && inner.starts_with(outer),
        // What is not there can be opened by nobody.
        _ => false,
    }
}

fn whole(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

#[cfg(test)]
mod tests;
