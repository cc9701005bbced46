//! The bounds of a cache: what goes, what stays, and what is looked after.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use host_cache::{Cache, IntegrityOnly, Lookup, MissReason};

use crate::support::{key, overwrite};

/// One entry of these takes a block or two of the disk.
const ARTEFACT: [u8; 10_000] = [7; 10_000];

fn cache(root: &Path, entries: u64) -> Cache {
    Cache::builder(root, IntegrityOnly).max_entries(entries).min_free_bytes(0).open().unwrap()
}

fn format(root: &Path) -> PathBuf {
    fs::read_dir(root).unwrap().next().unwrap().unwrap().path()
}

fn age(path: &Path, age: Duration) {
    fs::File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn what_was_used_longest_ago_goes() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    // Its bounds are looked at when this test says so.
    let (wide, cache) = (self::cache(&root, 1_000), cache(&root, 10));
    let entry = |name: &str| format(&root).join("entries").join(key(name).to_string());
    for number in 0..12 {
        let name = number.to_string();
        wide.put(&key(&name), &ARTEFACT).unwrap();
        age(&entry(&name), HOUR * (20 - number));
    }
    // The oldest is used, and another is pinned: both stay.
    assert!(cache.get(&key("0")).hit().is_some());
    let pin = cache.pin(&key("1"));
    let report = cache.gc().unwrap();
    assert_eq!((report.entries, report.removed, report.skipped), (8, 4, false));
    assert!(report.bytes_removed >= 4 * ARTEFACT.len() as u64 && report.bytes >= 8 * ARTEFACT.len() as u64);
    let left: Vec<_> = (0..12).filter(|number| entry(&number.to_string()).exists()).collect();
    assert_eq!(left, [0, 1, 6, 7, 8, 9, 10, 11]);
    assert_eq!(cache.stats().evicted, 4);
    assert_eq!(cache.get(&key("2")), Lookup::Miss(MissReason::Absent));

    // Within its bounds, nothing goes; with the pin gone and less allowed, the pinned one is the first.
    assert_eq!(cache.gc().unwrap().removed, 0);
    drop(pin);
    let narrow = self::cache(&root, 7);
    assert_eq!(narrow.gc().unwrap().removed, 3);
    assert!(!entry("1").exists() && entry("0").exists());
}

#[test]
fn room_is_bounded_too() {
    let directory = tempfile::tempdir().unwrap();
    let open = |most| {
        Cache::builder(directory.path().join("cache"), IntegrityOnly)
            .max_bytes(most)
            .min_free_bytes(0)
            .open()
            .unwrap()
    };
    let wide = open(u64::MAX);
    for number in 0..10 {
        wide.put(&key(&number.to_string()), &ARTEFACT).unwrap();
    }
    let used = wide.disk_usage().unwrap();
    assert_eq!((used.entries, used.quarantined), (10, 0));
    assert_eq!(wide.gc().unwrap().removed, 0);
    let report = open(used.bytes / 2).gc().unwrap();
    assert!(
        report.bytes <= used.bytes / 2 && report.bytes + report.bytes_removed == used.bytes,
        "{report:?}"
    );
    // More than the disk has is to stay free: everything goes.
    let greedy = Cache::builder(directory.path().join("cache"), IntegrityOnly)
        .min_free_bytes(u64::MAX)
        .open()
        .unwrap();
    assert_eq!(greedy.gc().unwrap().entries, 0);
}

/// Nobody asks for it: writing is enough.
#[test]
fn writing_keeps_the_bounds_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let most = 400_000;
    let cache = Cache::builder(directory.path().join("cache"), IntegrityOnly)
        .max_bytes(most)
        .min_free_bytes(0)
        .open()
        .unwrap();
    for number in 0..200 {
        cache.put(&key(&number.to_string()), &ARTEFACT).unwrap();
    }
    let patience = std::time::Instant::now() + Duration::from_secs(60);
    // A sixteenth may be written between two looks, and the last look may be still to come.
    while cache.disk_usage().unwrap().bytes > most + most / 8 {
        assert!(std::time::Instant::now() < patience, "{:?}", cache.disk_usage());
        cache.put(&key("more"), &ARTEFACT).unwrap();
        cache.remove(&key("more")).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(cache.stats().evicted > 0);
    assert!(cache.get(&key("199")).hit().is_some(), "what was written last went");
}

#[test]
fn what_killed_processes_left_goes_and_nothing_of_others() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = cache(&root, 100);
    cache.put(&key("a"), &ARTEFACT).unwrap();
    assert!(cache.get(&key("a")).hit().is_some());
    let place = format(&root);
    let unknown = "0".repeat(64);
    fs::create_dir_all(place.join("locks")).unwrap();
    let put = |name: &str| {
        let path = place.join(name);
        fs::write(&path, "").unwrap();
        age(&path, 2 * HOUR);
        path
    };
    let goes = [
        put("entries/.host-cache-left"),
        put(&format!("locks/{unknown}")),
        put(&format!("stamps/{unknown}")),
    ];
    let stays = [
        put("entries/.nfs0001"),
        put("entries/notes.txt"),
        put("locks/other"),
        place.join("stamps").join(key("a").to_string()),
    ];
    let fresh = place.join("entries/.host-cache-being-written");
    fs::write(&fresh, "").unwrap();
    let held = put(&format!("locks/{}", "1".repeat(64)));
    let lock = fs::File::open(&held).unwrap();
    lock.lock().unwrap();

    assert_eq!(cache.gc().unwrap().left_overs_removed, 3);
    assert!(goes.iter().all(|path| !path.exists()), "{goes:?}");
    assert!(stays.iter().chain([&fresh, &held]).all(|path| path.exists()));
}

#[test]
fn verify_finds_what_is_rotten_and_clear_removes_all() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = cache(&root, 100);
    for number in 0..30 {
        cache.put(&key(&number.to_string()), &ARTEFACT).unwrap();
    }
    let entry = |number: u32| format(&root).join("entries").join(key(&number.to_string()).to_string());
    for number in 0..20 {
        let mut bytes = fs::read(entry(number)).unwrap();
        bytes[5_000] ^= 1;
        overwrite(&entry(number), &bytes);
    }
    fs::rename(entry(20), entry(21)).unwrap();
    let report = cache.verify().unwrap();
    assert_eq!((report.good, report.bytes), (8, 8 * ARTEFACT.len() as u64));
    assert_eq!((report.bad.bad_digest, report.bad.key_mismatch, report.bad.total()), (20, 1, 21));
    assert_eq!(cache.verify().unwrap().bad.total(), 0);
    // Not all of them are kept.
    assert_eq!(cache.disk_usage().unwrap().quarantined, 21);
    cache.gc().unwrap();
    assert_eq!(cache.disk_usage().unwrap().quarantined, 16);

    assert_eq!(cache.clear().unwrap(), 8);
    let used = cache.disk_usage().unwrap();
    assert_eq!((used.entries, used.bytes, used.quarantined), (0, 0, 0));
    assert_eq!(cache.get(&key("25")), Lookup::Miss(MissReason::Absent));
}

/// In a directory that others may write to, they may put a link to files of yours.
#[cfg(unix)]
#[test]
fn links_are_not_followed_to_files_of_others() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let cache = cache(&root, 0);
    let elsewhere = directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let precious = elsewhere.join("0".repeat(64));
    fs::write(&precious, "").unwrap();
    std::os::unix::fs::symlink(&elsewhere, format(&root).join("entries")).unwrap();
    cache.gc().unwrap_err();
    cache.clear().unwrap_err();
    cache.verify().unwrap_err();
    assert!(precious.exists());
}

#[test]
fn clocks_that_were_wrong_do_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let (wide, cache) = (self::cache(&root, 1_000), cache(&root, 2));
    for name in ["future", "a", "b"] {
        wide.put(&key(name), &ARTEFACT).unwrap();
    }
    let entry = format(&root).join("entries").join(key("future").to_string());
    fs::File::open(&entry).unwrap().set_modified(SystemTime::now() + 1_000 * HOUR).unwrap();
    assert_eq!(cache.gc().unwrap().removed, 2);
    assert!(!entry.exists(), "what lies in the future is the oldest");
}
