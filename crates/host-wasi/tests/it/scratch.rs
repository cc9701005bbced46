//! Scratch directories: fresh for each guest, private, and gone with it.

use std::fs;
use std::path::{Path, PathBuf};

use host_wasi::{Grants, Quota, Wasi};

use crate::command::BOTH;
use crate::file_guest::check;

fn grants() -> Grants {
    Grants::default().scratch("tmp", Quota { bytes: 1_000, files: 10 })
}

/// Where the first descriptor of a [`Wasi`] leads on the host.
#[cfg(target_os = "linux")]
fn shown(wasi: &mut Wasi) -> PathBuf {
    use host_wasi::wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
    use host_wasi::wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;
    use std::os::fd::AsRawFd as _;

    let view = wasi.view();
    let mut files = WasiFilesystemCtxView { ctx: view.ctx.filesystem(), table: view.table };
    let (descriptor, _) = files.get_directories().unwrap().remove(0);
    let Descriptor::Dir(directory) = files.table.delete(descriptor).unwrap() else {
        panic!("not a directory")
    };
    fs::read_link(format!("/proc/self/fd/{}", directory.dir.as_raw_fd())).unwrap()
}

#[test]
fn each_guest_has_an_empty_one() {
    for form in BOTH {
        for _ in 0..2 {
            let script = [("--list=tmp", "ok"), ("--write=tmp/a:10", "ok"), ("--length=tmp/a", "ok")];
            let ended = check(form, &grants(), &script);
            assert!(ended.printed("entries 0") && ended.printed("length 10"), "{form:?}: {}", ended.stdout());
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn it_is_private_and_gone_with_the_store() {
    use std::os::unix::fs::PermissionsExt as _;

    let mut wasi = Wasi::new(&grants()).unwrap();
    let mut other = Wasi::new(&grants()).unwrap();
    let path = shown(&mut wasi);
    assert_ne!(path, shown(&mut other));
    // Nobody else can get as far as to look at what the guest sees.
    let folder = path.parent().unwrap();
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_ne!(folder, Path::new("/tmp"));

    fs::write(path.join("left"), "behind").unwrap();
    drop(wasi);
    assert!(!folder.exists());
}

/// Deeper than the longest path, and than one could descend with a descriptor for each level.
#[test]
#[cfg(target_os = "linux")]
fn however_deep_a_guest_nests_it_is_removed() {
    let mut wasi = Wasi::new(&grants()).unwrap();
    let path = shown(&mut wasi);
    let name = "d".repeat(200);
    // Built from the inside out, since no path reaches the end of it.
    let mut inner = path.join("0");
    fs::create_dir(&inner).unwrap();
    for level in 1..20_000 {
        let outer = path.join(level.to_string());
        fs::create_dir(&outer).unwrap();
        fs::rename(&inner, outer.join(&name)).unwrap();
        inner = outer;
    }
    drop(wasi);
    assert!(!path.parent().unwrap().exists());
}
