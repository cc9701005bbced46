//! Pipes and devices are not opened: to open a pipe waits for somebody at its other end, in the host, where no deadline
//! ends the wait.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use host_wasi::{Access, Grants};

use crate::calls;
use crate::command::{BOTH, Form};
use crate::inside::Folder;

/// Long enough for any guest here, however busy the machine is.
const LONG: Duration = Duration::from_secs(60);

/// What the guest is answered, or `None` if it hangs: then a thread stays behind until the test ends.
fn answers_in_time(form: Form, grants: Grants, calls: &[&str]) -> Option<Vec<String>> {
    let calls: Vec<String> = calls.iter().map(|call| (*call).to_owned()).collect();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(calls::answers(form, grants, &calls)));
    receiver.recv_timeout(LONG).ok()
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_pipe_is_not_opened() {
    let calls = [
        "open:r:3/pipe",
        "open:w:3/pipe",
        "open:rn:3/pipe",
        "open:tw:3/pipe",
        "open:cw:3/pipe",
        "open:r:3/to-pipe",
        "open:rd:3/pipe",
        "cat:3/directory/../pipe",
        "stat:3/pipe",
        "rename:3/pipe:3/moved",
        "unlink:3/moved",
        "cat:3/file",
    ];
    for form in BOTH {
        let folder = Folder::new();
        make_pipe(&folder.inside().join("pipe"));
        symlink("pipe", folder.inside().join("to-pipe")).unwrap();
        let answers = answers_in_time(form, folder.grants(Access::ReadWrite), &calls).expect("it hangs");
        let (opened, others) = answers.split_at(8);
        for (call, answer) in calls.iter().zip(opened) {
            assert!(answer.starts_with("error "), "{form:?}: {call}: {answer}");
        }
        assert_eq!(others, ["other", "ok", "ok", "this is file"], "{form:?}");
    }
}

/// WASI 0.1 has no number for so late a time, so that asking what it is fails. A guest of 0.2 can set one, where the file
/// system can keep it.
#[test]
fn a_pipe_from_the_year_2600_is_not_opened() {
    for form in BOTH {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        let pipe = folder.path().join("pipe");
        make_pipe(&pipe);
        assert!(Command::new("touch").args(["-d", "2600-01-01"]).arg(&pipe).status().unwrap().success());
        let grants = Grants::default().directory(folder.path(), "d", Access::ReadWrite);
        let answers = answers_in_time(form, grants, &["open:r:3/pipe", "open:w:3/pipe"]).expect("it hangs");
        assert!(answers.iter().all(|answer| answer.starts_with("error ")), "{form:?}: {answers:?}");
    }
}

/// Only who may make devices can test this; the others see that a link to one is refused.
#[test]
fn a_device_is_not_opened() {
    for form in BOTH {
        let folder = Folder::new();
        let device = folder.inside().join("device");
        // The device that is always full: it would answer a write by "no space left".
        let made = Command::new("mknod").arg(&device).args(["c", "1", "7"]).output();
        if !made.is_ok_and(|output| output.status.success()) {
            symlink("/dev/full", &device).unwrap();
        }
        let calls = ["open:r:3/device", "open:w:3/device", "open:rw:3/device", "open:tw:3/device"];
        let (answers, _) = folder.answers(form, Access::ReadWrite, &calls);
        assert!(answers.iter().all(|answer| answer.starts_with("error ")), "{form:?}: {answers:?}");
    }
}
