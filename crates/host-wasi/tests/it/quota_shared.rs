//! Guests that write to one directory under a quota keep it together.

use std::thread;

use host_wasi::{Grants, Quota, WasiOptions};

use crate::command::BOTH;
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
