//! How long does it take to load a directory of plugins, all of them different?

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use host_plugins::PluginHost;
use host_plugins::host_cache::{Cache, IntegrityOnly};
use wasmtime::component::Component;

use crate::{distinct, host, median, raw};

pub(crate) const NAME: &str = "load of 100 plugins";

const PLUGINS: usize = 100;
const ROUNDS: usize = 5;

pub(crate) fn table() -> String {
    let home = tempfile::tempdir().expect("a directory for a while");
    let plugins = home.path().join("plugins");
    fs::create_dir(&plugins).expect("it is empty");
    for (number, wasm) in distinct(PLUGINS).enumerate() {
        fs::write(plugins.join(format!("{number:03}.wasm")), wasm).expect("there is room");
    }
    let mut times = [const { Vec::new() }; 4];
    for round in 0..ROUNDS {
        let cache = home.path().join(format!("cache-{round}"));
        let [raw, cold, empty, warm] = &mut times;
        raw.push(by_hand(&plugins));
        cold.push(by_host(&plugins, None));
        empty.push(by_host(&plugins, Some(&cache)));
        warm.push(by_host(&plugins, Some(&cache)));
    }
    let base = median(times[0].clone()).as_secs_f64();
    let mut table = String::new();
    let _ = writeln!(table, "{NAME:<42} {:>9} {:>7}", "time", "ratio");
    let names = [
        "raw Wasmtime: one Component::new each",
        "PluginHost: no cache",
        "PluginHost: empty cache on disk",
        "PluginHost: all in the cache on disk",
    ];
    for (name, times) in names.into_iter().zip(times) {
        let time = median(times);
        let _ = writeln!(table, "  {name:<40} {time:>9.1?} {:>7.2}", time.as_secs_f64() / base);
    }
    table
}

fn by_hand(plugins: &Path) -> Duration {
    let engine = raw::engine(true);
    let begun = Instant::now();
    let mut components = Vec::new();
    for entry in fs::read_dir(plugins).expect("it is there") {
        let wasm = fs::read(entry.expect("it is there").path()).expect("it is a file");
        components.push(Component::new(&engine, wasm).expect("it is a component"));
    }
    assert_eq!(components.len(), PLUGINS);
    begun.elapsed()
}

/// With all that `load_directory` does: static limits, linking, and the cache if there is one.
fn by_host(plugins: &Path, cache: Option<&Path>) -> Duration {
    let cache = cache.map(|root| Cache::open(root, IntegrityOnly).expect("it is ours"));
    let host = PluginHost::new(host::policy(), cache).expect("the policy fits");
    let begun = Instant::now();
    let loaded = host.load_directory(plugins).expect("it is there");
    let time = begun.elapsed();
    assert_eq!(loaded.plugins.len(), PLUGINS, "{:?}", loaded.failed);
    time
}
