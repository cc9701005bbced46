//! A slash at the end of a path asks for a directory, here as without a sandbox.

use std::fs;
use std::os::unix::fs::symlink;

use crate::inside::{Difference, Folder, like_unsandboxed};

const ENTRIES: &[&str] = &["file", "empty", "full", "to-file", "to-empty", "to-full", "dangling", "missing"];
const ENDINGS: &[&str] = &["", "/", "//", "/."];

/// The calls that take a path; `PATH` is the entry with its ending. Each is made in a folder of its own, `HERE`.
const CALLS: &[&str] = &[
    "cat:PATH",
    "open:rn:PATH",
    "open:rd:PATH",
    "open:w:PATH",
    "open:cw:PATH",
    "open:cwx:PATH",
    "stat:PATH",
    "lstat:PATH",
    "readlink:PATH",
    "set-times-at:PATH",
    "mkdir:PATH",
    "unlink:PATH",
    "rmdir:PATH",
    "symlink:text:PATH",
    "rename:PATH:HERE/new",
    "rename:PATH:HERE/new/",
    "rename:HERE/other:PATH",
    "rename:HERE/other-directory:PATH",
    "rename:HERE/other-link:PATH",
    "link:PATH:HERE/new",
    "link:HERE/other:PATH",
];

/// The calls, each with the entry it is about, by the number of its folder.
fn cases() -> Vec<(&'static str, String)> {
    let mut cases = Vec::new();
    for call in CALLS {
        for entry in ENTRIES {
            for ending in ENDINGS {
                let here = format!("3/{}", cases.len());
                let call = call.replace("PATH", &format!("{here}/{entry}{ending}")).replace("HERE", &here);
                cases.push((*entry, call));
            }
        }
    }
    cases
}

fn folder(cases: &[(&str, String)]) -> Folder {
    let folder = Folder::new();
    for (number, (entry, call)) in cases.iter().enumerate() {
        let here = folder.inside().join(number.to_string());
        fs::create_dir(&here).unwrap();
        let target = entry.trim_start_matches("to-");
        match target {
            "file" => fs::write(here.join("file"), "file").unwrap(),
            "empty" => fs::create_dir(here.join("empty")).unwrap(),
            "full" => fs::create_dir_all(here.join("full/inner")).unwrap(),
            "dangling" => symlink("nothing", here.join("dangling")).unwrap(),
            _ => {}
        }
        if target != *entry {
            symlink(target, here.join(entry)).unwrap();
        }
        if call.contains("other:") {
            fs::write(here.join("other"), "other").unwrap();
        } else if call.contains("other-directory:") {
            fs::create_dir(here.join("other-directory")).unwrap();
        } else if call.contains("other-link:") {
            symlink("other", here.join("other-link")).unwrap();
        }
    }
    folder
}

#[test]
fn a_slash_asks_for_a_directory() {
    let cases = cases();
    let calls: Vec<&str> = cases.iter().map(|(_, call)| call.as_str()).collect();
    // All of these are refused either way. The sandbox takes `link/` for `link/.`, which it looks for first.
    let differs = |call, free, guest| Difference { form: None, call, free, guest };
    let differences = [
        differs("cat:", "error isdir", "error badf"),
        differs("unlink:", "error notdir", "error isdir"),
        differs("unlink:", "error notdir", "error noent"),
        differs("symlink:", "error exist", "error notdir"),
        differs("symlink:", "error exist", "error noent"),
        differs("link:", "error exist", "error notdir"),
        differs("link:", "error exist", "error noent"),
    ];
    like_unsandboxed(|| folder(&cases), &calls, &differences);
}
