//! What may a guest touch? `Grants` is the whole answer, as plain data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{contents, directory, guest_path, scratch};
use crate::{
    Access, Clocks, Contents, Directory, Files, GrantError, NetworkRule, Output, OutputStream, Quota,
    Randomness, Scratch, Stdin, environment,
};

/// What a guest may touch. The default is nothing: no arguments, no environment variables, a closed standard
/// input, discarded output, no directories and no network.
///
/// Clocks and randomness need no grant, because they reveal nothing that is the host's own: a guest that imports them
/// has them. Which they are can be said: by default the real ones.
///
/// Build one in code, by the public fields or the chained methods, or read it from a file. As TOML:
///
/// ```
/// let grants: host_wasi::Grants = toml::from_str(r#"
///     args = ["app", "--verbose"]
///     stdin = { text = "hello\n" }     # or "closed", "inherit", { bytes = [104, 105] }, { file = "input.txt" }
///     stdout = { capture = 65536 }     # bytes; or "discard", "inherit", { file = { path = "out.log", size = 65536 } }
///     stderr = { lines = 4096 }        # the longest line in bytes; they go to a callback of the host
///     inherit-env = ["LANG", "LC_*"]   # names, where `*` stands for any run of characters
///     network = ["tcp://*.example.org:443", "udp://127.0.0.1:5353", "https://api.example.org/v1/*"]
///     clocks = { fixed = "2026-01-01T00:00:00Z" }    # or "real", { stepped = { start = "…", step = "1ms" } }
///     random = { seeded = 42 }         # or "real"
///
///     [env]
///     KEY = "VALUE"
///
///     [[directories]]
///     host = "./data"
///     guest = "data"
///     access = "read-write"            # or "read-only"
///     quota = { bytes = 1048576, files = 100 }
///
///     [[scratch]]                      # fresh, and gone with the guest
///     guest = "tmp"
///     bytes = 1048576
///     files = 100
///
///     [[files]]                        # read-only, made from what is written here
///     guest = "config"
///     contents."app/settings.toml" = "colour = true"
///     contents."app/logo" = { bytes = [0, 255] }
/// "#)?;
/// assert_eq!(grants.env["KEY"], "VALUE");
/// # Ok::<(), toml::de::Error>(())
/// ```
///
/// A key that is not known is an error: a misspelt grant is never silently less, or more, than was meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Grants {
    /// The program's arguments. By custom the first is the program's own name. Default: none.
    pub args: Vec<String>,
    /// What the guest reads from its standard input. Default: closed.
    pub stdin: Stdin,
    /// Where the guest's standard output goes. Default: discarded.
    pub stdout: Output,
    /// Where the guest's standard error goes. Default: discarded.
    pub stderr: Output,
    /// Which of this process's environment variables the guest sees, by name; `*` stands for any run of characters,
    /// also an empty one. They are read when a [`Wasi`](crate::Wasi) is made; one whose name or value is not Unicode
    /// is left out. Default: none.
    pub inherit_env: Vec<String>,
    /// Which names the guest may look up, which addresses it may reach, and which URLs it may ask for; see
    /// [`NetworkRule`]. Default: none.
    pub network: Vec<NetworkRule>,
    /// Which time the guest sees. Default: the real one.
    pub clocks: Clocks,
    /// Which random numbers the guest gets. Default: real ones.
    pub random: Randomness,
    /// Environment variables and their values. One of these wins over an inherited one of the same name.
    /// Default: none.
    pub env: BTreeMap<String, String>,
    /// The directories of the host that the guest sees, each under a path of its own. Default: none.
    pub directories: Vec<Directory>,
    /// Fresh directories that the guest may write, each gone with the guest. Default: none.
    pub scratch: Vec<Scratch>,
    /// Read-only directories that hold what is written here. Default: none.
    pub files: Vec<Files>,
}

impl Grants {
    /// Appends arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets what the guest reads from its standard input.
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// Sets where the guest's standard output goes.
    pub fn stdout(mut self, output: Output) -> Self {
        self.stdout = output;
        self
    }

    /// Sets where the guest's standard error goes.
    pub fn stderr(mut self, output: Output) -> Self {
        self.stderr = output;
        self
    }

    /// Sets which time the guest sees.
    pub fn clocks(mut self, clocks: Clocks) -> Self {
        self.clocks = clocks;
        self
    }

    /// Sets which random numbers the guest gets.
    pub fn random(mut self, random: Randomness) -> Self {
        self.random = random;
        self
    }

    /// Sets one environment variable; a value set before under this name is replaced.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Lets the guest see those of this process's environment variables whose names match one of `patterns`, in
    /// which `*` stands for any run of characters.
    pub fn inherit_env(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.inherit_env.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Shows the guest the directory `host` under the path `guest`.
    pub fn directory(mut self, host: impl Into<PathBuf>, guest: impl Into<String>, access: Access) -> Self {
        self.directories.push(Directory { host: host.into(), guest: guest.into(), access, quota: None });
        self
    }

    /// Shows the guest the directory `host` under the path `guest`, to be read and written, and no more kept there than
    /// `quota` says.
    pub fn directory_with_quota(
        mut self,
        host: impl Into<PathBuf>,
        guest: impl Into<String>,
        quota: Quota,
    ) -> Self {
        let access = Access::ReadWrite;
        self.directories.push(Directory {
            host: host.into(),
            guest: guest.into(),
            access,
            quota: Some(quota),
        });
        self
    }

    /// Shows the guest a fresh directory under the path `guest`, to be read and written.
    pub fn scratch(mut self, guest: impl Into<String>, Quota { bytes, files }: Quota) -> Self {
        self.scratch.push(Scratch { guest: guest.into(), bytes, files });
        self
    }

    /// Shows the guest a read-only directory under the path `guest`, in which lie the files `contents`, each by its path
    /// there.
    pub fn files(
        mut self,
        guest: impl Into<String>,
        contents: impl IntoIterator<Item = (impl Into<String>, impl Into<Contents>)>,
    ) -> Self {
        let contents = contents.into_iter().map(|(name, contents)| (name.into(), contents.into())).collect();
        self.files.push(Files { guest: guest.into(), contents });
        self
    }

    /// Adds one rule of what the guest may reach. Rules are made from text: `"tcp://*:443".parse()?`.
    pub fn network(mut self, rule: NetworkRule) -> Self {
        self.network.push(rule);
        self
    }

    /// Makes every relative path of the host relative to `base`, for instance the folder of the policy file.
    /// Without it they are relative to the process's current directory at the time a [`Wasi`](crate::Wasi) is made.
    /// An empty path names nothing, and stays empty.
    pub fn resolve_paths(&mut self, base: impl AsRef<Path>) {
        let directories = self.directories.iter_mut().map(|directory| &mut directory.host);
        let stdin = match &mut self.stdin {
            Stdin::File(path) => Some(path),
            _ => None,
        };
        let outputs = [&mut self.stdout, &mut self.stderr].into_iter().filter_map(|output| match output {
            Output::File { path, .. } => Some(path),
            _ => None,
        });
        for path in directories.chain(stdin).chain(outputs).filter(|path| !path.as_os_str().is_empty()) {
            *path = base.as_ref().join(&*path);
        }
    }

    /// Checks everything that can be checked without touching the file system. [`Wasi::new`](crate::Wasi::new)
    /// does so by itself; this is for a program that wants to refuse a policy when it reads it.
    ///
    /// # Errors
    ///
    /// The first grant that no guest could be given: an argument with a NUL in it, a variable name with `=`, a
    /// directory without a path, a guest path with `..` or one granted twice, a quota of no files.
    pub fn check(&self) -> Result<(), GrantError> {
        if let Some(index) = self.args.iter().position(|arg| arg.contains('\0')) {
            return Err(GrantError::Argument { index });
        }
        environment::check(&self.env, &self.inherit_env)?;
        self.stdin.check()?;
        self.stdout.check(OutputStream::Stdout)?;
        self.stderr.check(OutputStream::Stderr)?;
        self.clocks.check()?;
        guest_path::check(self)?;
        directory::check(&self.directories)?;
        scratch::check(&self.scratch)?;
        contents::check(&self.files)
    }
}
