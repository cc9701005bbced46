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

/// Also by the call that compiled it, so that all run the same.
#[test]
fn what_was_published_is_what_is_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let modules = ModuleCache::new(mapped(&root, IntegrityOnly), &Engine::default()).unwrap();
    let loaded = modules.module(&module(7)).unwrap();
    assert_eq!(loaded.outcome.source, Source::Compiled);
    let entry = crate::support::only(&crate::support::only(&root).join("entries"));
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    assert!(maps.contains(entry.to_str().unwrap()), "it runs from somewhere else");
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

/// Once it has settled, what is mapped is hashed once: until it changes in any way.
#[test]
fn an_entry_that_did_not_change_is_hashed_once() {
    use std::time::{Duration, SystemTime};

    for trust in [Trust::IntegrityOnly, HostKey::from_bytes([1; 32]).into()] {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        let root = directory.path().join("cache");
        let hashed = || {
            let modules = ModuleCache::new(mapped(&root, trust.clone()), &engine).unwrap();
            let loaded = modules.module(&module(7)).unwrap();
            assert_eq!(ask_module(&engine, &loaded), 7);
            (loaded.outcome.source, modules.cache().stats().bytes_hashed)
        };
        // What was published is loaded, and so verified.
        let (source, compiled) = hashed();
        assert!(source == Source::Compiled && compiled > 0);
        let format = fs::read_dir(&root).unwrap().next().unwrap().unwrap().path();
        let only = |name: &str| fs::read_dir(format.join(name)).unwrap().next().unwrap().unwrap().path();
        // Just written, its times could be those of a later change.
        let (source, length) = hashed();
        assert_eq!((source, length), (Source::Disk, compiled));
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(hashed(), (Source::Disk, length));
        assert_eq!(hashed(), (Source::Disk, 0));
        assert_eq!(hashed(), (Source::Disk, 0));

        // A change of any kind: the same bytes again, another mode, other times. The clock of the file is the kernel's.
        let entry = only("entries");
        let bytes = fs::read(&entry).unwrap();
        crate::support::overwrite(&entry, &bytes);
        assert_eq!(hashed(), (Source::Disk, length));
        let changed = |entry: &Path| {
            fs::set_permissions(entry, PermissionsExt::from_mode(0o600)).unwrap();
            let mut file = fs::File::options().write(true).open(entry).unwrap();
            let before = file.metadata().unwrap().modified().unwrap();
            let mut rotten = bytes.clone();
            rotten[bytes.len() / 2] ^= 1;
            file.write_all(&rotten).unwrap();
            file.set_modified(before).unwrap();
        };
        // With a stamp that fits all but the time of change, which cannot be set.
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!((hashed().1, hashed().1), (length, 0));
        changed(&entry);
        assert_eq!(hashed().0, Source::Compiled);

        // A stamp of another entry, of nobody, or with a flipped bit is none.
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!((hashed().1, hashed().1), (length, 0));
        let stamp = only("stamps");
        let good = fs::read(&stamp).unwrap();
        for bad in [&b""[..], &good[1..], &[0; 104]] {
            fs::write(&stamp, bad).unwrap();
            assert_eq!(hashed().1, length);
        }
        for at in [0, 20, 60, 80, 103] {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            fs::write(&stamp, flipped).unwrap();
            assert_eq!(hashed().1, length, "{at}");
        }
        fs::write(&stamp, &good).unwrap();
        assert_eq!(hashed().1, 0);

        // Using it touches the stamp now and then, and never the entry.
        let old = SystemTime::now() - Duration::from_secs(7200);
        fs::File::options().write(true).open(&stamp).unwrap().set_modified(old).unwrap();
        let before = fs::metadata(&entry).unwrap().modified().unwrap();
        assert_eq!(hashed().1, 0);
        assert!(fs::metadata(&stamp).unwrap().modified().unwrap() > old + Duration::from_secs(3600));
        assert_eq!(fs::metadata(&entry).unwrap().modified().unwrap(), before);
    }
}
