//! In a read-only directory nothing can be changed, by whatever call, and by none that goes through another directory.

use std::fs;
use std::path::Path;

use host_wasi::Access;

use crate::calls;
use crate::command::{BOTH, Form};
use crate::inside::Folder;
use crate::snapshot;

/// Every call that changes something, and what opens to change something. What is opened last is `file`, to read.
const CHANGES: &[&str] = &[
    "open:w:3/file",
    "open:rw:3/file",
    "open:a:3/file",
    "open:t:3/file",
    "open:rt:3/file",
    "open:tw:3/file",
    "open:c:3/file",
    "open:c:3/new",
    "open:cr:3/new",
    "open:cw:3/new",
    "open:cx:3/new",
    "open:cwx:3/new",
    "open:cw:3/dangling",
    "open:tw:3/chain-1",
    "mkdir:3/new",
    "mkdir:3/directory/new",
    "symlink:file:3/new",
    "link:3/file:3/new",
    "rename:3/file:3/new",
    "rename:3/file:3/directory/inner",
    "rename:3/empty:3/new",
    "unlink:3/file",
    "unlink:3/to-file",
    "rmdir:3/empty",
    "set-times-at:3/file",
    "set-times-at:3/to-file",
    "set-times-at:3/directory",
    "set-times-at:3/.",
    "set-link-times:3/to-file",
];

/// The same with what is open: a file, then a directory.
const CHANGES_OF_A_FILE: &[&str] =
    &["write:text", "write-at:0:text", "set-size:0", "set-size:1000", "allocate:0:4096", "set-times"];
const CHANGES_OF_A_DIRECTORY: &[&str] = &[
    "open:t:@/inner",
    "open:cw:@/new",
    "mkdir:@/new",
    "unlink:@/inner",
    "rmdir:@/deep",
    "symlink:x:@/new",
    "rename:@/inner:@/new",
    "rename:@/inner:3/new",
    "link:@/inner:@/new",
    "set-times-at:@/inner",
    "set-times",
    "set-size:0",
];

/// All of them in one list, which opens `file` and `directory` in between.
fn changes() -> Vec<&'static str> {
    [CHANGES, &["open:r:3/file"], CHANGES_OF_A_FILE, &["open:rd:3/directory"], CHANGES_OF_A_DIRECTORY]
        .concat()
}

#[test]
fn every_change_is_refused_and_nothing_changes() {
    let calls = changes();
    for form in BOTH {
        let folder = Folder::with_ways_out();
        let (answers, changed) = folder.answers(form, Access::ReadOnly, &calls);
        for (call, answer) in calls.iter().zip(&answers) {
            let opens = ["open:r:3/file", "open:rd:3/directory"].contains(call);
            assert_eq!(answer.starts_with("error "), !opens, "{form:?}: {call}: {answer}");
        }
        assert!(!changed, "{form:?}");
    }
}

/// What the test above asks for is possible: each of the calls that are refused there succeeds here, in a fresh folder.
#[test]
fn each_change_is_one_where_it_is_granted() {
    // To make room beforehand is not served at all; a directory has no size, and one with something in it stays.
    let never = ["allocate:0:4096", "set-size:0", "rmdir:@/deep"];
    let sets = [
        ("open:rd:3/directory", [CHANGES, CHANGES_OF_A_DIRECTORY].concat()),
        ("open:rw:3/file", CHANGES_OF_A_FILE.to_vec()),
    ];
    for form in BOTH {
        for (open, calls) in &sets {
            for call in calls.iter().filter(|call| !never.contains(call)) {
                // The times of a directory that is open cannot be set where WASI 0.1 is made of 0.2.
                if (form, *open, *call) == (Form::P2, "open:rd:3/directory", "set-times") {
                    continue;
                }
                let (answers, _) = Folder::new().answers(form, Access::ReadWrite, &[open, call]);
                assert!(!answers[1].starts_with("error "), "{form:?}: {call}: {}", answers[1]);
            }
        }
    }
}

#[test]
fn a_directory_that_may_be_written_is_no_way_in() {
    let calls = [
        "link:3/file:4/stolen",
        "link:4/own:3/planted",
        "link:4/own:3/file",
        "rename:3/file:4/stolen",
        "rename:3/file:4/own",
        "rename:3/directory:4/stolen",
        "rename:4/own:3/planted",
        "rename:4/own:3/file",
        "rename:4/folder:3/empty",
    ];
    for form in BOTH {
        let (folder, other) = (Folder::new(), tempfile::tempdir().unwrap());
        fs::create_dir(other.path().join("folder")).unwrap();
        fs::write(other.path().join("own"), "own").unwrap();
        let look = || (snapshot::everything(&folder.inside()), snapshot::everything(other.path()));
        let grants = |access| folder.grants(access).directory(other.path(), "other", Access::ReadWrite);
        let before = look();
        let answers = calls::answers(form, grants(Access::ReadOnly), &calls);
        assert!(answers.iter().all(|answer| answer == "error perm"), "{form:?}: {answers:?}");
        assert_eq!(look(), before, "{form:?}");

        // Between two that may be written, each works as long as its file is there.
        let answers = calls::answers(form, grants(Access::ReadWrite), &calls[..2]);
        assert_eq!(answers, ["ok", "ok"], "{form:?}");
    }
}

/// One folder granted twice, once to read and once to write: the way it was opened decides.
#[test]
fn the_grant_decides_and_not_the_folder() {
    for form in BOTH {
        let folder = Folder::new();
        let grants = folder.grants(Access::ReadOnly).directory(folder.inside(), "again", Access::ReadWrite);
        let calls = [
            "unlink:3/file",
            "rename:3/file:4/moved",
            "link:3/file:4/moved",
            "open:tw:3/file",
            "cat:4/file",
            "unlink:4/file",
        ];
        let answers = calls::answers(form, grants, &calls);
        let expected = ["error perm", "error perm", "error perm", "error perm", "this is file", "ok"];
        assert_eq!(answers, expected, "{form:?}");
        assert!(!Path::new(&folder.inside()).join("file").exists());
    }
}
