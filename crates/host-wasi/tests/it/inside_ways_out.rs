//! No path leads out: what is asked for by one is refused, and nothing changes anywhere.

use std::fs;
use std::path::PathBuf;

use host_wasi::Access;

use crate::calls::quoted;
use crate::command::BOTH;
use crate::inside::Folder;
use crate::unsandboxed;

/// Paths to files outside (`secret` says so), absolute ones among them.
fn to_files(folder: &Folder) -> Vec<String> {
    let ways = [
        "../secret",
        "./../secret",
        "directory/../../secret",
        "directory/deep/../../../secret",
        "to-directory/../../secret",
        "directory/deep/around/../../secret",
        "../others/secret",
        "../others/link",
        "out",
        "out-by-chain",
        "directory/out-of-two",
        "out-by-detour",
        "out-directory/secret",
        "out-directory/link",
        "out-directory/../secret",
        "parent/secret",
        "parent/others/secret",
        "here/parent/inside/parent/secret",
        "absolute",
        "absolute-directory/secret",
    ];
    let absolute = format!("/{}", quoted(&folder.whole.path().join("secret")).trim_start_matches('/'));
    ways.map(str::to_owned).into_iter().chain([absolute]).collect()
}

/// Paths to directories outside in which `secret`, `link` and `empty` are.
fn to_directories(folder: &Folder) -> Vec<String> {
    let absolute = quoted(&folder.whole.path().join("others"));
    let ways =
        ["../others", "directory/../../others", "out-directory", "parent/others", "absolute-directory"];
    ways.map(str::to_owned).into_iter().chain([absolute]).collect()
}

/// Paths that go out and come in again. They are refused too: where they lead is a matter of what is outside.
const OUT_AND_IN: &[&str] = &["../inside/file", "out-and-in", "parent/inside/file", "absolute-and-in"];

/// Paths to what is not there, outside: opening to create would make it.
const TO_NOTHING: &[&str] =
    &["../planted", "out-dangling", "absolute-dangling", "out-directory/planted", "directory/../../planted"];

fn all_refused(folder: &Folder, calls: &[String]) {
    for form in BOTH {
        let (answers, changed) = folder.answers(form, Access::ReadWrite, calls);
        for (call, answer) in calls.iter().zip(&answers) {
            // A link may be looked at: it is inside. With a slash after it, a system would say where it leads.
            let looked_at = call.starts_with("lstat:") && answer.starts_with("symlink ");
            assert!(answer.starts_with("error ") || looked_at, "{form:?}: {call}: {answer}");
        }
        assert!(!changed, "{form:?}: something changed");
    }
}

#[test]
fn what_is_outside_cannot_be_read() {
    let folder = Folder::with_ways_out();
    let ways = to_files(&folder);
    // Without a sandbox, each leads there. (An absolute path is one from the root of a folder that is the root.)
    let read: Vec<String> = ways.iter().map(|way| format!("cat:3/{way}")).collect();
    let (relative, absolute) = read.split_at(read.len() - 1);
    let inside = [folder.inside()];
    assert!(unsandboxed::answers(&inside, relative).iter().all(|answer| answer == "secret"));
    assert_eq!(unsandboxed::answers(&[PathBuf::from("/")], absolute), ["secret"]);

    let mut calls = Vec::new();
    for way in ways.iter().map(String::as_str).chain(OUT_AND_IN.iter().copied()) {
        for call in
            ["cat", "stat", "open:r", "open:w", "open:rw", "open:tw", "open:cw", "open:ctw", "set-times-at"]
        {
            calls.push(format!("{call}:3/{way}"));
        }
    }
    all_refused(&folder, &calls);
}

/// Without a sandbox each would be made, but for one: to create only what is new fails where a link is.
#[test]
fn nothing_is_made_outside() {
    let mut calls = Vec::new();
    for way in TO_NOTHING {
        for call in ["open:cw", "open:cwx", "open:ctw", "touch"] {
            calls.push(format!("{call}:3/{way}"));
        }
    }
    for way in ["../planted", "out-directory/planted", "absolute-directory/planted", "parent/planted"] {
        calls.push(format!("mkdir:3/{way}"));
        calls.push(format!("symlink:x:3/{way}"));
        calls.push(format!("rename:3/file:3/{way}"));
        calls.push(format!("rename:3/empty:3/{way}"));
        calls.push(format!("link:3/file:3/{way}"));
    }
    for call in &calls {
        let folder = Folder::with_ways_out();
        let answers = unsandboxed::answers(&[folder.inside()], &[call]);
        let only_new = call.starts_with("open:cwx:") && call.ends_with("dangling");
        let expected = if only_new { "error exist" } else { "ok" };
        assert!(answers == [expected], "{call}: {answers:?}");
    }
    all_refused(&Folder::with_ways_out(), &calls);
}

#[test]
fn what_is_outside_cannot_be_listed_moved_linked_or_removed() {
    let folder = Folder::with_ways_out();
    let mut calls = Vec::new();
    for way in to_directories(&folder) {
        for flags in ["rd", "r", "rdn"] {
            calls.push(format!("open:{flags}:3/{way}"));
        }
        calls.push(format!("readlink:3/{way}/link"));
        calls.push(format!("lstat:3/{way}/secret"));
        calls.push(format!("set-link-times:3/{way}/secret"));
        calls.push(format!("unlink:3/{way}/secret"));
        calls.push(format!("unlink:3/{way}/link"));
        calls.push(format!("rmdir:3/{way}/empty"));
        calls.push(format!("rename:3/{way}/secret:3/stolen"));
        calls.push(format!("rename:3/{way}/empty:3/stolen"));
        calls.push(format!("rename:3/file:3/{way}/secret"));
        calls.push(format!("link:3/{way}/secret:3/stolen"));
        calls.push(format!("link-followed:3/{way}/secret:3/stolen"));
    }
    for link in ["out", "absolute", "out-by-chain"] {
        calls.push(format!("link-followed:3/{link}:3/stolen"));
    }
    // The directory itself, by way of what is above it.
    for call in [
        "unlink:3/..",
        "rmdir:3/../inside",
        "rename:3/../inside:3/x",
        "rename:3/..:3/x",
        "unlink:3/../secret",
    ] {
        calls.push(call.to_owned());
    }
    all_refused(&folder, &calls);
}

/// A system may follow a symlink that has a slash after it even where links are not followed.
#[test]
fn a_slash_after_a_link_leads_nowhere() {
    let mut calls = Vec::new();
    for link in [
        "out",
        "out-directory",
        "parent",
        "absolute-directory",
        "out-dangling",
        "to-directory/../../others",
        "..",
    ] {
        for ending in ["/", "//", "/.", "/./"] {
            let way = format!("3/{link}{ending}");
            for call in ["open:r", "open:rn", "open:rd", "open:rdn", "open:w", "open:cw", "stat", "cat"] {
                calls.push(format!("{call}:{way}"));
            }
            for call in [
                "lstat",
                "readlink",
                "set-times-at",
                "set-link-times",
                "mkdir",
                "rmdir",
                "unlink",
                "symlink:x",
            ] {
                calls.push(format!("{call}:{way}"));
            }
            calls.push(format!("rename:{way}:3/stolen"));
            calls.push(format!("rename:{way}:3/stolen/"));
            calls.push(format!("rename:3/empty:{way}"));
            calls.push(format!("rename:3/empty/:{way}"));
            calls.push(format!("rename:3/file:{way}"));
            calls.push(format!("link:{way}:3/stolen"));
            calls.push(format!("link:3/file:{way}"));
        }
    }
    all_refused(&Folder::with_ways_out(), &calls);
}

#[test]
fn what_a_guest_makes_itself_leads_no_further() {
    for form in BOTH {
        let folder = Folder::with_ways_out();
        let absolute = quoted(&folder.whole.path().join("secret"));
        let calls = [
            // A text that leads out is only a text, until it is followed; an absolute one is refused.
            "symlink:../secret:3/made",
            "cat:3/made",
            "open:cw:3/made",
            &format!("symlink:{absolute}:3/made-absolute"),
            // Made where it leads to something inside, then moved up by one.
            "symlink:../../file:3/directory/deep/made",
            "cat:3/directory/deep/made",
            "rename:3/directory/deep/made:3/directory/made",
            "cat:3/directory/made",
            "link:3/directory/made:3/made-by-link",
            "cat:3/made-by-link",
            // A link to a directory above, built up in steps that each stay inside.
            "symlink:..:3/directory/up-one",
            "rename:3/directory/up-one:3/up-one",
            "cat:3/up-one/secret",
            "mkdir:3/up-one/planted",
            // A descriptor is no place to go up from, neither where it was opened nor where it was moved to.
            "open:rd:3/directory/deep",
            "cat:@/deepest",
            "cat:@/../inner",
            "cat:@/../../../secret",
            "rename:3/directory/deep:3/deep",
            "cat:@/deepest",
            "cat:@/../file",
            "cat:@/../../secret",
            // The link itself is inside, and may be seen, moved and removed.
            "readlink:3/out",
            "rename:3/out:3/moved-out",
            "cat:3/moved-out",
            "unlink:3/moved-out",
            "set-link-times:3/out-directory",
        ];
        let (answers, _) = folder.answers(form, Access::ReadWrite, &calls);
        let expected = [
            "ok",
            "error perm",
            "error perm",
            "error perm",
            "ok",
            "this is file",
            "ok",
            "error perm",
            "ok",
            "error perm",
            "ok",
            "ok",
            "error perm",
            "error perm",
            "ok",
            "this is directory/deep/deepest",
            "error perm",
            "error perm",
            "ok",
            "this is directory/deep/deepest",
            "error perm",
            "error perm",
            "../secret",
            "ok",
            "error perm",
            "ok",
            "ok",
        ];
        for ((call, answer), expected) in calls.iter().zip(&answers).zip(expected) {
            assert_eq!(answer, expected, "{form:?}: {call}");
        }
        let outside = fs::read_dir(folder.whole.path()).unwrap().count();
        assert_eq!(outside, 3, "{form:?}: something was made outside");
    }
}
