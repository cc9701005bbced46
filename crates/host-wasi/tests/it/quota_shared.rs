//! Guests that write to one directory under a quota keep it together.

use std::thread;

use host_wasi::{Grants, Quota, WasiOptions};

use crate::command::{BOTH, Form};
use crate::file_guest::{measure, open, run_files, run_opened};

const QUOTA: Quota = Quota { bytes: 10_000, files: 10 };

#[test]
fn a_guest_that_was_there_before_sees_what_another_wrote() {
    for form in BOTH {
        let folder = tempfile::tempdir().unwrap();
        let grants = Grants::default().directory_with_quota(folder.path(), "d", QUOTA);
        let early = open(&WasiOptions::new(), &grants, &["--write=d/a:2001", "--write=d/a:2000"]);
        assert!(run_files(form, &grants, &["--write=d/b:8000"]).printed("--write ok"));
        let ended = run_opened(form, early);
        ended.result.as_ref().unwrap();
        assert!(ended.printed("--write ok") && ended.wasi.quota_refused().unwrap().refusals == 1, "{form:?}");
        assert_eq!(measure(folder.path()).bytes, 10_000, "{form:?}");
    }
}

/// What one guest holds open counts for the other.
#[test]
fn guests_at_the_same_time_keep_it_together() {
    let folder = tempfile::tempdir().unwrap();
    let grants = Grants::default().directory_with_quota(folder.path(), "d", QUOTA);
    thread::scope(|threads| {
        for guest in 0..8 {
            let grants = &grants;
            threads.spawn(move || {
                let own = format!("--write=d/{guest}:700");
                let args = [["--append=d/shared:500", &own]; 20].concat();
                run_files(BOTH[guest % 2], grants, &args).result.unwrap();
            });
        }
    });
    let left = measure(folder.path());
    assert!(left.bytes <= QUOTA.bytes && left.files <= QUOTA.files, "{left:?}");
    assert!(left.bytes > QUOTA.bytes - 1_200, "{left:?}");
}

/// Deeper than the longest path.
#[test]
#[cfg(target_os = "linux")]
fn however_deep_a_guest_nests_the_directory_can_be_counted() {
    use std::fs;

    let folder = tempfile::tempdir().unwrap();
    let quota = Quota { bytes: 10_000, files: 1_000 };
    let (name, root) = ("d".repeat(200), folder.path().join("shown"));
    fs::create_dir(&root).unwrap();
    // Built from the inside out.
    let mut inner = folder.path().join("0");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("file"), [0; 9_000]).unwrap();
    for level in 1..100 {
        let outer = folder.path().join(level.to_string());
        fs::create_dir(&outer).unwrap();
        fs::rename(&inner, outer.join(&name)).unwrap();
        inner = outer;
    }
    fs::rename(&inner, root.join("deep")).unwrap();
    let grants = Grants::default().directory_with_quota(&root, "d", quota);
    let args = ["--write=d/a:1001", "--write=d/a:1000", "--remove=d/a", "--write=d/b:1000"];
    for form in BOTH {
        let ended = run_files(form, &grants, &args);
        assert_eq!(ended.stdout().matches(" ok").count(), 3, "{form:?}: {}", ended.stdout());
        fs::remove_file(root.join("b")).unwrap();
    }
}

/// A host may put another directory in the place of one that is in use.
#[test]
fn a_directory_is_the_same_wherever_it_is_moved() {
    use std::fs;

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let grants = Grants::default().directory_with_quota(&root, "d", QUOTA);
    let writes = ["--write=d/a:9000", "--write=d/b:9000", "--write=d/c:9000"];
    let early = open(&WasiOptions::new(), &grants, &writes);
    fs::rename(&root, folder.path().join("moved")).unwrap();
    fs::create_dir(&root).unwrap();
    fs::write(root.join("other"), [0; 9_500]).unwrap();
    // The new one has a count of its own.
    let ended = run_files(Form::P1, &grants, &["--write=d/a:501", "--write=d/a:500"]);
    assert_eq!(ended.stdout().matches(" ok").count(), 1, "{}", ended.stdout());
    let ended = run_opened(Form::P1, early);
    assert_eq!(ended.stdout().matches(" ok").count(), 1, "{}", ended.stdout());
    assert_eq!(measure(&folder.path().join("moved")).bytes, 9_000);
    assert_eq!(measure(&root).bytes, 10_000);
}
