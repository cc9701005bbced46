//! What is in a directory and is no ordinary file: sockets, links into `/proc`, and a file of a terabyte.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;

use host_wasi::{Access, Grants};

use crate::calls;
use crate::command::BOTH;
use crate::inside::Folder;

#[test]
fn a_socket_is_not_opened() {
    for form in BOTH {
        let folder = Folder::new();
        let _socket = UnixListener::bind(folder.inside().join("socket")).unwrap();
        let calls =
            ["open:r:3/socket", "open:w:3/socket", "open:cw:3/socket", "stat:3/socket", "unlink:3/socket"];
        let (answers, _) = folder.answers(form, Access::ReadWrite, &calls);
        assert!(answers[..3].iter().all(|answer| answer.starts_with("error ")), "{form:?}: {answers:?}");
        assert_eq!(answers[3..], ["other", "ok"], "{form:?}");
    }
}

/// The links in `/proc` lead to files without regard to paths: to all that this process has open, and to the root.
#[test]
fn no_way_leads_through_proc() {
    for form in BOTH {
        let folder = Folder::with_ways_out();
        let links = [
            ("/proc/self/root", "root"),
            ("/proc/self/cwd", "cwd"),
            ("/proc/self/fd", "fd"),
            ("/proc/self/environ", "environ"),
            ("/proc/thread-self/root", "thread-root"),
            ("/dev/stdin", "stdin"),
        ];
        for (target, link) in links {
            symlink(target, folder.inside().join(link)).unwrap();
        }
        let mut calls = Vec::new();
        for way in [
            "root/etc/passwd",
            "cwd/Cargo.toml",
            "fd/0",
            "fd/1",
            "environ",
            "thread-root/etc/passwd",
            "stdin",
        ] {
            for call in ["open:r", "open:w", "stat", "cat"] {
                calls.push(format!("{call}:3/{way}"));
            }
        }
        for way in
            ["root", "cwd", "fd", "root/proc/self/fd", "/proc/self/fd", "../../../../../../proc/self/fd"]
        {
            calls.push(format!("open:rd:3/{way}"));
        }
        let (answers, changed) = folder.answers(form, Access::ReadWrite, &calls);
        for (call, answer) in calls.iter().zip(&answers) {
            assert!(answer.starts_with("error "), "{form:?}: {call}: {answer}");
        }
        assert!(!changed, "{form:?}");
    }
}

/// Even where the host grants a folder of `/proc`, its links are not followed.
#[test]
fn what_is_granted_in_proc_is_no_more_than_its_files() {
    for form in BOTH {
        let grants = Grants::default().directory("/proc/self", "self", Access::ReadOnly);
        let calls = [
            "cat:3/root/etc/passwd",
            "open:rd:3/root",
            "open:rd:3/cwd",
            "open:r:3/exe",
            "cat:3/fd/0",
            "stat:3/fd/1",
        ];
        let answers = calls::answers(form, grants, &calls);
        assert!(answers.iter().all(|answer| answer.starts_with("error ")), "{form:?}: {answers:?}");
    }
}

/// Without a quota, a file may be as large as the file system lets it. What has no contents takes no room.
#[test]
fn a_file_of_a_terabyte_is_a_number() {
    const TERABYTE: u64 = 1 << 40;
    for form in BOTH {
        let folder = Folder::new();
        let calls = [
            "open:rw:3/file",
            "set-size:1099511627776",
            "size",
            "write-at:1099511627775:x",
            "set-size:18446744073709551615",
            "size",
        ];
        let answers = calls::answers(form, folder.grants(Access::ReadWrite), &calls);
        let metadata = fs::metadata(folder.inside().join("file")).unwrap();
        if answers[1] == "error fbig" {
            // A file system for which that is too much.
            assert_eq!(metadata.len(), 12, "{form:?}");
            continue;
        }
        assert_eq!(answers[..4], ["ok", "ok", "file 1099511627776", "1"], "{form:?}");
        assert!(answers[4].starts_with("error "), "{form:?}: {answers:?}");
        assert_eq!(answers[5], "file 1099511627776", "{form:?}");
        assert_eq!(metadata.len(), TERABYTE, "{form:?}");
        assert!(metadata.blocks() * 512 < 1 << 20, "{form:?}: {} blocks", metadata.blocks());
    }
}
