//! Directories: what is granted is there, and nothing beside or above it.

use std::fs;
use std::path::Path;

use host_wasi::{Access, GrantError, Grants, Wasi};
use tempfile::TempDir;
use wasmtime::Module;

use crate::command::{BOTH, ENGINE, run, run_module};

/// A folder with `secret.txt`, and in it `data` with `note.txt` and ways out.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(folder.path().join("secret.txt"), "secret").unwrap();
    fs::write(data.join("note.txt"), "note").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../secret.txt", data.join("relative-link")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret.txt"), data.join("absolute-link")).unwrap();
    }
    folder
}

fn grants(folder: &TempDir, access: Access) -> Grants {
    Grants::default().directory(folder.path().join("data"), "data", access)
}

#[test]
fn a_read_only_directory_can_be_read_and_nothing_more() {
    for form in BOTH {
        let folder = folder();
        let args = ["--read=data/note.txt", "--write=data/new.txt", "--write=data/note.txt"];
        let ended = run(form, grants(&folder, Access::ReadOnly), &args);
        ended.result.as_ref().unwrap();
        assert!(ended.printed("file data/note.txt note"), "{form:?}: {}", ended.stdout());
        assert!(ended.stdout().contains("write data/new.txt error"), "{form:?}: {}", ended.stdout());
        assert!(ended.stdout().contains("write data/note.txt error"), "{form:?}: {}", ended.stdout());
        assert!(!folder.path().join("data/new.txt").exists());
        assert_eq!(fs::read_to_string(folder.path().join("data/note.txt")).unwrap(), "note");
    }
}

#[test]
fn a_read_write_directory_can_be_written() {
    for form in BOTH {
        let folder = folder();
        let args = ["--write=data/new.txt", "--read=data/new.txt"];
        let ended = run(form, grants(&folder, Access::ReadWrite), &args);
        ended.result.as_ref().unwrap();
        assert!(ended.printed("wrote data/new.txt"), "{form:?}: {}", ended.stdout());
        let written = fs::read_to_string(folder.path().join("data/new.txt")).unwrap();
        assert_eq!(written, "written by guest\n");
    }
}

#[test]
fn no_path_leads_out() {
    let folder = folder();
    let secret = folder.path().join("secret.txt");
    // The same ways, gone without a sandbox, do lead there.
    let data = folder.path().join("data");
    let ways = ["../secret.txt", "./../secret.txt", "relative-link", "absolute-link"];
    for way in &ways[..if cfg!(unix) { 4 } else { 2 }] {
        assert_eq!(fs::read_to_string(data.join(way)).unwrap(), "secret", "{way}");
    }
    for form in BOTH {
        let mut args: Vec<String> = ways.iter().map(|way| format!("--read=data/{way}")).collect();
        args.push(format!("--read={}", secret.display()));
        args.push("--write=data/../planted.txt".to_owned());
        args.push("--write=data/relative-link".to_owned());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ended = run(form, grants(&folder, Access::ReadWrite), &args);
        ended.result.as_ref().unwrap();
        let refused = ended.stdout().lines().filter(|line| line.contains(" error ")).count();
        assert_eq!(refused, args.len(), "{form:?}: {}", ended.stdout());
        assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
        assert!(!folder.path().join("planted.txt").exists());
    }
}

#[test]
fn what_is_not_granted_is_not_there() {
    let folder = folder();
    let absolute = format!("--read={}", folder.path().join("data/note.txt").display());
    for form in BOTH {
        let ended = run(form, Grants::default(), &["--read=data/note.txt", &absolute, "--read=Cargo.toml"]);
        let refused = ended.stdout().lines().filter(|line| line.contains(" error ")).count();
        assert_eq!(refused, 3, "{form:?}: {}", ended.stdout());
    }
}

#[test]
fn a_read_only_file_cannot_be_emptied_by_opening_it() {
    let folder = folder();
    // Opens `note.txt` for reading, but truncated; traps with "unreachable" if that is allowed.
    let module = r#"(module
        (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 16) "note.txt")
        (func (export "_start")
            (if (i32.eqz (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 8) (i32.const 8)
                    (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))
                (then unreachable))))"#;
    let module = Module::new(&ENGINE, module).unwrap();
    let wasi = Wasi::new(&grants(&folder, Access::ReadOnly)).unwrap();
    run_module(&module, wasi).result.unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("data/note.txt")).unwrap(), "note");
}

/// Of all ways to change a file, those that go by way of another directory, in which the guest may write.
#[test]
fn a_directory_that_may_be_written_is_no_way_into_one_that_may_not() {
    let (folder, writable) = (folder(), tempfile::tempdir().unwrap());
    // Links `note.txt` (and traps with "unreachable" if that is allowed), then moves it, then moves a file over it.
    let module = r#"(module
        (import "wasi_snapshot_preview1" "path_link"
            (func $link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_rename"
            (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 16) "note.txtevil.txt")
        (func (export "_start")
            (if (i32.eqz (call $link (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 8)
                    (i32.const 4) (i32.const 16) (i32.const 8)))
                (then unreachable))
            (if (i32.eqz (call $rename (i32.const 3) (i32.const 16) (i32.const 8)
                    (i32.const 4) (i32.const 16) (i32.const 8)))
                (then unreachable))
            (if (i32.eqz (call $rename (i32.const 4) (i32.const 24) (i32.const 8)
                    (i32.const 3) (i32.const 16) (i32.const 8)))
                (then unreachable))))"#;
    fs::write(writable.path().join("evil.txt"), "evil").unwrap();
    let module = Module::new(&ENGINE, module).unwrap();
    let grants = |access| grants(&folder, access).directory(writable.path(), "writable", Access::ReadWrite);
    run_module(&module, Wasi::new(&grants(Access::ReadOnly)).unwrap()).result.unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("data/note.txt")).unwrap(), "note");
    assert!(!writable.path().join("note.txt").exists());

    // The same guest gets through where it may.
    run_module(&module, Wasi::new(&grants(Access::ReadWrite)).unwrap()).result.unwrap_err();
    assert!(writable.path().join("note.txt").exists());
}

#[test]
fn a_directory_that_cannot_be_opened_is_named() {
    let folder = folder();
    let check = |host: &Path, reason: &str| {
        let good = folder.path().join("data");
        let grants = Grants::default().directory(good, "good", Access::ReadOnly);
        let error = Wasi::new(&grants.directory(host, "bad", Access::ReadOnly)).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("directories[1].host: "), "{message}");
        assert!(message.contains(&host.display().to_string()), "{message}");
        let GrantError::Directory { source, .. } = error else { panic!("{error:?}") };
        assert!(source.to_string().contains(reason), "{source}");
    };
    check(&folder.path().join("missing"), "No such file or directory");
    check(&folder.path().join("secret.txt"), "Not a directory");
}

#[test]
fn what_a_read_only_directory_refuses_is_noted_with_the_line_to_add() {
    for form in BOTH {
        let folder = folder();
        let grants = Grants::default().directory(folder.path(), "other", Access::ReadWrite).directory(
            folder.path().join("data"),
            "/data",
            Access::ReadOnly,
        );
        let asked = |argument: &str| {
            let ended = crate::file_guest::run_files(form, &grants, &[argument]);
            ended.result.as_ref().unwrap();
            assert!(ended.stdout().ends_with(" 63\n"), "{form:?} {argument}: {}", ended.stdout());
            assert_eq!(ended.wasi.denials_dropped(), 0);
            let denials = ended.wasi.denials();
            assert!(
                denials.iter().all(|denial| denial.grant == "directories[1].access = \"read-write\""),
                "{form:?} {argument}: {denials:?}"
            );
            denials.into_iter().map(|denial| denial.asked).collect::<Vec<_>>()
        };
        assert_eq!(asked("--create=data/new.txt"), ["to write `/data/new.txt`"]);
        assert_eq!(asked("--append=data/note.txt:1"), ["to write `/data/note.txt`"]);
        assert_eq!(asked("--resize=data/note.txt:1"), ["to write `/data/note.txt`"]);
        assert_eq!(asked("--mkdir=data/new"), ["to make the directory `/data/new`"]);
        assert_eq!(asked("--symlink=text:data/new"), ["to make the link `/data/new`"]);
        assert_eq!(asked("--link=other/secret.txt:data/new"), ["to make the link `/data/new`"]);
        assert_eq!(asked("--link=data/note.txt:other/new"), ["to link `/data/note.txt`"]);
        assert_eq!(asked("--rename=data/note.txt:other/new"), ["to move away `/data/note.txt`"]);
        assert_eq!(asked("--rename=other/secret.txt:data/new"), ["to move to `/data/new`"]);
        assert_eq!(asked("--remove=data/note.txt"), ["to remove `/data/note.txt`"]);
        assert_eq!(asked("--rmdir=data/note.txt"), ["to remove the directory `/data/note.txt`"]);
    }
}

/// Not being there, or leading out, is nothing that another grant would have helped.
#[test]
fn what_fails_for_another_reason_is_not_noted() {
    for form in BOTH {
        let folder = folder();
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let args = ["--read=data/missing", "--read=data/../secret.txt", "--read=data/note.txt"];
            let ended = run(form, grants(&folder, access), &args);
            assert_eq!(ended.wasi.denials(), [], "{form:?}");
        }
        let ended = run(form, grants(&folder, Access::ReadWrite), &["--write=data/relative-link"]);
        assert_eq!(ended.wasi.denials(), [], "{form:?}");
    }
}
