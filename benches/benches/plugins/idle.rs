//! How much memory does a plugin take that is loaded and not called? Measured in processes of their own.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use host_plugins::PluginHost;
use host_plugins::host_cache::{Cache, IntegrityOnly, ModuleCache};
use wasmtime::component::Linker;

use crate::{distinct, host, raw};

pub(crate) const NAME: &str = "memory of an idle plugin";

const PLUGINS: usize = 1_000;
/// Tells a process of ours what to load and from where; then it says what that took, and does nothing else.
const ASKED: &str = "WASM_HOST_BENCH_IDLE";

const KINDS: [(&str, &str); 2] = [
    ("by-hand", "raw Wasmtime: the same cache by hand"),
    ("by-host", "PluginHost: from the cache on disk"),
];

pub(crate) fn table() -> String {
    let home = tempfile::tempdir().expect("a directory for a while");
    for kind in KINDS {
        let _ = measure(kind.0, home.path());
    }
    let mut table = String::new();
    let _ = writeln!(table, "{NAME:<42} {:>9} {:>9}", "resident", "ratio");
    let mut base = None;
    for (kind, name) in KINDS {
        let kilobytes = measure(kind, home.path()) / PLUGINS as f64;
        let ratio = kilobytes / *base.get_or_insert(kilobytes);
        let _ = writeln!(table, "  {name:<40} {kilobytes:>5.1} KiB {ratio:>9.2}");
    }
    table
}

/// What a process of its own took for all plugins, in KiB. The first one of a kind finds nothing compiled.
fn measure(kind: &str, home: &Path) -> f64 {
    let program = env::current_exe().expect("this program has a file");
    let output = Command::new(program)
        .env(ASKED, kind)
        .arg(home.join(kind))
        .output()
        .expect("this program runs again");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("it is a number");
    text.trim().parse().unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

pub(crate) fn is_asked() -> bool {
    env::var_os(ASKED).is_some()
}

pub(crate) fn answer() {
    let kind = env::var(ASKED).expect("it was asked");
    let home = PathBuf::from(env::args_os().nth(1).expect("where to find what is compiled"));
    fs::create_dir_all(&home).expect("it can be made");
    match kind.as_str() {
        "by-hand" => by_hand(&home),
        "by-host" => by_host(&home),
        other => panic!("`{other}` is nothing to load"),
    }
}

fn by_hand(home: &Path) {
    let engine = raw::engine(true);
    let linker = Linker::<()>::new(&engine);
    let cache = Cache::open(home.join("cache"), IntegrityOnly).expect("it is ours");
    let cache = ModuleCache::new(cache, &engine).expect("the engine can be cached");
    let mut plugins = Vec::with_capacity(PLUGINS);
    let before = resident();
    for wasm in distinct(PLUGINS) {
        let component = cache.component(&wasm[..]).expect("it is a component").value;
        plugins.push(linker.instantiate_pre(&component).expect("it imports nothing"));
    }
    report(before);
}

fn by_host(home: &Path) {
    let cache = Cache::open(home.join("cache"), IntegrityOnly).expect("it is ours");
    let host = PluginHost::new(host::policy(), Some(cache)).expect("the policy fits");
    let before = resident();
    for (number, wasm) in distinct(PLUGINS).enumerate() {
        host.load_bytes(&number.to_string(), &wasm).expect("it is a plugin");
    }
    report(before);
}

#[expect(clippy::print_stdout, reason = "the process that asks reads it")]
fn report(before: u64) {
    println!("{}", resident().saturating_sub(before));
}

/// The resident memory of this process that is not shared with others, and its share of what is; in KiB.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/smaps_rollup").expect("this is Linux");
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).expect("the kernel tells it");
    line.trim().trim_end_matches("kB").trim().parse().expect("it is a number")
}
