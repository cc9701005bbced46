//! Random grants against random grants, and every field on its own.

use std::fs;

use crate::environment::matches;
use crate::{
    Access, Clocks, Excess, Grants, Output, Quota, Randomness, Stdin, WishedDirectory, WishedRule,
    WishedScratch, Wishes,
};

/// Numbers that are the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % end
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].clone()
    }

    fn some<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        (0..self.below(3)).map(|_| self.one(of)).collect()
    }

    fn access(&mut self) -> Access {
        self.one(&[Access::ReadOnly, Access::ReadWrite])
    }

    fn output(&mut self) -> Output {
        let size = self.below(3);
        let path = self.one(&["out", "err"]).into();
        self.one(&[
            Output::Discard,
            Output::Inherit,
            Output::Capture(size),
            Output::File { path, size },
            Output::Lines(4 + size),
        ])
    }

    fn grants(&mut self) -> Grants {
        let mut grants = Grants::default()
            .args(self.some(&["a", "b"]))
            .stdin(self.one(&[
                Stdin::Closed,
                Stdin::Inherit,
                Stdin::Text("t".into()),
                Stdin::File("in".into()),
            ]))
            .stdout(self.output())
            .stderr(self.output())
            .inherit_env(self.some(PATTERNS))
            .clocks(self.one(&[Clocks::Real, Clocks::Fixed("2026-01-01T00:00:00Z".parse().unwrap())]))
            .random(self.one(&[Randomness::Real, Randomness::Seeded(1)]));
        grants.network = self.some(RULES).iter().map(|rule| rule.parse().unwrap()).collect();
        for guest in self.some(&["a", "b"]) {
            let host = self.one(&["one", "two"]);
            let quota = Quota { bytes: self.below(3), files: 1 + self.below(3) };
            grants = match self.below(4) {
                0 => grants.directory_with_quota(host, guest, quota),
                1 => grants.scratch(guest, quota),
                _ => grants.directory(host, guest, self.access()),
            };
        }
        grants
    }

    /// As `base`, but for one field.
    fn near(&mut self, base: &Grants) -> Grants {
        let (other, mut near) = (self.grants(), base.clone());
        match self.below(8) {
            0 => near.stdin = other.stdin,
            1 => near.stdout = other.stdout,
            2 => near.inherit_env = other.inherit_env,
            3 => near.network = other.network,
            4 => near.clocks = other.clocks,
            5 => near.random = other.random,
            6 => near.directories = other.directories,
            _ => near.scratch = other.scratch,
        }
        near
    }

    fn wishes(&mut self) -> Wishes {
        let mut wishes = Wishes::default();
        for wish in [&mut wishes.stdin, &mut wishes.stdout, &mut wishes.stderr] {
            *wish = (self.below(2) == 0).then(String::new);
        }
        wishes.env = self.some(PATTERNS).iter().map(|name| (name.to_string(), String::new())).collect();
        wishes.network =
            self.some(RULES).iter().map(|rule| WishedRule::new(rule.parse().unwrap(), "")).collect();
        wishes.directories = vec![WishedDirectory::new("a", self.access(), "")];
        wishes.scratch = vec![WishedScratch::new("b", self.below(3), 1 + self.below(3), "")];
        wishes
    }
}

const PATTERNS: &[&str] = &["LC_*", "LC_ALL", "L*", "*", "HOME", "A*A"];
const NAMES: &[&str] = &["LC_ALL", "LC_", "LANG", "HOME", "A", "AA"];
const RULES: &[&str] =
    &["dns", "dns:example.org", "tcp://*:*", "tcp://example.org:443", "tcp://127.0.0.1:80"];

#[test]
fn the_more_covers_the_less() {
    let mut random = Seeded(0x9e37_79b9_7f4a_7c15);
    let mut covered = 0;
    for _ in 0..20_000 {
        let one = random.grants();
        let other = random.near(&one);
        let third = random.near(&other);
        assert_eq!(one.excess(&one), [], "{one:?}");
        assert_eq!(one.excess(&Grants::default().clocks(one.clocks).random(one.random)), []);
        let wishes = random.wishes();
        let within = one.within(&wishes);
        assert_eq!(one.excess(&within), [], "{one:?} {wishes:?}");
        if other.excess(&third).is_empty() && one.excess(&other).is_empty() {
            covered += 1;
            assert_eq!(one.excess(&third), [], "{one:?} {other:?} {third:?}");
        }
        if one.excess(&other).is_empty() {
            for name in NAMES {
                let sees = |grants: &Grants| grants.inherit_env.iter().any(|pattern| matches(pattern, name));
                assert!(!sees(&other) || sees(&one), "{name} {one:?} {other:?}");
            }
        }
    }
    assert!(covered > 20, "only {covered} chains of three");
}

fn grants(text: &str) -> Grants {
    toml::from_str(text).unwrap()
}

fn check(granted: &str, asked: &str, expect: &[&str]) {
    let excess = grants(granted).excess(&grants(asked));
    let said: Vec<String> = excess.iter().map(ToString::to_string).collect();
    assert_eq!(said, expect, "{granted} | {asked}");
}

#[test]
fn what_reveals_nothing_of_the_host_is_covered() {
    let asked =
        "args = ['a']\nenv.A = 'b'\nstdin = { text = 'a' }\nfiles = [{ guest = 'a', contents.b = 'c' }]";
    check("", asked, &[]);
    check(
        "",
        "stdin = { bytes = [1] }\nclocks = { fixed = '2026-01-01T00:00:00Z' }\nrandom = { seeded = 1 }",
        &[],
    );
}

#[test]
fn every_other_field_is_told() {
    check("", "stdin = 'inherit'", &["stdin: asked is \"inherit\", allowed is \"closed\""]);
    check(
        "stdin = { file = 'a' }",
        "stdin = { file = 'b' }",
        &["stdin: asked is the file \"b\", allowed is the file \"a\""],
    );
    check("", "stdout = { capture = 1 }", &["stdout: asked is { capture = 1 }, allowed is \"discard\""]);
    check(
        "stderr = { capture = 1 }",
        "stderr = { capture = 2 }",
        &["stderr: asked is { capture = 2 }, allowed is { capture = 1 }"],
    );
    check(
        "stderr = { lines = 8 }",
        "stderr = { lines = 9 }",
        &["stderr: asked is { lines = 9 }, allowed is { lines = 8 }"],
    );
    check(
        "inherit-env = ['LC_*', 'HOME']",
        "inherit-env = ['LC_ALL', 'L*', 'PATH']",
        &[
            "inherit-env[1]: asked is \"L*\", allowed is \"LC_*\", \"HOME\"",
            "inherit-env[2]: asked is \"PATH\", allowed is \"LC_*\", \"HOME\"",
        ],
    );
    check("", "network = ['dns']", &["network[0]: asked is \"dns\", allowed is nothing"]);
    check("network = ['dns', 'tcp://*:443']", "network = ['tcp://example.org:443']", &[]);
    check(
        "clocks = { fixed = '2026-01-01T00:00:00Z' }\nrandom = { seeded = 1 }",
        "random = { seeded = 2 }",
        &[
            "clocks: asked is \"real\", allowed is { fixed = \"2026-01-01T00:00:00Z\" }",
            "random: asked is { seeded = 2 }, allowed is { seeded = 1 }",
        ],
    );
    let most = u64::MAX / 2;
    check(
        "scratch = [{ guest = 'a', bytes = 5, files = 5 }]",
        &format!(
            "scratch = [{{ guest = 'a', bytes = {most}, files = 1 }}, {{ guest = 'b', bytes = {most}, files = 1 }}]"
        ),
        &[
            "scratch: asked is 18446744073709551614 bytes and 2 files in all, allowed is 5 bytes and 5 files in all",
        ],
    );
}

#[test]
fn a_directory_is_covered_with_no_more_access_and_room() {
    let at = |more: &str| format!("directories = [{{ host = 'd', guest = 'g', {more} }}]");
    let write = at("access = 'read-write'");
    let room =
        |bytes, files| at(&format!("access = 'read-write', quota = {{ bytes = {bytes}, files = {files} }}"));
    check("", &at(""), &["directories[0].host: asked is \"d\", allowed is nothing"]);
    check(&at(""), &write, &["directories[0].access: asked is read-write, allowed is read-only"]);
    check(&write, &at(""), &[]);
    check(&room(5, 5), &at(""), &[]);
    check(&room(5, 5), &room(5, 4), &[]);
    check(&write, &room(9, 9), &[]);
    for (asked, said) in [(write, "no quota"), (room(6, 5), "{ bytes = 6, files = 5 }")] {
        let expect = format!("directories[0].quota: asked is {said}, allowed is {{ bytes = 5, files = 5 }}");
        check(&room(5, 5), &asked, &[&expect]);
    }
}

#[test]
fn a_directory_inside_is_covered_only_where_nobody_can_replace_it() {
    let temporary = tempfile::tempdir().unwrap();
    let path = |name: &str| temporary.path().join(name);
    fs::create_dir_all(path("outer/inner")).unwrap();
    fs::create_dir_all(path("outer-2")).unwrap();
    let grants = |name: &str, access| Grants::default().directory(path(name), "g", access);
    let excess = |granted: &str, access, asked: &str| -> Vec<Excess> {
        grants(granted, access).excess(&grants(asked, Access::ReadOnly))
    };
    assert_eq!(excess("outer", Access::ReadOnly, "outer/inner"), []);
    assert_eq!(excess("outer", Access::ReadOnly, "outer/inner/../inner"), []);
    assert_eq!(excess("outer", Access::ReadWrite, "outer/inner/.."), []);
    for asked in ["outer-2", "outer/..", "outer/../outer-2", "outer/inner/missing", "."] {
        let excess = excess("outer", Access::ReadOnly, asked);
        assert_eq!(excess.len(), 1, "{asked}: {excess:?}");
    }
    let in_writable = excess("outer", Access::ReadWrite, "outer/inner");
    assert!(in_writable[0].allowed.contains("a grant of its own"), "{in_writable:?}");
    // Not even if another grant shows the same directory for reading only.
    let both = grants("outer", Access::ReadOnly).directory(path("outer"), "h", Access::ReadWrite);
    assert_eq!(both.excess(&grants("outer/inner", Access::ReadOnly)).len(), 1);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../outer-2", path("outer/link")).unwrap();
        assert_eq!(excess("outer", Access::ReadOnly, "outer/link").len(), 1);
    }
}
