//! Trouble with the machine, made by `strace`: too few open files, a disk that is full or does not sync. An entry is not to blame for it.

use std::path::Path;
use std::time::Duration;

use host_cache::{Cache, Durability, HostKey, ModuleCache, Source};
use wasmtime::Engine;

use crate::faults::{CHILD, open, run, works};
use crate::support::guest::{ask_module, module};
use crate::support::{can_trace, key, only};

/// What a child does that meets an entry it cannot read: it compiles, and leaves the entry where it is.
fn child_with_an_entry(root: &Path) {
    let (engine, key) = (Engine::default(), HostKey::open(root.with_extension("key")).unwrap());
    #[expect(unsafe_code, reason = "a mapped cache takes a promise")]
    // SAFETY: the directory is the test's own, and nothing is changed in place.
    let cache = unsafe { Cache::builder(root, key).open_mapped() }.unwrap();
    let modules = ModuleCache::new(cache, &engine).unwrap();
    assert_eq!(ask_module(&engine, &modules.module(&module(7)).unwrap()), 7);
    let stats = modules.cache().stats();
    assert!(stats.misses.io > 0, "{stats:?}");
    assert_eq!((stats.misses.io, stats.quarantined), (stats.misses.total(), 0), "{stats:?}");
}

/// Trouble with the machine is not the fault of the entry.
#[test]
fn an_entry_that_cannot_be_read_is_left_alone() {
    if let Some(root) = std::env::var_os(CHILD) {
        return child_with_an_entry(Path::new(&root));
    }
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (call, error) in [
        ("openat", "EMFILE"),
        ("openat", "ENFILE"),
        ("openat", "EACCES"),
        ("pread64", "EIO"),
        ("mmap", "ENOMEM"),
    ] {
        let root = directory.path().join(format!("{call}-{error}"));
        works(&root, "at first");
        let entry = only(&only(&root).join("entries"));
        let injection = ["-P", entry.to_str().unwrap(), "-e", &format!("inject={call}:error={error}")];
        let (status, said) = run(&root, "machine::an_entry_that_cannot_be_read_is_left_alone", &injection);
        assert!(status.success(), "{call} {error}: {said}");
        works(&root, call);
    }
}

/// What a child does to have an old entry stamped: it maps it.
fn child_that_maps(root: &Path) {
    let key = HostKey::open(root.with_extension("key")).unwrap();
    #[expect(unsafe_code, reason = "a mapped cache takes a promise")]
    // SAFETY: the directory is the test's own, and nothing is changed in place.
    let cache = unsafe { Cache::builder(root, key).open_mapped() }.unwrap();
    let loaded = ModuleCache::new(cache, &Engine::default()).unwrap().module(&module(7)).unwrap();
    assert_eq!(loaded.outcome.source, Source::Disk);
}

/// What the disk has not taken yet may turn out to be something else later, in the same boot.
#[test]
fn what_cannot_be_synced_is_not_stamped() {
    if let Some(root) = std::env::var_os(CHILD) {
        return child_that_maps(Path::new(&root));
    }
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let roots = [("EIO", 0), ("none", 104)].map(|(error, length)| (directory.path().join(error), length));
    for (root, _) in &roots {
        works(root, "at first");
    }
    std::thread::sleep(Duration::from_secs(3));
    for (root, length) in &roots {
        let injection = ["-e", "inject=fdatasync:error=EIO"];
        let injection = if *length == 0 { &injection[..] } else { &[] };
        let (status, said) = run(root, "machine::what_cannot_be_synced_is_not_stamped", injection);
        assert!(status.success(), "{said}");
        let stamp = only(&only(root).join("stamps"));
        assert_eq!(std::fs::metadata(stamp).unwrap().len(), *length);
    }
}

/// What a child does that meets a full disk: it writes something, and something else.
fn child_that_writes(root: &Path) {
    let cache = open(root);
    for name in ["old", "new"] {
        cache.put(&key(name), name.as_bytes()).unwrap();
    }
    assert_eq!((cache.stats().published, cache.stats().evicted), (2, 1));
    assert!(cache.get(&key("new")).hit().is_some() && cache.get(&key("old")).miss().is_some());
}

/// Also within the bounds, and also where the disk is full for this user alone.
#[test]
fn a_full_disk_makes_the_oldest_go() {
    if let Some(root) = std::env::var_os(CHILD) {
        return child_that_writes(Path::new(&root));
    }
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for error in ["ENOSPC", "EDQUOT"] {
        let root = directory.path().join(error);
        open(&root);
        let (status, said) = run(
            &root,
            "machine::a_full_disk_makes_the_oldest_go",
            &["-e", &format!("inject=fallocate:error={error}:when=2")],
        );
        assert!(status.success(), "{error}: {said}");
    }
}

/// What a child does to have its calls counted: it writes one entry, in the way that it is told.
fn child_with_durability(root: &Path) {
    let durability = match root.file_name().unwrap().to_str().unwrap() {
        "None" => Durability::None,
        "Data" => Durability::Data,
        _ => Durability::Full,
    };
    let trust = HostKey::from_bytes([1; 32]);
    Cache::builder(root, trust).durability(durability).open().unwrap().put(&key("a"), b"x").unwrap();
}

#[test]
fn an_entry_is_reserved_and_synced_as_it_was_asked_for() {
    if let Some(root) = std::env::var_os(CHILD) {
        return child_with_durability(Path::new(&root));
    }
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    // With four directories: that of the entries, and those that were made for it.
    for (name, data, all) in [("None", 0, 0), ("Data", 1, 0), ("Full", 1, 4)] {
        let root = directory.path().join(name);
        let log = directory.path().join(format!("{name}.log"));
        let to_log = ["-o", log.to_str().unwrap(), "-e", "trace=fdatasync,fsync,fallocate"];
        let (status, said) =
            run(&root, "machine::an_entry_is_reserved_and_synced_as_it_was_asked_for", &to_log);
        assert!(status.success(), "{name}: {said}");
        let log = std::fs::read_to_string(log).unwrap();
        let calls = |call: &str| log.lines().filter(|line| line.contains(&format!(" {call}("))).count();
        assert_eq!(
            (calls("fallocate"), calls("fdatasync"), calls("fsync")),
            (1, data, all),
            "{name}:\n{log}"
        );
    }
}
