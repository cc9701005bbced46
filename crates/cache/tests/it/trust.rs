//! Host keys: who has not the key can cause misses, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use host_cache::{Cache, HostKey, HostKeyError, IntegrityOnly, Lookup, MissReason, Trust};

use crate::support::{key, overwrite};

/// The file of the only entry in the cache.
fn entry(root: &Path) -> PathBuf {
    let format = fs::read_dir(root).unwrap().next().unwrap().unwrap().path();
    fs::read_dir(format.join("entries")).unwrap().next().unwrap().unwrap().path()
}

/// What `forger` writes as the entry of key `a`.
fn written_by(forger: impl Into<Trust>) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path().join("cache"), forger).unwrap();
    cache.put(&key("a"), b"forged").unwrap();
    fs::read(entry(cache.root())).unwrap()
}

#[test]
fn what_somebody_else_wrote_is_a_miss_and_heals() {
    let ours = || HostKey::from_bytes([1; 32]);
    let theirs = || HostKey::from_bytes([2; 32]);
    // The name of the key stands before the end mark.
    let renamed = |mut bytes: Vec<u8>| {
        let honest = written_by(ours());
        let name = |bytes: &[u8]| bytes.len() - 16..bytes.len() - 8;
        let (to, from) = (name(&bytes), name(&honest));
        bytes[to].copy_from_slice(&honest[from]);
        bytes
    };
    for (forged, reason) in [
        (written_by(IntegrityOnly), MissReason::ForeignKey),
        (written_by(theirs()), MissReason::ForeignKey),
        (renamed(written_by(IntegrityOnly)), MissReason::BadDigest),
        (renamed(written_by(theirs())), MissReason::BadDigest),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path().join("cache"), ours()).unwrap();
        cache.put(&key("a"), b"honest").unwrap();
        overwrite(&entry(cache.root()), &forged);
        assert_eq!(cache.get(&key("a")), Lookup::Miss(reason));
        assert_eq!((cache.stats().quarantined, cache.stats().misses.unhealthy()), (1, 1));
        cache.put(&key("a"), b"honest").unwrap();
        assert_eq!(cache.get(&key("a")).hit().unwrap().bytes(), b"honest");
    }
    // The same way round, what was honestly written is read.
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path().join("cache"), ours()).unwrap();
    cache.put(&key("a"), b"honest").unwrap();
    overwrite(&entry(cache.root()), &written_by(ours()));
    assert_eq!(cache.get(&key("a")).hit().unwrap().bytes(), b"forged");
}

#[test]
fn caches_of_different_keys_share_a_directory_without_meeting() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let open = |trust: Trust| Cache::open(&root, trust).unwrap();
    let caches = [
        open(HostKey::from_bytes([1; 32]).into()),
        open(HostKey::from_bytes([2; 32]).into()),
        open(IntegrityOnly.into()),
    ];
    for (number, cache) in caches.iter().enumerate() {
        assert_eq!(cache.get(&key("a")), Lookup::Miss(MissReason::Absent));
        cache.put(&key("a"), &[number as u8]).unwrap();
    }
    for (number, cache) in caches.iter().enumerate() {
        assert_eq!(cache.get(&key("a")).hit().unwrap().bytes(), [number as u8]);
    }
}

#[test]
fn a_bad_entry_is_kept_for_somebody_to_look_at() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path().join("cache"), IntegrityOnly).unwrap();
    cache.put(&key("a"), b"bytes").unwrap();
    let path = entry(cache.root());
    overwrite(&path, b"rotten");
    assert_eq!(cache.get(&key("a")), Lookup::Miss(MissReason::Truncated));
    let kept = path.parent().unwrap().parent().unwrap().join("quarantine").join(path.file_name().unwrap());
    assert_eq!(fs::read(kept).unwrap(), b"rotten");
    assert_eq!(cache.get(&key("a")), Lookup::Miss(MissReason::Absent));
}

#[test]
fn a_host_key_is_made_once_and_read_by_all() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("not/there/host.key");
    let ids: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| HostKey::open(&file).unwrap().id())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let other = HostKey::open(directory.path().join("other.key")).unwrap();
    assert_ne!(other.id(), ids[0]);
    // Nothing is left beside it.
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    assert_eq!(fs::read(&file).unwrap().len(), 32);
}

#[test]
fn what_is_no_host_key_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("host.key");
    for bytes in [&b""[..], &[0; 31], &[0; 33]] {
        fs::write(&file, bytes).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let error = HostKey::open(&file).unwrap_err();
        assert!(matches!(error, HostKeyError::NotAKey { .. }), "{error}");
        assert!(error.to_string().contains("32 bytes"));
    }
    assert!(matches!(HostKey::open(directory.path()), Err(HostKeyError::NotAKey { .. })));
    assert!(matches!(HostKey::open("/proc/none/host.key"), Err(HostKeyError::Create { .. })));
}

#[cfg(unix)]
#[test]
fn a_host_key_that_others_may_see_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("host.key");
    HostKey::open(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o660, 0o602] {
        fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        let error = HostKey::open(&file).unwrap_err();
        assert!(matches!(error, HostKeyError::NotSecret { .. }), "{mode:o}: {error}");
    }
}
