//! Directories that cannot be granted: each mistake is told with the key that is at fault.

use std::error::Error as _;
use std::fs;

use host_wasi::{Access, GrantError, Grants, Quota, Wasi};
use tempfile::TempDir;

const QUOTA: Quota = Quota { bytes: 100, files: 3 };

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("inner")).unwrap();
    fs::write(folder.path().join("file"), [0; 50]).unwrap();
    folder
}

/// Checks how the message begins, and that the mistake is found without the file system if it can be.
fn check(grants: &Grants, plain: bool, begin: &str) -> GrantError {
    let error = Wasi::new(grants).unwrap_err();
    assert!(error.to_string().starts_with(begin), "{error}");
    assert_eq!(grants.check().is_err(), plain, "{error}");
    error
}

#[test]
fn what_is_no_directory() {
    let folder = folder();
    let grants = |host: &str| Grants::default().directory(folder.path().join(host), "d", Access::ReadOnly);
    for host in ["missing", "file", "missing/..", "file/inner"] {
        let error = check(&grants(host), false, "directories[0].host: cannot open the directory `");
        assert!(error.source().is_some(), "{error:?}");
    }
    let quota = Grants::default().directory_with_quota(folder.path().join("missing"), "d", QUOTA);
    check(&quota, false, "directories[0].host: cannot open the directory `");
}

/// Some may read what they like, and then nothing is wrong.
#[test]
#[cfg(unix)]
fn what_cannot_be_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = folder();
    let inner = folder.path().join("inner");
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o300)).unwrap();
    if fs::read_dir(&inner).is_err() {
        let grants = Grants::default().directory(&inner, "d", Access::ReadOnly);
        let error = check(&grants, false, "directories[0].host: cannot open the directory `");
        assert!(error.source().unwrap().to_string().contains("Permission denied"), "{error:?}");
        let grants = Grants::default().directory_with_quota(folder.path(), "d", QUOTA);
        check(&grants, false, "directories[0].host: cannot open the directory `");
    }
}

#[test]
fn one_guest_path_for_two() {
    let text: [(&str, &str); 1] = [("a", "text")];
    let directory = || Grants::default().directory(".", "./same", Access::ReadOnly);
    check(
        &directory().scratch("same", QUOTA),
        true,
        "scratch[0].guest: the guest path \"same\" is granted twice",
    );
    check(
        &directory().files("/same", text),
        true,
        "files[0].guest: the guest path \"/same\" is granted twice",
    );
    let two = Grants::default().scratch("a", QUOTA).scratch("a/", QUOTA);
    check(&two, true, "scratch[1].guest: the guest path \"a/\" is granted twice");
    let two = Grants::default().files("a", text).files("b", text).scratch("b", QUOTA);
    check(&two, true, "files[1].guest: the guest path \"b\" is granted twice");
}

#[test]
fn guest_paths_that_lead_up() {
    check(
        &Grants::default().scratch("a/../b", QUOTA),
        true,
        "scratch[0].guest: the guest path \"a/../b\" must not",
    );
    let text: [(&str, &str); 1] = [("a", "text")];
    check(&Grants::default().files("..", text), true, "files[0].guest: the guest path \"..\" must not");
    check(&Grants::default().scratch("", QUOTA), true, "scratch[0].guest: the guest path \"\" is empty");
}

#[test]
fn quotas_that_make_no_sense() {
    let folder = folder();
    let limited = |quota| Grants::default().directory_with_quota(folder.path(), "d", quota);
    let mut read_only = limited(QUOTA);
    read_only.directories[0].access = Access::ReadOnly;
    check(&read_only, true, "directories[0].quota: nothing is written to a read-only directory");
    check(&limited(Quota { files: 0, ..QUOTA }), true, "directories[0].quota.files: ");
    check(&Grants::default().scratch("d", Quota { files: 0, ..QUOTA }), true, "scratch[0].files: ");
    Wasi::new(&limited(Quota { bytes: 50, files: 2 })).unwrap();
    check(
        &limited(Quota { bytes: 49, files: 2 }),
        false,
        "directories[0].quota.bytes: more than 49 bytes lie in `",
    );
    check(
        &limited(Quota { bytes: 50, files: 1 }),
        false,
        "directories[0].quota.files: more than 1 files lie in `",
    );
}

#[test]
fn a_quota_that_another_grant_leads_past() {
    let folder = folder();
    let inner = folder.path().join("inner");
    let begin = "directories[0].quota: `directories[1]` lets the guest write to the same place";
    let limited = |host| Grants::default().directory_with_quota(host, "d", QUOTA);
    check(&limited(folder.path()).directory(&inner, "e", Access::ReadWrite), false, begin);
    check(&limited(&inner).directory(folder.path(), "e", Access::ReadWrite), false, begin);
    let same = inner.join("..");
    check(&limited(folder.path()).directory(same, "e", Access::ReadWrite), false, begin);
    check(&limited(folder.path()).directory_with_quota(folder.path(), "e", QUOTA), false, begin);
    // Reading does no harm, nor does writing elsewhere.
    Wasi::new(&limited(folder.path()).directory(&inner, "e", Access::ReadOnly)).unwrap();
    Wasi::new(&limited(&inner).directory(tempfile::tempdir().unwrap().path(), "e", Access::ReadWrite))
        .unwrap();
}

#[test]
fn what_is_written_wrongly_is_told_with_its_line() {
    let check = |text: &str, expect: &[&str]| {
        let message = toml::from_str::<Grants>(text).unwrap_err().to_string();
        for part in expect {
            assert!(message.contains(part), "{message}");
        }
    };
    check("[[scratch]]\nguest = \"a\"\nbytes = 1", &["missing field `files`"]);
    check("[[scratch]]\nguest = \"a\"\nbytes = 1\nfiles = 1\nsize = 1", &["line 5", "`size`"]);
    check("[[scratch]]\nguest = \"a\"\nbytes = -1\nfiles = 1", &["line 3", "-1"]);
    let quota = "[[directories]]\nhost = \"a\"\nguest = \"a\"\nquota = ";
    check(&format!("{quota}5"), &["line 4", "Quota"]);
    check(&format!("{quota}{{ bytes = 5 }}"), &["line 4", "missing field `files`"]);
    check(&format!("{quota}{{ bytes = 5, files = 5, inodes = 5 }}"), &["line 4", "`inodes`"]);
}
