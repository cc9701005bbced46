//! A directory of very many entries costs the host no more memory than it allows.

use std::fs;

use host_wasi::{Access, Grants, Wasi, WasiOptions};

use crate::command::{BOTH, Form};
use crate::file_guest::{run_files, run_files_with};

/// "Not enough memory", as a C library in the guest numbers it.
const NO_MEMORY: &str = "--list 48";

fn folder(entries: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in 0..entries {
        // Names of one file take less of the disk than files.
        if entry == 0 {
            fs::write(folder.path().join("0"), "").unwrap();
        } else {
            let first = folder.path().join((entry / 10_000 * 10_000).to_string());
            let name = folder.path().join(entry.to_string());
            // A file can have only so many names.
            if entry % 10_000 == 0 {
                fs::write(name, "").unwrap()
            } else {
                fs::hard_link(first, name).unwrap()
            }
        }
    }
    folder
}

fn grants(folder: &tempfile::TempDir) -> Grants {
    Grants::default().directory(folder.path(), "d", Access::ReadOnly)
}

#[test]
fn as_many_as_allowed_are_listed_and_one_more_is_not() {
    let folder = folder(100);
    for form in BOTH {
        let list = |most| {
            run_files_with(&WasiOptions::new().max_listing(most), form, &grants(&folder), &["--list=d"])
        };
        assert!(list(100).printed("entries 100"), "{form:?}");
        let ended = list(99);
        assert!(ended.printed(NO_MEMORY), "{form:?}: {}", ended.stdout());
        ended.result.unwrap();
    }
}

#[test]
fn a_very_large_directory_is_not_listed_unless_asked() {
    let folder = folder(Wasi::DEFAULT_MAX_LISTING + 1);
    for form in BOTH {
        let ended = run_files(form, &grants(&folder), &["--list=d"]);
        assert!(ended.printed(NO_MEMORY), "{form:?}: {}", ended.stdout());
    }
}

/// Each listing of a component holds its entries until it is dropped.
#[test]
fn many_listings_hold_no_more_than_one() {
    let folder = folder(100);
    let options = WasiOptions::new().max_listing(1_050);
    let listings = |args: &[&str]| run_files_with(&options, Form::P2, &grants(&folder), args);
    let ended = listings(&["--listings=.:20"]);
    assert!(ended.printed("open 10"), "{}", ended.stdout());
    assert!(ended.printed("--listings insufficient-memory"), "{}", ended.stdout());
    // What was dropped counts no longer.
    let ended = listings(&["--listings=.:10", "--listings=.:10", "--list=d"]);
    assert!(ended.printed("entries 100"), "{}", ended.stdout());
}
