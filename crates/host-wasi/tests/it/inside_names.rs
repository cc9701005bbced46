//! Names that are too long, or that are not text: answered as without a sandbox, or refused.

use std::fs;
use std::os::unix::fs::symlink;

use host_wasi::Access;

use crate::calls::{self, os};
use crate::command::{BOTH, Form};
use crate::inside::{Difference, Folder, like_unsandboxed};
use crate::snapshot;

#[test]
fn a_name_may_be_as_long_as_without_a_sandbox() {
    let (longest, too_long) = ("n".repeat(255), "n".repeat(256));
    let mut calls = Vec::new();
    for name in [&longest, &too_long] {
        for call in ["open:cw", "stat", "cat", "unlink", "mkdir", "rmdir", "symlink:file", "readlink"] {
            calls.push(format!("{call}:3/{name}"));
        }
        calls.push(format!("rename:3/file:3/{name}"));
        calls.push(format!("link:3/{name}:3/file"));
    }
    // A path of 4,095 bytes is the longest; what the host puts before it does not count in the guest.
    for length in [2000, 4000] {
        calls.push(format!("stat:3/{}file", "./".repeat(length / 2)));
    }
    for length in [5000, 70_000] {
        for call in ["stat:3/PATHfile", "open:cw:3/PATHfile", "mkdir:3/PATHfile", "unlink:3/PATHmissing"] {
            calls.push(call.replace("PATH", &"./".repeat(length / 2)));
        }
        // The text of a symlink is bounded too.
        calls.push(format!("symlink:{}:3/long-link", "x".repeat(length)));
    }
    // What is made or removed is looked for by the path without its `.`.
    let differences = [
        Difference { form: None, call: "mkdir:", free: "error nametoolong", guest: "error exist" },
        Difference { form: None, call: "unlink:", free: "error nametoolong", guest: "error noent" },
    ];
    like_unsandboxed(Folder::new, &calls, &differences);
}

#[test]
fn the_longest_path_counts_from_the_directory() {
    let longest = format!("stat:3/{}file", "./".repeat((4095 - 4) / 2));
    let too_long = format!("stat:3/{}file", "./".repeat((4095 - 2) / 2));
    for form in BOTH {
        let (answers, _) = Folder::new().answers(form, Access::ReadOnly, &[&longest, &too_long]);
        assert_eq!(answers, ["file 12", "error nametoolong"], "{form:?}");
    }
}

/// WASI has only names that are Unicode, and no guest can say another: WASI 0.1 refuses it, and a component that tries
/// is ended.
#[test]
fn a_name_that_is_no_text_cannot_be_said() {
    let calls = [
        "cat:3/bad-%ff",
        "stat:3/bad-%ff",
        "unlink:3/bad-%ff",
        "open:cw:3/new-%ff",
        "mkdir:3/%80",
        "symlink:%ff:3/new-link",
        "rename:3/file:3/%ed%a0%80",
    ];
    for form in BOTH {
        for call in calls {
            let folder = Folder::new();
            fs::write(folder.inside().join(os(b"bad-\xff")), "secret").unwrap();
            let before = snapshot::everything(folder.whole.path());
            let ended = calls::run(form, folder.grants(Access::ReadWrite), &[call]);
            match form {
                Form::P1 => assert_eq!(ended.stdout(), "error ilseq\n", "{call}"),
                Form::P2 => {
                    let error = ended.result.unwrap_err();
                    assert!(error.root_cause().to_string().contains("utf-8"), "{call}: {error:?}");
                }
            }
            assert_eq!(snapshot::everything(folder.whole.path()), before, "{form:?}: {call}");
        }
    }
}

/// What the host has planted under such a name is there, and can be reached by a symlink that says so.
#[test]
fn a_name_that_is_no_text_cannot_be_told() {
    for form in BOTH {
        let folder = Folder::new();
        fs::write(folder.inside().join(os(b"bad-\xff")), "bad").unwrap();
        symlink(os(b"bad-\xff"), folder.inside().join("to-bad")).unwrap();
        let calls = ["readlink:3/to-bad", "lstat:3/to-bad", "cat:3/to-bad", "cat:3/file"];
        let (answers, _) = folder.answers(form, Access::ReadOnly, &calls);
        assert_eq!(answers, ["error ilseq", "symlink 5", "bad", "this is file"], "{form:?}");
    }
}

/// A NUL does not end a name.
#[test]
fn a_name_has_no_nul() {
    for form in BOTH {
        let calls = [
            "cat:3/file%00",
            "open:cw:3/new%00x",
            "mkdir:3/new%00x",
            "unlink:3/file%00x",
            "symlink:a%00b:3/new",
        ];
        let (answers, changed) = Folder::new().answers(form, Access::ReadWrite, &calls);
        assert!(answers.iter().all(|answer| answer.starts_with("error ")), "{form:?}: {answers:?}");
        assert!(!changed, "{form:?}");
    }
}

#[test]
fn the_form_is_of_no_matter_for_text() {
    for form in [Form::P1, Form::P2] {
        let folder = Folder::new();
        let calls = ["open:cw:3/grüße – 你好", "close", "stat:3/gr%c3%bc%c3%9fe – 你好"];
        let (answers, _) = folder.answers(form, Access::ReadWrite, &calls);
        assert_eq!(answers, ["ok", "ok", "file 0"], "{form:?}");
        assert!(folder.inside().join("grüße – 你好").exists());
    }
}
