//! A quota in bytes holds against every way to make a file longer, and what is given back can be used again.

use host_wasi::{Access, Grants, Quota};
use tempfile::TempDir;

use crate::command::{BOTH, Form};
use crate::file_guest::{check, measure};

/// "No space left" and "cross-device link", as a C library in the guest numbers them.
const NO_SPACE: &str = "51";
const CROSS_DEVICE: &str = "75";

const QUOTA: Quota = Quota { bytes: 10_000, files: 10 };

/// A directory with [`QUOTA`], under the guest path `d`.
fn limited() -> (TempDir, Grants) {
    let folder = tempfile::tempdir().unwrap();
    let grants = Grants::default().directory_with_quota(folder.path(), "d", QUOTA);
    (folder, grants)
}

/// Runs a script in a fresh directory with a quota, after which no more lies there than may.
fn script(form: Form, script: &[(&str, &str)]) -> Quota {
    let (folder, grants) = limited();
    let ended = check(form, &grants, script);
    let left = measure(folder.path());
    assert!(left.bytes <= QUOTA.bytes && left.files <= QUOTA.files, "{form:?} {script:?}: {left:?}");
    let refusals = script.iter().filter(|(_, answer)| answer.contains(NO_SPACE)).count() as u64;
    let refused = ended.wasi.quota_refused();
    assert_eq!(refused.as_ref().map_or(0, |refused| refused.refusals), refusals, "{form:?} {script:?}");
    if let Some(refused) = refused {
        assert_eq!((refused.guest.as_str(), refused.quota), ("d", QUOTA));
    }
    left
}

#[test]
fn a_quota_can_be_filled_exactly() {
    for form in BOTH {
        let left = script(form, &[("--write=d/a:10000", "ok"), ("--append=d/a:1", NO_SPACE)]);
        assert_eq!(left, Quota { bytes: 10_000, files: 1 });
    }
}

#[test]
fn no_way_to_make_a_file_longer_leads_past_it() {
    for form in BOTH {
        script(form, &[("--write=d/a:9000", "ok"), ("--append=d/a:1001", NO_SPACE)]);
        script(
            form,
            &[("--write=d/a:9000", "ok"), ("--resize=d/a:10001", NO_SPACE), ("--resize=d/a:10000", "ok")],
        );
        script(form, &[("--create=d/a", "ok"), ("--resize=d/a:1000000000000", NO_SPACE)]);
        script(
            form,
            &[("--write=d/a:9996", "ok"), ("--symlink=abcde:d/b", NO_SPACE), ("--symlink=abcd:d/b", "ok")],
        );
        script(form, &[("--write=d/a:6000", "ok"), ("--mkdir=d/b", "ok"), ("--write=d/b/c:4001", NO_SPACE)]);
    }
}

#[test]
fn what_lies_there_already_counts() {
    for form in BOTH {
        let (folder, grants) = limited();
        std::fs::write(folder.path().join("before"), [0; 9_000]).unwrap();
        check(form, &grants, &[("--write=d/a:1001", NO_SPACE), ("--write=d/a:1000", "ok")]);
        check(form, &grants, &[("--append=d/before:1", NO_SPACE), ("--write=d/before:9000", "ok")]);
    }
}

#[test]
fn what_is_given_back_can_be_used_again() {
    for form in BOTH {
        let full = ("--write=d/a:10000", "ok");
        script(
            form,
            &[full, ("--remove=d/a", "ok"), ("--write=d/b:10000", "ok"), ("--append=d/b:1", NO_SPACE)],
        );
        script(
            form,
            &[full, ("--resize=d/a:10", "ok"), ("--write=d/b:9990", "ok"), ("--append=d/b:1", NO_SPACE)],
        );
        script(
            form,
            &[full, ("--write=d/a:10", "ok"), ("--write=d/b:9990", "ok"), ("--append=d/b:1", NO_SPACE)],
        );
        let halves = [("--write=d/a:5000", "ok"), ("--write=d/b:5000", "ok"), ("--rename=d/a:d/b", "ok")];
        let left = script(
            form,
            &[&halves[..], &[("--write=d/c:5000", "ok"), ("--append=d/c:1", NO_SPACE)]].concat(),
        );
        assert_eq!(left, Quota { bytes: 10_000, files: 2 });
        let again: Vec<_> = [("--write=d/a:10000", "ok"), ("--remove=d/a", "ok")].repeat(100);
        script(form, &again);
    }
}

#[test]
fn a_file_that_is_open_uses_room_when_its_name_is_gone() {
    for form in BOTH {
        let left = script(
            form,
            &[
                ("--write=d/a:8000", "ok"),
                ("--hold=d/a", "ok"),
                ("--remove=d/a", "ok"),
                ("--write=d/b:2001", NO_SPACE),
                ("--release", "ok"),
                ("--write=d/b:10000", "ok"),
            ],
        );
        assert_eq!(left, Quota { bytes: 10_000, files: 1 });
        // One that is replaced, too.
        script(
            form,
            &[
                ("--write=d/a:4000", "ok"),
                ("--hold=d/a", "ok"),
                ("--write=d/b:4000", "ok"),
                ("--rename=d/b:d/a", "ok"),
                ("--write=d/c:2001", NO_SPACE),
                ("--release", "ok"),
                ("--write=d/c:6000", "ok"),
            ],
        );
    }
}

#[test]
fn a_file_with_two_names_counts_once() {
    for form in BOTH {
        script(
            form,
            &[
                ("--write=d/a:6000", "ok"),
                ("--link=d/a:d/b", "ok"),
                ("--write=d/c:4000", "ok"),
                ("--remove=d/a", "ok"),
                ("--append=d/c:1", NO_SPACE),
                ("--remove=d/b", "ok"),
                ("--append=d/c:6000", "ok"),
            ],
        );
    }
}

#[test]
fn nothing_is_moved_or_linked_in_from_elsewhere() {
    for form in BOTH {
        let (folder, grants) = limited();
        let elsewhere = tempfile::tempdir().unwrap();
        let grants = grants.directory(elsewhere.path(), "e", Access::ReadWrite).scratch("tmp", QUOTA);
        check(
            form,
            &grants,
            &[
                ("--write=e/a:20000", "ok"),
                ("--rename=e/a:d/a", CROSS_DEVICE),
                ("--link=e/a:d/a", CROSS_DEVICE),
                ("--write=d/b:5", "ok"),
                ("--link=d/b:e/b", CROSS_DEVICE),
                ("--rename=d/b:tmp/b", CROSS_DEVICE),
                ("--rename=d/b:d/c", "ok"),
                ("--rename=e/a:e/c", "ok"),
            ],
        );
        assert_eq!(measure(folder.path()), Quota { bytes: 5, files: 1 });
    }
}

/// The library makes calls that Rust's own never does; a module has no streams.
#[test]
fn no_stream_of_a_component_leads_past_it() {
    let no_space = "insufficient-space";
    let refused = |verb: &str, argument: &str| {
        let (folder, grants) = limited();
        let args = ["--write=d/source:3000", argument];
        let ended = crate::file_guest::run_files(Form::P2, &grants, &args);
        ended.result.as_ref().unwrap();
        assert!(ended.printed(&format!("{verb} {no_space}")), "{argument}: {}", ended.stdout());
        assert!(measure(folder.path()).bytes <= QUOTA.bytes, "{argument}");
        assert_eq!(ended.wasi.quota_refused().unwrap().refusals, 1, "{argument}");
    };
    refused("--zeroes", "--zeroes=a:8000");
    refused("--two-streams", "--two-streams=a:8000");
    refused("--orphan-stream", "--orphan-stream=a:8000");

    let (folder, grants) = limited();
    let script = [
        ("--write=d/source:3000", "ok"),
        ("--descriptor-write=a:7001", no_space),
        ("--descriptor-write=a:7000", "ok"),
        ("--splice=b:source", "ok"),
    ];
    let ended = check(Form::P2, &grants, &script);
    assert!(ended.printed("written 7000") && ended.printed("spliced 0"), "{}", ended.stdout());
    assert_eq!(measure(folder.path()), Quota { bytes: 10_000, files: 3 });
}
