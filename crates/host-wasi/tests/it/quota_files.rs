//! A quota in files holds against every way to make an entry, and the guest that never gives up is stopped.

use host_wasi::{Grants, Quota, QuotaRefused};

use crate::command::{BOTH, Form};
use crate::file_guest::{check, measure, run_files};

const NO_SPACE: &str = "51";
const QUOTA: Quota = Quota { bytes: 10_000, files: 3 };

fn script(form: Form, script: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let grants = Grants::default().directory_with_quota(folder.path(), "d", QUOTA);
    check(form, &grants, script);
    assert!(measure(folder.path()).files <= QUOTA.files, "{form:?} {script:?}");
}

#[test]
fn no_way_to_make_an_entry_leads_past_it() {
    let full = [("--write=d/a:10", "ok"), ("--mkdir=d/b", "ok"), ("--link=d/a:d/b/c", "ok")];
    for form in BOTH {
        for more in [
            "--create=d/e",
            "--mkdir=d/e",
            "--mkdir=d/b/e",
            "--link=d/a:d/e",
            "--symlink=a:d/e",
            "--append=d/b/e:1",
        ] {
            script(form, &[&full[..], &[(more, NO_SPACE)]].concat());
        }
        // What makes none is not refused, and what gives one back lets another be made.
        script(
            form,
            &[
                &full[..],
                &[
                    ("--write=d/a:20", "ok"),
                    ("--append=d/b/c:20", "ok"),
                    ("--rename=d/b/c:d/c", "ok"),
                    ("--create=d/e", NO_SPACE),
                    ("--rmdir=d/b", "ok"),
                    ("--create=d/e", "ok"),
                    ("--create=d/f", NO_SPACE),
                    ("--remove=d/e", "ok"),
                    ("--symlink=a:d/e", "ok"),
                    ("--create=d/f", NO_SPACE),
                ],
            ]
            .concat(),
        );
        script(form, &[("--nest=d/n:4", NO_SPACE)]);
    }
}

/// A link to nowhere: opening it makes a file where it points to.
#[test]
fn a_file_made_through_a_link_counts() {
    for form in BOTH {
        script(
            form,
            &[
                ("--symlink=target:d/a", "ok"),
                ("--create=d/b", "ok"),
                ("--create=d/c", "ok"),
                ("--create=d/a", NO_SPACE),
                ("--remove=d/c", "ok"),
                ("--create=d/a", "ok"),
                ("--create=d/a", "ok"),
            ],
        );
    }
}

#[test]
fn files_are_made_until_they_are_refused() {
    for form in BOTH {
        let grants = Grants::default().scratch("tmp", Quota { bytes: 0, files: 50 });
        let ended = check(form, &grants, &[("--many=tmp:1000", NO_SPACE), ("--write=tmp/1:1", NO_SPACE)]);
        assert!(ended.printed("made 50"), "{form:?}: {}", ended.stdout());
        assert_eq!(ended.wasi.quota_refused().unwrap().refusals, 2, "{form:?}");
    }
}

#[test]
fn a_guest_that_does_not_look_at_refusals_is_stopped() {
    let grants = Grants::default().scratch("tmp", Quota { bytes: 10_000, files: 3 });
    let check = |form: Form, arg: &str| {
        let ended = run_files(form, &grants, &[arg]);
        let error = ended.result.unwrap_err();
        let refused = error.downcast_ref::<QuotaRefused>().unwrap_or_else(|| panic!("{form:?}: {error:?}"));
        assert_eq!((refused.guest.as_str(), refused.refusals), ("tmp", 1_001), "{form:?}");
        assert_eq!(ended.wasi.quota_refused().as_ref(), Some(refused), "{form:?}");
    };
    for form in BOTH {
        check(form, "--stubborn=tmp/a");
    }
    check(Form::P2, "--stubborn-stream=a");
}

/// Retries are no offence as long as some succeed.
#[test]
fn refusals_that_are_followed_by_success_are_forgiven() {
    let full = ("--write=tmp/a:10000", "ok");
    let refused = [("--append=tmp/a:1", NO_SPACE)].repeat(600);
    for form in BOTH {
        let grants = Grants::default().scratch("tmp", Quota { bytes: 10_000, files: 3 });
        let script = [&[full], &refused[..], &[("--remove=tmp/a", "ok"), full], &refused[..]].concat();
        let ended = check(form, &grants, &script);
        assert_eq!(ended.wasi.quota_refused().unwrap().refusals, 1_200, "{form:?}");
    }
}
