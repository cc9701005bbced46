//! File systems of all kinds, each mounted for one process alone: full, without execution, unknown, and no `/proc`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use host_cache::{Cache, HostKey, MissReason, ModuleCache, Source};
use wasmtime::Engine;

use crate::support::guest::{ask_component, ask_module, component, module};
use crate::support::{can_mount, key, only};

/// Tells a child of these tests where to work, and that it is one.
const CHILD: &str = "HOST_CACHE_TEST_MOUNTS";

/// In a child: the directory with the mount. Otherwise runs this test again in a child, after `mount`, which finds it in `$dir`.
fn inside(test: &str, mount: &str) -> Option<PathBuf> {
    if let Some(directory) = std::env::var_os(CHILD) {
        return Some(directory.into());
    }
    if !can_mount() {
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let script = format!("dir=${CHILD}; {mount} && exec \"$0\" --exact mounts::{test} --nocapture");
    let child = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    None
}

fn host_key() -> HostKey {
    HostKey::from_bytes([1; 32])
}

#[expect(unsafe_code, reason = "a mapped cache takes a promise")]
fn mapped(root: &Path) -> ModuleCache {
    // SAFETY: the directory is the test's own.
    let cache = unsafe { Cache::builder(root, host_key()).min_free_bytes(0).open_mapped() }.unwrap();
    ModuleCache::new(cache, &Engine::default()).unwrap()
}

/// Wasmtime can load a component from an open file only by its path there.
#[test]
fn components_are_loaded_without_proc() {
    let Some(directory) = inside("components_are_loaded_without_proc", "mount -t tmpfs none /proc") else {
        return;
    };
    let cache = Cache::open(directory.join("cache"), host_key()).unwrap();
    for modules in [ModuleCache::new(cache, &Engine::default()).unwrap(), mapped(&directory.join("cache"))] {
        modules.component(&component(7)).unwrap();
        let loaded = modules.component(&component(7)).unwrap();
        assert_eq!(ask_component(modules.engine(), &loaded), 7);
        assert_eq!(loaded.outcome.source, Source::Disk);
        let stats = modules.cache().stats();
        assert_eq!((stats.misses.unhealthy(), stats.quarantined), (0, 0));
    }
}

/// What is there makes room, though it is within its bounds.
#[test]
fn a_full_disk_is_made_room_on() {
    let Some(directory) = inside("a_full_disk_is_made_room_on", "mount -t tmpfs -o size=2m none \"$dir\"")
    else {
        return;
    };
    let cache = Cache::builder(directory.join("cache"), host_key()).min_free_bytes(0).open().unwrap();
    for number in 0..40 {
        let name = number.to_string();
        cache.put(&key(&name), &[number; 100_000]).unwrap_or_else(|error| panic!("{number}: {error:?}"));
        assert_eq!(cache.get(&key(&name)).hit().unwrap().bytes(), [number; 100_000]);
    }
    assert!(cache.stats().evicted >= 20);
    // Too much at any rate: said, and nothing is left of it.
    let error = cache.put(&key("huge"), &vec![1; 3 << 20]).unwrap_err();
    assert_eq!(error.source.kind(), std::io::ErrorKind::StorageFull);
    let entries: Vec<_> = fs::read_dir(only(cache.root()).join("entries")).unwrap().collect();
    assert!(entries.iter().all(|entry| entry.as_ref().unwrap().file_name().len() == 64), "{entries:?}");
    assert!(cache.get(&key("huge")).miss().is_some());
    // And code that does not fit is compiled and runs.
    let filler = directory.join("filler");
    fs::remove_dir_all(directory.join("cache")).unwrap();
    let cache = Cache::builder(directory.join("cache"), host_key()).min_free_bytes(0).open().unwrap();
    let _ = fs::write(&filler, vec![0; 3 << 20]);
    let modules = ModuleCache::new(cache, &Engine::default()).unwrap();
    let loaded = modules.module(&module(7)).unwrap();
    assert_eq!(ask_module(modules.engine(), &loaded), 7);
    assert!(loaded.outcome.publish_failure.is_some());
    fs::remove_file(filler).unwrap();
    modules.module(&module(7)).unwrap();
    assert_eq!(modules.module(&module(7)).unwrap().outcome.source, Source::Disk);
}

#[test]
fn where_nothing_may_be_executed_code_is_sealed() {
    let Some(directory) =
        inside("where_nothing_may_be_executed_code_is_sealed", "mount -t tmpfs -o noexec none \"$dir\"")
    else {
        return;
    };
    let modules = mapped(&directory.join("cache"));
    modules.module(&module(7)).unwrap();
    let loaded = modules.module(&module(7)).unwrap();
    assert_eq!((loaded.outcome.source, ask_module(modules.engine(), &loaded)), (Source::Disk, 7));
    let downgrades = modules.cache().stats().downgrades;
    assert!(downgrades.no_exec > 0 && downgrades.total() == downgrades.no_exec, "{downgrades:?}");
}

/// `ramfs` is not among those whose times and locks are relied on.
#[test]
fn on_an_unknown_file_system_nothing_is_mapped_noted_or_locked() {
    let Some(directory) =
        inside("on_an_unknown_file_system_nothing_is_mapped_noted_or_locked", "mount -t ramfs none \"$dir\"")
    else {
        return;
    };
    let modules = mapped(&directory.join("cache"));
    let input = directory.join("guest.wasm");
    fs::write(&input, module(7)).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    for source in [Source::Compiled, Source::Disk, Source::Disk] {
        let loaded = modules.module_file(&input).unwrap();
        assert_eq!((loaded.outcome.source, ask_module(modules.engine(), &loaded)), (source, 7));
    }
    let stats = modules.cache().stats();
    assert_eq!(stats.downgrades.file_system, stats.downgrades.total());
    assert_eq!(stats.downgrades.file_system, 3, "compiled and found twice: {stats:?}");
    assert_eq!(stats.input_bytes_hashed, 3 * module(7).len() as u64);
    let place = only(&directory.join("cache"));
    assert!(!place.join("inputs").exists() && !place.join("locks").exists());
    assert!(!modules.cache().gc().unwrap().skipped);
    // Only that it was used is noted, with nothing that would vouch for it.
    assert_eq!(fs::metadata(only(&place.join("stamps"))).unwrap().len(), 0);
    assert_eq!(modules.cache().get(&key("a")).miss(), Some(MissReason::Absent));
}
