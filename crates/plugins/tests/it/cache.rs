//! The second start finds its code in the cache; a damaged entry is compiled again.

use std::fs;
use std::path::Path;

use host_plugins::host_cache::{Cache, IntegrityOnly};
use host_plugins::host_wasi::Access;
use host_plugins::{CacheGrantError, CallError, Origin, PluginHost, SetupError, StoreError};

use crate::{limits, ok, policy, string};

/// Loads `greeter` in a fresh host on the cache in `root`, calls it, and says where its code came from.
async fn start(root: &Path, limits: host_plugins::host_limits::Limits) -> Origin {
    let host = PluginHost::new(policy(limits), Some(Cache::open(root, IntegrityOnly).unwrap())).unwrap();
    let plugin = host.load_file(fixtures::path("plugins/greeter")).unwrap();
    assert_eq!(plugin.loading.publish_failure, None);
    let outcome = host.call("greeter", "process", &[string("Ada")]).await.unwrap();
    assert_eq!(outcome.value, [ok("Hello, Ada!")]);
    plugin.loading.origin
}

/// What a guest writes there would be run as native code by the next start.
#[tokio::test]
async fn a_directory_that_reaches_the_cache_is_not_granted() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    fs::create_dir_all(home.join("data")).unwrap();
    let cache = || Cache::open(home.join("cache"), IntegrityOnly).unwrap();
    let policy = |granted: &Path| {
        let mut policy = policy(limits());
        policy.grants = std::mem::take(&mut policy.grants).directory(granted, "d", Access::ReadOnly);
        policy
    };
    for granted in [directory.path(), &home, &home.join("cache")] {
        let error = PluginHost::new(policy(granted), Some(cache())).err().unwrap();
        assert!(matches!(error, SetupError::CacheGrant(CacheGrantError::Reached { .. })), "{error}");
        assert!(error.to_string().contains("keep cache and key elsewhere"), "{error}");
        PluginHost::new(policy(granted), None).unwrap();
    }
    let host = PluginHost::new(policy(&home.join("data")), Some(cache())).unwrap();
    host.load_file(fixtures::path("plugins/greeter")).unwrap();
    host.call("greeter", "process", &[string("Ada")]).await.unwrap();

    // A link that is turned round later is seen by the next call.
    #[cfg(unix)]
    {
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(home.join("data"), &link).unwrap();
        let host = PluginHost::new(policy(&link), Some(cache())).unwrap();
        host.load_file(fixtures::path("plugins/greeter")).unwrap();
        host.call("greeter", "process", &[string("Ada")]).await.unwrap();
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&home, &link).unwrap();
        let error = host.call("greeter", "process", &[string("Ada")]).await.unwrap_err();
        let is_refused =
            matches!(error, CallError::Store(StoreError::CacheGrant(CacheGrantError::Reached { .. })));
        assert!(is_refused, "{error}");
    }
}

/// The files below `directory`.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn compiled_once_then_cached_and_healed_when_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    assert_eq!(start(&root, limits()).await, Origin::Compiled);
    assert_eq!(start(&root, limits()).await, Origin::Cached);

    let entry = files(&root).into_iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let mut bytes = fs::read(&entry).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&entry).unwrap();
    fs::write(&entry, bytes).unwrap();
    assert_eq!(start(&root, limits()).await, Origin::Compiled);
    assert_eq!(start(&root, limits()).await, Origin::Cached);
}

#[tokio::test]
async fn code_for_other_limits_is_other_code_where_the_engine_differs() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let unmetered = host_plugins::host_limits::Limits { fuel: None, ..limits() };
    assert_eq!(start(&root, limits()).await, Origin::Compiled);
    // An engine that meters no fuel compiles other code: code that meters must not be taken for it, nor the reverse.
    assert_eq!(start(&root, unmetered).await, Origin::Compiled);
    assert_eq!(start(&root, limits()).await, Origin::Cached);
}
