//! What a single file may not contain, as functions from its path and text to what is wrong.

use super::LARGE_BINARY;
use super::source::{code, without_attributes};

/// The one module that may say `unsafe`.
const UNSAFE_ROOM: &str = "crates/cache/src/native.rs";
/// Tests, examples and benchmarks of that room, and what it is measured beside: they call what asks for a promise, and make it.
const UNSAFE_VISITORS: &[&str] = &[
    "crates/cache/tests/",
    "crates/cache/examples/",
    "crates/cache/benches/",
    "benches/src/rivals/trusted.rs",
];
/// The crates that deny unsafe code instead of forbidding it: the one that holds that room, and the benchmarks.
const UNSAFE_CRATES: &[&str] = &["crates/cache/", "benches/"];
/// Guests stand for other people's code, and are not held to it.
const GUESTS: &[&str] = &["guests/", "benches/guests/"];

/// Folders at the root of a developer's machine.
const MACHINE: &[&str] = &["home", "root", "Users"];

/// A crate's front page may be its README, if the first line says so.
const FRONT_PAGE: &str = "doc = include_str!(\"../README.md\")";

/// Everything that is asked of a Rust source.
pub(super) fn rust(path: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let mut problems = Vec::new();
    if !text.starts_with("//!") && !text.lines().next().is_some_and(|line| line.contains(FRONT_PAGE)) {
        problems.push(format!("{path}: opens without a `//!` line that says what it answers for"));
    }
    for (number, line) in (1..).zip(code.lines()) {
        for left in ["todo!", "unimplemented!", "#[ignore"] {
            if line.contains(left) {
                problems.push(format!("{path}:{number}: `{left}` is work left undone"));
            }
        }
    }
    if !GUESTS.iter().any(|folder| path.starts_with(folder)) {
        problems.extend(unsafe_words(path, &code));
        problems.extend(unguarded_crate(path, &code));
    }
    problems
}

/// The places of a text that name a folder of somebody's machine.
pub(super) fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for folder in MACHINE.iter().map(|name| format!("/{name}/")) {
            // `https://a.example/home/` and `target/root/` go on from something; a path of a machine starts afresh.
            let afresh =
                |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-*~}/".contains(c));
            if line.match_indices(&folder).any(|(at, _)| afresh(at)) {
                problems.push(format!("{path}:{number}: names `{folder}`, a folder of one machine"));
            }
        }
    }
    problems
}

/// Refuses a large file that is not text.
pub(super) fn stray_binary(path: &str, bytes: u64) -> Option<String> {
    let kibibytes = LARGE_BINARY / 1024;
    (bytes > LARGE_BINARY as u64)
        .then(|| format!("{path}: a binary of more than {kibibytes} KiB; build it instead"))
}

/// The places where `unsafe` stands as code outside its room.
fn unsafe_words(path: &str, code: &str) -> Vec<String> {
    if path == UNSAFE_ROOM || UNSAFE_VISITORS.iter().any(|folder| path.starts_with(folder)) {
        return Vec::new();
    }
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let lines = without_attributes(code);
    let found =
        (1..).zip(lines.lines()).filter(|(_, line)| line.split(|c| !word(c)).any(|word| word == "unsafe"));
    found.map(|(number, _)| format!("{path}:{number}: `unsafe` belongs in {UNSAFE_ROOM} only")).collect()
}

/// The root file of a crate must shut unsafe code out.
fn unguarded_crate(path: &str, code: &str) -> Option<String> {
    let is_root = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
    let denies = UNSAFE_CRATES.iter().any(|folder| path.starts_with(folder));
    let guard = if denies { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
    (is_root && !code.contains(guard)).then(|| format!("{path}: the root of a crate says `{guard}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Joined here, so that this file does not name such a folder itself.
    fn machine(folder: &str, rest: &str) -> String {
        format!("/{folder}/{rest}")
    }

    #[test]
    fn a_source_opens_with_what_it_answers_for() {
        assert!(rust("a/src/b.rs", "//! Answers.\n").is_empty());
        assert!(rust("a/src/b.rs", "#![doc = include_str!(\"../README.md\")]\n").is_empty());
        assert!(rust("a/src/b.rs", "#![cfg_attr(x, doc = include_str!(\"../README.md\"))]\n").is_empty());
        assert_eq!(rust("a/src/b.rs", "fn main() {}\n").len(), 1);
        assert_eq!(rust("a/src/b.rs", "// Not a document comment.\n//! Late.\n").len(), 1);
    }

    #[test]
    fn work_left_undone_is_found_in_code_only() {
        assert_eq!(
            rust("a/src/b.rs", "//! x\nfn f() { todo!() }\n"),
            ["a/src/b.rs:2: `todo!` is work left undone"]
        );
        assert_eq!(rust("a/src/b.rs", "//! x\n#[test]\n#[ignore = \"slow\"]\nfn f() {}\n").len(), 1);
        assert!(rust("a/src/b.rs", "//! x\n// todo!(\nconst A: &str = \"todo!(\";\n").is_empty());
    }

    #[test]
    fn unsafe_stands_in_one_room() {
        let block = "//! x\nfn f() { unsafe { g() } }\n";
        assert_eq!(rust("crates/limits/src/a.rs", block).len(), 1);
        assert_eq!(rust("crates/cache/src/store.rs", block).len(), 1);
        assert!(rust("crates/cache/src/native.rs", block).is_empty());
        assert!(rust("crates/cache/tests/it/native.rs", block).is_empty());
        assert_eq!(rust("crates/limits/tests/it/main.rs", block).len(), 1);
        assert!(rust("guests/add/src/lib.rs", block).is_empty());
    }

    #[test]
    fn the_word_unsafe_is_free_in_comments_strings_and_attributes() {
        let free = "//! x\n#![forbid(unsafe_code)]\n// unsafe\n#[unsafe(no_mangle)]\nconst A: &str = \"unsafe\";\nfn unsafe_name() {}\n";
        assert!(
            rust("crates/limits/src/a.rs", free).is_empty(),
            "{:?}",
            rust("crates/limits/src/a.rs", free)
        );
    }

    #[test]
    fn the_root_of_a_crate_shuts_unsafe_code_out() {
        assert_eq!(rust("crates/limits/src/lib.rs", "//! x\n").len(), 1);
        assert_eq!(rust("crates/limits/src/lib.rs", "//! x\n// #![forbid(unsafe_code)]\n").len(), 1);
        assert!(rust("crates/limits/src/lib.rs", "//! x\n#![forbid(unsafe_code)]\n").is_empty());
        assert!(rust("crates/cache/src/lib.rs", "//! x\n#![deny(unsafe_code)]\n").is_empty());
        assert_eq!(rust("crates/limits/src/lib.rs", "//! x\n#![deny(unsafe_code)]\n").len(), 1);
    }

    #[test]
    fn a_folder_of_one_machine_is_named_with_its_line() {
        let text = format!("first\nsee {}\n", machine("home", "somebody/wasm"));
        let found = machine_paths("README.md", &text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("README.md:2: names"), "{found:?}");
        assert_eq!(machine_paths("a.rs", &format!("(\"{}\")", machine("Users", "x"))).len(), 1);
    }

    #[test]
    fn a_folder_further_down_a_path_is_nobodys_machine() {
        let url = format!("https://a.example{} and target{}", machine("home", "x"), machine("root", "y"));
        assert!(machine_paths("README.md", &url).is_empty());
    }

    #[test]
    fn a_large_binary_is_refused() {
        assert!(stray_binary("a.wasm", 100 * 1024).is_none());
        assert!(stray_binary("a.wasm", 100 * 1024 + 1).is_some());
    }
}
