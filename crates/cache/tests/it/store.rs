//! A store of any bytes: what is put is what comes back.

use host_cache::{Digest, Kind, Lookup, MissReason, Put};

use crate::support::{Fixture, key};

#[test]
fn gives_back_what_was_put_also_when_opened_anew() {
    let fixture = Fixture::new();
    for (name, bytes) in [("empty", vec![]), ("one", vec![0]), ("large", vec![5; 3_000_000])] {
        assert_eq!(fixture.cache.get(&key(name)), Lookup::Miss(MissReason::Absent));
        assert_eq!(fixture.cache.put(&key(name), &bytes).unwrap(), Put::Written);
        for cache in [&fixture.cache, &fixture.reopened()] {
            let artifact = cache.get(&key(name)).hit().unwrap();
            assert_eq!(artifact.bytes(), bytes);
            assert_eq!(artifact.digest(), Digest::of(&bytes));
            assert_eq!(artifact.kind(), Kind::Bytes);
        }
    }
}

#[test]
fn the_first_writer_wins() {
    let fixture = Fixture::new();
    fixture.cache.put(&key("a"), b"first").unwrap();
    assert_eq!(fixture.cache.put(&key("a"), b"second").unwrap(), Put::AlreadyThere);
    assert_eq!(fixture.cache.get(&key("a")).hit().unwrap().bytes(), b"first");
    fixture.file();
}

#[test]
fn what_is_removed_is_absent() {
    let fixture = Fixture::new();
    fixture.cache.put(&key("a"), b"bytes").unwrap();
    assert!(fixture.cache.remove(&key("a")).unwrap());
    assert!(!fixture.cache.remove(&key("a")).unwrap());
    assert_eq!(fixture.cache.get(&key("a")), Lookup::Miss(MissReason::Absent));
}

#[test]
fn counts_are_shared_by_clones() {
    let fixture = Fixture::new();
    let clone = fixture.cache.clone();
    clone.get(&key("a"));
    clone.put(&key("a"), b"four").unwrap();
    clone.put(&key("a"), b"four").unwrap();
    fixture.cache.get(&key("a"));
    let stats = fixture.cache.stats();
    assert_eq!((stats.hits, stats.misses.absent, stats.misses.total()), (1, 1, 1));
    assert_eq!((stats.published, stats.publish_failures), (1, 0));
    assert_eq!((stats.bytes_read, stats.bytes_written), (4, 4));
}

#[cfg(unix)]
#[test]
fn entries_are_read_only_and_private_below_a_private_directory() {
    use std::os::unix::fs::PermissionsExt;

    let fixture = Fixture::new();
    fixture.cache.put(&key("a"), b"bytes").unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&fixture.file()), 0o400);
    assert_eq!(mode(fixture.cache.root()), 0o700);
    assert_eq!(mode(fixture.file().parent().unwrap()), 0o700);
}
