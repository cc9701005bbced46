//! How code is loaded: sealed, so that nobody changes it any more; or mapped, where that is promised.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use host_cache::{Cache, HostKey, IntegrityOnly, ModuleCache, Source, Trust};
use wasmtime::Engine;

use crate::support::Fixture;
use crate::support::guest::{ask_component, ask_module, component, module};

fn sealed(root: &Path, trust: impl Into<Trust>) -> Cache {
    Cache::open(root, trust).unwrap()
}

#[expect(unsafe_code, reason = "a mapped cache takes a promise")]
fn mapped(root: &Path, trust: impl Into<Trust>) -> Cache {
    // SAFETY: the directory is the test's own; where a test changes an entry in place, nothing that is loaded runs afterwards.
    unsafe { Cache::builder(root, trust).open_mapped() }.unwrap()
}

#[test]
fn code_comes_back_in_every_mode_and_trust() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::default();
    for (name, trust) in [("open", Trust::IntegrityOnly), ("keyed", HostKey::from_bytes([1; 32]).into())] {
        let root = directory.path().join(name);
        for (round, cache) in
            [sealed(&root, trust.clone()), mapped(&root, trust.clone()), sealed(&root, trust.clone())]
                .into_iter()
                .enumerate()
        {
            let modules = ModuleCache::new(cache, &engine).unwrap();
            let loaded = modules.module(&module(7)).unwrap();
            assert_eq!(loaded.outcome.source, if round == 0 { Source::Compiled } else { Source::Disk });
            assert_eq!(ask_module(&engine, &loaded), 7);
            assert_eq!(ask_component(&engine, &modules.component(&component(8)).unwrap()), 8);
            assert_eq!(modules.cache().stats().downgrades.total(), 0);
        }
    }
}

/// Changed in place, and cut to nothing: what was loaded does not notice.
#[test]
fn what_is_sealed_does_not_change_with_its_entry() {
    let fixture = Fixture::new();
    let engine = Engine::default();
    let modules = ModuleCache::new(fixture.reopened(), &engine).unwrap();
    modules.module(&module(7)).unwrap();
    let loaded = modules.module(&module(7)).unwrap();
    assert_eq!(loaded.outcome.source, Source::Disk);
    let entry = fixture.file();
    fs::set_permissions(&entry, PermissionsExt::from_mode(0o600)).unwrap();
    let length = fs::metadata(&entry).unwrap().len();
    let mut file = fs::File::options().write(true).open(&entry).unwrap();
    file.write_all(&vec![0xcc; length as usize]).unwrap();
    assert_eq!(ask_module(&engine, &loaded), 7);
    file.set_len(0).unwrap();
    assert_eq!(ask_module(&engine, &loaded), 7);
    assert_eq!(modules.module(&module(7)).unwrap().outcome.source, Source::Compiled);
}

#[test]
fn an_entry_that_does_not_look_like_ours_alone_is_sealed_and_counted() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::default();
    let root = directory.path().join("cache");
    let trust = || Trust::from(HostKey::from_bytes([1; 32]));
    ModuleCache::new(sealed(&root, trust()), &engine).unwrap().module(&module(7)).unwrap();
    let format = fs::read_dir(&root).unwrap().next().unwrap().unwrap().path();
    let entry = fs::read_dir(format.join("entries")).unwrap().next().unwrap().unwrap().path();
    let load = || {
        let modules = ModuleCache::new(mapped(&root, trust()), &engine).unwrap();
        let loaded = modules.module(&module(7)).unwrap();
        assert_eq!(loaded.outcome.source, Source::Disk);
        assert_eq!(ask_module(&engine, &loaded), 7);
        modules.cache().stats().downgrades
    };
    assert_eq!(load().total(), 0);

    fs::hard_link(&entry, directory.path().join("another name")).unwrap();
    assert_eq!((load().linked, load().total()), (1, 1));
    fs::remove_file(directory.path().join("another name")).unwrap();

    fs::set_permissions(&entry, PermissionsExt::from_mode(0o666)).unwrap();
    assert_eq!((load().not_private, load().total()), (1, 1));
    fs::set_permissions(&entry, PermissionsExt::from_mode(0o400)).unwrap();

    fs::set_permissions(&root, PermissionsExt::from_mode(0o777)).unwrap();
    assert_eq!((load().not_private, load().total()), (1, 1));
}

#[test]
fn a_mapped_entry_is_verified_too() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::default();
    let root = directory.path().join("cache");
    let modules = ModuleCache::new(mapped(&root, IntegrityOnly), &engine).unwrap();
    modules.module(&module(7)).unwrap();
    let format = fs::read_dir(&root).unwrap().next().unwrap().unwrap().path();
    let entry = fs::read_dir(format.join("entries")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&entry).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    crate::support::overwrite(&entry, &bytes);
    let again = modules.module(&module(7)).unwrap();
    assert_eq!(again.outcome.source, Source::Compiled);
    assert_eq!(modules.cache().stats().misses.bad_digest, 1);
}
