//! Keeping within bounds: by many short processes, with many small entries, where the disk is full.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use host_cache::{Cache, CacheBuilder, DiskUsage, HostKey, IntegrityOnly, Lookup, MissReason};

use crate::support::{key, only};

const ARTEFACT: [u8; 10_000] = [7; 10_000];

fn builder(root: &Path) -> CacheBuilder {
    Cache::builder(root, IntegrityOnly).min_free_bytes(0)
}

/// Collections are done in the background: they may be late, and not missing.
fn settles(cache: &Cache, what: impl Fn(DiskUsage) -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !what(cache.disk_usage().unwrap()) {
        assert!(Instant::now() < patience, "{:?}", cache.disk_usage());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Each as a process that writes once and ends.
#[test]
fn short_processes_keep_the_bounds_too() {
    let directory = tempfile::tempdir().unwrap();
    let open = || builder(&directory.path().join("cache")).max_bytes(400_000).open().unwrap();
    for number in 0..200 {
        open().put(&key(&number.to_string()), &ARTEFACT).unwrap();
    }
    settles(&open(), |usage| usage.bytes <= 600_000);
    assert!(open().get(&key("199")).hit().is_some(), "what was written last went");
}

#[test]
fn the_number_of_entries_is_bounded_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let cache = builder(&directory.path().join("cache")).max_entries(10).open().unwrap();
    for number in 0..500 {
        cache.put(&key(&number.to_string()), b"small").unwrap();
    }
    settles(&cache, |usage| usage.entries < 100);
}

/// A byte takes a block of the disk.
#[test]
fn blocks_are_counted_and_not_lengths() {
    let directory = tempfile::tempdir().unwrap();
    let cache = builder(&directory.path().join("cache")).max_bytes(400_000).open().unwrap();
    // Of a length that is no sixteenth of the bound in all.
    for number in 0..115 {
        cache.put(&key(&number.to_string()), b"small").unwrap();
    }
    // The bound, a sixteenth of it that may be written between two looks, and a block.
    settles(&cache, |usage| usage.bytes < 430_000);
}

/// More is to stay free than there is: hardly anything is kept.
#[test]
fn low_space_is_noticed_when_something_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = builder(&root).min_free_bytes(u64::MAX).open().unwrap();
    for number in 0..50 {
        cache.put(&key(&number.to_string()), &ARTEFACT).unwrap();
    }
    settles(&cache, |usage| usage.entries < 10);
}

#[test]
fn a_lock_that_cannot_be_taken_keeps_nobody_from_collecting() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = builder(&root).max_entries(5).open().unwrap();
    fs::create_dir(only(&root).join("gc.lock")).unwrap();
    for number in 0..6 {
        cache.put(&key(&number.to_string()), b"small").unwrap();
    }
    settles(&cache, |usage| usage.entries <= 5);
    assert!(!cache.gc().unwrap().skipped);
}

/// One that another process holds, does.
#[test]
fn one_collects_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = builder(&root).open().unwrap();
    let lock = fs::File::create(only(&root).join("gc.lock")).unwrap();
    lock.lock().unwrap();
    assert!(cache.gc().unwrap().skipped);
    drop(lock);
    assert!(!cache.gc().unwrap().skipped);
}

/// Whatever the key: else a key that is lost would leave its entries for ever.
#[test]
fn clear_removes_the_entries_of_other_keys_too() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let plain = builder(&root).open().unwrap();
    plain.put(&key("a"), &ARTEFACT).unwrap();
    let keyed = Cache::open(&root, HostKey::from_bytes([1; 32])).unwrap();
    keyed.put(&key("a"), &ARTEFACT).unwrap();
    fs::create_dir(root.join("v1-notes")).unwrap();
    fs::create_dir(root.join("v1-notes/entries")).unwrap();
    let notes = root.join("v1-notes/entries").join("0".repeat(64));
    fs::write(&notes, "").unwrap();
    let usage = keyed.disk_usage().unwrap();
    assert_eq!((usage.entries, usage.bytes), (1, usage.bytes_of_others));
    assert_eq!(keyed.clear().unwrap(), 2);
    assert_eq!(plain.get(&key("a")), Lookup::Miss(MissReason::Absent));
    assert_eq!(keyed.disk_usage().unwrap(), DiskUsage::default());
    assert!(notes.exists());
}

#[test]
fn what_nobody_used_for_long_goes_with_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let lost = builder(&root).open().unwrap();
    lost.put(&key("a"), &ARTEFACT).unwrap();
    lost.get(&key("a")).hit().unwrap();
    let place = only(&root);
    let ours = Cache::open(&root, HostKey::from_bytes([1; 32])).unwrap();
    assert_eq!((ours.gc().unwrap().left_overs_removed, lost.disk_usage().unwrap().entries), (0, 1));
    let long_ago = |path: &Path, days: u64| {
        let time = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
        fs::File::open(path).unwrap().set_modified(time).unwrap();
    };
    let age = |days| {
        for name in ["entries", "stamps", "."] {
            let path = place.join(name);
            for file in fs::read_dir(&path).unwrap() {
                long_ago(&file.unwrap().path(), days);
            }
            long_ago(&path, days);
        }
    };
    // It was used after all.
    age(31);
    long_ago(&only(&place.join("stamps")), 1);
    assert_eq!((ours.gc().unwrap().left_overs_removed, lost.disk_usage().unwrap().entries), (0, 1));
    age(31);
    assert_eq!(ours.gc().unwrap().left_overs_removed, 1);
    assert!(!place.exists(), "{:?}", fs::read_dir(&place).map(Iterator::count));
    // Who still has it open makes it anew.
    lost.put(&key("a"), &ARTEFACT).unwrap();
    assert!(lost.get(&key("a")).hit().is_some());
}

/// What is remembered of inputs is of use in one boot only, and bounded in it.
#[test]
fn memos_of_inputs_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = builder(&root).max_entries(5).open().unwrap();
    let inputs = only(&root).join("inputs");
    fs::create_dir(&inputs).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let boot: String = boot.chars().filter(char::is_ascii_hexdigit).collect();
    // The last digits of it first, two by two.
    let boot: String = (8..16).rev().filter_map(|byte| boot.get(byte * 2..byte * 2 + 2)).collect();
    let make = |name: String, hours: u64| {
        fs::write(inputs.join(&name), "").unwrap();
        let time = SystemTime::now() - Duration::from_secs(hours * 3600);
        fs::File::open(inputs.join(&name)).unwrap().set_modified(time).unwrap();
        inputs.join(name)
    };
    let ours: Vec<_> = (2..10).map(|hours| make(format!("{boot:0<16}{hours:048x}"), hours)).collect();
    let another = make("f".repeat(64), 2);
    let fresh = make("e".repeat(64), 0);
    cache.gc().unwrap();
    if cfg!(target_os = "linux") {
        assert!(!another.exists(), "of another boot");
    }
    let left = ours.iter().filter(|memo| memo.exists()).count();
    assert!(fresh.exists() && left <= 4 && ours[..left].iter().all(|memo| memo.exists()), "{left}");
}

/// Sixteen of them at most, and no more room than a sixteenth of what the entries may take.
#[test]
fn damaged_entries_take_little_room() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = builder(&root).max_bytes(1 << 20).open().unwrap();
    for number in 0..12 {
        cache.put(&key(&number.to_string()), &ARTEFACT).unwrap();
        let entry = only(&only(&root).join("entries"));
        let mut bytes = fs::read(&entry).unwrap();
        bytes[1] ^= 1;
        crate::support::overwrite(&entry, &bytes);
        assert!(cache.get(&key(&number.to_string())).miss().is_some());
    }
    cache.gc().unwrap();
    let quarantined = cache.disk_usage().unwrap().quarantined;
    assert!(quarantined > 0 && quarantined <= (1 << 16) / 10_000, "{quarantined}");
}
