//! Directories that a guest must not be given: those from which it reaches the cache.

use std::fs;
use std::path::Path;

use host_cache::{Cache, HostKey, IntegrityOnly};

use crate::support::key;

#[test]
fn the_cache_what_is_above_and_what_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("home/data")).unwrap();
    fs::create_dir_all(at("home/cache-of-others")).unwrap();
    let cache = Cache::open(at("home/cache"), IntegrityOnly).unwrap();
    cache.put(&key("a"), b"bytes").unwrap();
    let format = fs::read_dir(at("home/cache")).unwrap().next().unwrap().unwrap().path();
    for reached in
        [Path::new("/"), directory.path(), &at("home"), cache.root(), &format, &format.join("entries")]
    {
        assert!(cache.overlaps(reached).unwrap(), "{}", reached.display());
    }
    for apart in ["home/data", "home/cache-of-others"] {
        assert!(!cache.overlaps(at(apart)).unwrap(), "{apart}");
    }
    assert!(cache.overlaps(at("home/data/../cache")).unwrap());
    assert!(cache.overlaps(at("nowhere")).is_err());
    fs::remove_dir_all(cache.root()).unwrap();
    assert!(cache.overlaps(at("home/data")).is_err());
}

#[test]
fn the_host_key_is_no_guests_either() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("data")).unwrap();
    let trust = HostKey::open(at("state/host.key")).unwrap();
    let cache = Cache::open(at("cache"), trust).unwrap();
    assert!(cache.overlaps(at("state")).unwrap());
    assert!(!cache.overlaps(at("data")).unwrap());
}

#[cfg(unix)]
#[test]
fn links_lead_there_too() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("home/data")).unwrap();
    std::os::unix::fs::symlink(at("home"), at("link")).unwrap();
    let cache = Cache::open(at("link/cache"), IntegrityOnly).unwrap();
    for reached in ["home", "link", "home/cache", "link/cache"] {
        assert!(cache.overlaps(at(reached)).unwrap(), "{reached}");
    }
    assert!(!cache.overlaps(at("link/data")).unwrap());
}

/// A directory that is mounted a second time has another path, and no link on the way.
#[cfg(target_os = "linux")]
#[test]
fn mounts_lead_there_too() {
    use crate::support::{run_in_namespace, said};

    const CHILD: &str = "HOST_CACHE_TEST_OVERLAP";
    if let Some(directory) = std::env::var_os(CHILD) {
        let at = |name: &str| Path::new(&directory).join(name);
        let cache = Cache::open(at("home/cache"), IntegrityOnly).unwrap();
        for reached in ["above", "same", "inside"] {
            assert!(cache.overlaps(at(reached)).unwrap(), "{reached}");
        }
        assert!(!cache.overlaps(at("apart")).unwrap());
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for name in ["above", "same", "inside", "apart", "home/data"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    let cache = Cache::open(at("home/cache"), IntegrityOnly).unwrap();
    cache.put(&key("a"), b"bytes").unwrap();
    let set_up = "cd $HOST_CACHE_TEST_OVERLAP && mount --bind home above && mount --bind home/cache same \
                  && mount --bind home/cache/v*/entries inside && mount --bind home/data apart";
    let Some(output) = run_in_namespace(set_up, "overlap::mounts_lead_there_too", CHILD, directory.path())
    else {
        return;
    };
    assert!(output.status.success(), "{}", said(&output));
}
