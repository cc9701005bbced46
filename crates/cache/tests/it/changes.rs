//! A directory that changes under the cache: others remove, replace and swap what is in it, or leave things in the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use host_cache::{Cache, HostKey, IntegrityOnly, Lookup, MissReason};

use crate::support::key;

/// The only directory in the root: the one of this format and this key.
fn format(root: &Path) -> PathBuf {
    fs::read_dir(root).unwrap().next().unwrap().unwrap().path()
}

fn open(root: &Path) -> Cache {
    Cache::open(root, HostKey::from_bytes([1; 32])).unwrap()
}

/// An entry that goes between looking and opening is absent, and no error.
#[test]
fn what_goes_while_it_is_looked_for_is_absent() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(&directory.path().join("cache"));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                cache.put(&key("a"), b"bytes").unwrap();
                cache.remove(&key("a")).unwrap();
                cache.clear().unwrap();
            }
        });
        for _ in 0..2_000 {
            match cache.get(&key("a")) {
                Lookup::Hit(artifact) => assert_eq!(artifact.bytes(), b"bytes"),
                Lookup::Miss(reason) => assert_eq!(reason, MissReason::Absent),
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(cache.stats().quarantined, 0);
}

/// Swapped between verifying and handing out, a thousand times: what is handed out is what was verified.
#[test]
fn an_entry_that_is_swapped_all_the_time_gives_its_own_bytes_or_none() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = open(&root);
    let (ours, theirs) = (vec![1; 20_000], vec![2; 20_000]);
    cache.put(&key("theirs"), &theirs).unwrap();
    cache.put(&key("ours"), &ours).unwrap();
    let path = |name: &str| format(&root).join("entries").join(key(name).to_string());
    let [ours_file, theirs_file] = ["ours", "theirs"].map(|name| fs::read(path(name)).unwrap());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let side = directory.path().join("side");
            while !done.load(Ordering::Relaxed) {
                for file in [&theirs_file, &ours_file] {
                    fs::write(&side, file).unwrap();
                    fs::rename(&side, path("ours")).unwrap();
                }
            }
        });
        for _ in 0..1_000 {
            match cache.get(&key("ours")) {
                Lookup::Hit(artifact) => assert!(artifact.bytes() == ours),
                Lookup::Miss(reason) => {
                    assert!(matches!(reason, MissReason::KeyMismatch | MissReason::Absent), "{reason}");
                }
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// The directory is exchanged while the cache is open: for an empty one, for a link to somebody else's, for a file.
#[cfg(unix)]
#[test]
fn a_root_that_is_replaced_costs_misses() {
    let directory = tempfile::tempdir().unwrap();
    let (root, other) = (directory.path().join("cache"), directory.path().join("other"));
    let forger = Cache::open(&other, HostKey::from_bytes([2; 32])).unwrap();
    forger.put(&key("a"), b"forged").unwrap();
    let cache = open(&root);
    let aside = |number: u32| fs::rename(&root, directory.path().join(format!("aside-{number}"))).unwrap();
    let heals = || {
        assert_eq!(cache.get(&key("a")), Lookup::Miss(MissReason::Absent));
        cache.put(&key("a"), b"honest").unwrap();
        assert_eq!(cache.get(&key("a")).hit().unwrap().bytes(), b"honest");
    };
    heals();
    aside(0);
    fs::create_dir(&root).unwrap();
    heals();
    aside(1);
    // Their entry under the name of ours.
    fs::rename(format(&other), other.join(format(&directory.path().join("aside-0")).file_name().unwrap()))
        .unwrap();
    std::os::unix::fs::symlink(&other, &root).unwrap();
    assert_eq!(cache.get(&key("a")), Lookup::Miss(MissReason::ForeignKey));
    heals();
    aside(2);
    fs::write(&root, "a file").unwrap();
    assert!(cache.get(&key("a")).miss().is_some());
    assert!(cache.put(&key("a"), b"honest").is_err());
    assert_eq!(fs::read(&root).unwrap(), b"a file");
}

/// Names that the cache will want are taken, by directories and by what is no use to it.
#[test]
fn things_in_the_way_are_in_nobodys_way() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = open(&root);
    let place = format(&root);
    let name = key("a").to_string();
    for taken in ["entries", "stamps", "locks", "inputs", "quarantine"] {
        fs::create_dir_all(place.join(taken).join(&name)).unwrap();
    }
    for _ in 0..2 {
        cache.put(&key("a"), b"bytes").unwrap();
        assert_eq!(cache.get(&key("a")).hit().unwrap().bytes(), b"bytes");
    }
    // Files where directories are wanted: nothing can be noted, and entries are found all the same.
    for taken in ["stamps", "locks", "inputs", "quarantine"] {
        fs::remove_dir_all(place.join(taken)).unwrap();
        fs::write(place.join(taken), "in the way").unwrap();
    }
    assert_eq!(cache.get(&key("a")).hit().unwrap().bytes(), b"bytes");
    fs::remove_file(place.join("entries").join(&name)).unwrap();
    fs::write(place.join("entries").join(&name), "rotten").unwrap();
    assert_eq!(cache.get(&key("a")), Lookup::Miss(MissReason::Truncated));
    cache.put(&key("a"), b"bytes").unwrap();
    assert_eq!(cache.get(&key("a")).hit().unwrap().bytes(), b"bytes");
}

/// Thousands of files that are not ours cost no wrong answer, and are left alone.
#[test]
fn junk_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = open(&root);
    cache.put(&key("a"), b"bytes").unwrap();
    let entries = format(&root).join("entries");
    for number in 0..3_000 {
        fs::write(entries.join(format!("junk-{number}")), "").unwrap();
        fs::write(root.join(format!("junk-{number}")), "").unwrap();
    }
    assert_eq!(cache.get(&key("a")).hit().unwrap().bytes(), b"bytes");
    assert_eq!((cache.disk_usage().unwrap().entries, cache.verify().unwrap().good), (1, 1));
    assert_eq!(cache.gc().unwrap().entries, 1);
    assert_eq!(cache.clear().unwrap(), 1);
    assert_eq!(fs::read_dir(&entries).unwrap().count(), 3_000);
}

/// Programs of other versions keep what is theirs in the same root, and neither reads or removes the other's.
#[test]
fn older_and_newer_programs_share_a_root() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = open(&root);
    cache.put(&key("a"), b"bytes").unwrap();
    let ours = format(&root);
    let ours_name = ours.file_name().unwrap().to_str().unwrap();
    let (number, key_id) = ours_name.strip_prefix('v').unwrap().split_once('-').unwrap();
    let number: u32 = number.parse().unwrap();
    let theirs =
        [number - 1, number + 1].map(|other| root.join(format!("v{other}-{key_id}")).join("entries"));
    for entries in &theirs {
        fs::create_dir_all(entries).unwrap();
        fs::write(entries.join(key("a").to_string()), "of another format").unwrap();
    }
    let again = open(&root);
    assert_eq!(again.get(&key("a")).hit().unwrap().bytes(), b"bytes");
    again.gc().unwrap();
    for entries in &theirs {
        assert_eq!(fs::read_to_string(entries.join(key("a").to_string())).unwrap(), "of another format");
    }
}

/// The directory of the formats is looked at, too: a link there would lead to entries of somebody else.
#[cfg(unix)]
#[test]
fn a_link_in_place_of_the_directory_of_a_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    open(&root);
    let place = format(&root);
    fs::rename(&place, directory.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(directory.path().join("elsewhere"), &place).unwrap();
    let opened = Cache::open(&root, HostKey::from_bytes([1; 32]));
    assert!(matches!(opened, Err(host_cache::OpenError::Symlink { .. })), "{opened:?}");
    // Another key has another place.
    Cache::open(&root, IntegrityOnly).unwrap();
}

#[cfg(all(feature = "wasmtime", target_os = "linux"))]
mod code {
    use host_cache::{ModuleCache, Source};
    use wasmtime::Engine;

    use super::*;
    use crate::support::guest::{ask_module, module};

    /// Evicted while it is in use: before its first instance, between two, and while a page of it was never touched.
    #[test]
    #[expect(unsafe_code, reason = "a mapped cache takes a promise")]
    fn what_was_loaded_outlives_its_entry() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        let root = directory.path().join("cache");
        // SAFETY: the directory is the test's own, and nothing in it is changed in place.
        let mapped =
            unsafe { Cache::builder(&root, HostKey::from_bytes([1; 32])).max_entries(0).open_mapped() };
        for cache in [mapped.unwrap(), open(&root)] {
            let modules = ModuleCache::new(cache, &engine).unwrap();
            // The collection of a write may be faster.
            let loaded = std::iter::repeat_with(|| modules.module(&module(7)).unwrap())
                .take(1_000)
                .find(|loaded| loaded.outcome.source == Source::Disk)
                .unwrap();
            modules.cache().gc().unwrap();
            modules.cache().clear().unwrap();
            for _ in 0..2 {
                assert_eq!(ask_module(&engine, &loaded), 7);
            }
            fs::remove_dir_all(&root).unwrap();
            assert_eq!(ask_module(&engine, &loaded), 7);
            assert_eq!(modules.module(&module(7)).unwrap().outcome.source, Source::Compiled);
        }
    }

    /// As for bytes, with code: the entry is exchanged for the whole one of another module, over and over.
    #[test]
    fn code_that_is_swapped_all_the_time_is_never_that_of_another() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        let root = directory.path().join("cache");
        let modules = ModuleCache::new(open(&root), &engine).unwrap();
        let mut files = Vec::new();
        for answer in [7, 666] {
            let path = format(&root)
                .join("entries")
                .join(modules.key_for(&module(answer), host_cache::Kind::Module).to_string());
            modules.module(&module(answer)).unwrap();
            files.push((fs::read(&path).unwrap(), path));
        }
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let side = directory.path().join("side");
                while !done.load(Ordering::Relaxed) {
                    for (file, _) in &files {
                        fs::write(&side, file).unwrap();
                        fs::rename(&side, &files[0].1).unwrap();
                    }
                }
            });
            for _ in 0..300 {
                let loaded = modules.module(&module(7)).unwrap();
                assert_eq!(ask_module(&engine, &loaded), 7);
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
