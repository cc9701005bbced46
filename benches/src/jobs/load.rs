//! How long does it take to load a directory of plugins, all of them different?

use std::fs;
use std::path::Path;
use std::time::Instant;

use host_plugins::PluginHost;
use host_plugins::host_cache::{Cache, IntegrityOnly};
use tempfile::TempDir;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::Job;
use crate::compare::Comparison;
use crate::guests;
use crate::rivals::{extism, host, raw};

const PLUGINS: usize = 100;

pub(super) fn jobs() -> Vec<Job> {
    let does = "A directory of 100 components is read, compiled and made ready to be called. They are of 11 KB each and differ in one \
                section. Extism has its own plug-ins for the same job.";
    vec![Job::new("load of 100 plugins", does, compare).share(2.0)]
}

fn compare() -> Comparison {
    let mut comparison = Comparison::of_times().at_most(20);
    let home = directory("component-echo");
    comparison.sample("raw Wasmtime: one Component::new each", move || {
        let engine = raw::engine(true);
        seconds(|| by_hand(&engine, home.path()))
    });
    let home = directory("component-echo");
    let cache = raw::its_own_cache(&home.path().join("cache"));
    comparison.sample("raw Wasmtime with its own cache, filled", move || {
        let mut config = wasmtime::Config::new();
        let engine = Engine::new(config.cache(Some(cache.clone()))).expect("the settings fit together");
        seconds(|| by_hand(&engine, home.path()))
    });
    let home = directory("component-echo");
    comparison.sample("PluginHost: no cache", move || by_host(home.path(), None));
    let home = directory("component-echo");
    comparison.sample("PluginHost: empty cache on disk", move || {
        let cache = tempfile::tempdir().expect("a directory for a while");
        by_host(home.path(), Some(cache.path()))
    });
    let home = directory("component-echo");
    let cache = tempfile::tempdir().expect("a directory for a while");
    // The first sample, which is not counted, fills it.
    comparison
        .sample("PluginHost: all in the cache on disk", move || by_host(home.path(), Some(cache.path())));
    let home = directory("extism-echo");
    comparison.sample("Extism: one CompiledPlugin::new each", move || {
        seconds(|| {
            let compiled =
                files(home.path()).map(|wasm| extism::builder(wasm).compile().expect("it is a plug-in"));
            assert_eq!(compiled.collect::<Vec<_>>().len(), PLUGINS);
        })
    });
    comparison
}

const FOLDER: &str = "plugins";

/// A folder with a folder of plugins.
fn directory(guest: &str) -> TempDir {
    let home = tempfile::tempdir().expect("a directory for a while");
    let plugins = home.path().join(FOLDER);
    fs::create_dir(&plugins).expect("it is empty");
    for (number, wasm) in guests::distinct(guest, PLUGINS).enumerate() {
        fs::write(plugins.join(format!("{number:03}.wasm")), wasm).expect("there is room");
    }
    home
}

fn files(home: &Path) -> impl Iterator<Item = Vec<u8>> {
    let entries = fs::read_dir(home.join(FOLDER)).expect("it is there");
    entries.map(|entry| fs::read(entry.expect("it is there").path()).expect("it is a file"))
}

fn by_hand(engine: &Engine, home: &Path) {
    let components: Vec<_> =
        files(home).map(|wasm| Component::new(engine, wasm).expect("it is a component")).collect();
    assert_eq!(components.len(), PLUGINS);
}

/// With all that `load_directory` does: static limits, linking, and the cache if there is one.
fn by_host(home: &Path, cache: Option<&Path>) -> f64 {
    let cache = cache.map(|root| Cache::open(root, IntegrityOnly).expect("it is ours"));
    let host = PluginHost::new(host::policy(), cache).expect("the policy fits");
    seconds(|| {
        let loaded = host.load_directory(home.join(FOLDER)).expect("it is there");
        assert_eq!(loaded.plugins.len(), PLUGINS, "{:?}", loaded.failed);
    })
}

fn seconds(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}
