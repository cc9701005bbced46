//! What a hit costs in calls of the operating system, counted by `strace`: no clock is involved, so this can be a test.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use host_cache::{Cache, IntegrityOnly, ModuleCache, Source};
use wasmtime::Engine;

use crate::support::can_trace;
use crate::support::guest::module;

/// The most that a hit of a mapped entry may take whose stamp is good.
const MOST: usize = 15;

/// Tells a child of this test which cache to use, and that it is one.
const CHILD: &str = "HOST_CACHE_TEST_SYSCALLS";

#[expect(unsafe_code, reason = "a mapped cache takes a promise")]
fn modules(root: &Path, engine: &Engine) -> ModuleCache {
    // SAFETY: the directory is the test's own, and nothing changes it meanwhile.
    let cache = unsafe { Cache::builder(root, IntegrityOnly).open_mapped() }.unwrap();
    ModuleCache::new(cache, engine).unwrap()
}

/// Loads twice, since the first time the process learns things that it remembers, and marks the second.
fn child(root: &Path) {
    let (engine, wasm) = (Engine::default(), module(7));
    let modules = modules(root, &engine);
    assert_eq!(modules.module(&wasm).unwrap().outcome.source, Source::Disk);
    let mark = |name: &str| assert!(fs::metadata(format!("/{name}-mark")).is_err());
    mark("first");
    let loaded = modules.module(&wasm);
    mark("second");
    assert_eq!(loaded.unwrap().outcome.source, Source::Disk);
}

#[test]
fn a_mapped_hit_is_within_its_budget() {
    if let Some(root) = std::env::var_os(CHILD) {
        return child(Path::new(&root));
    }
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let engine = Engine::default();
    modules(&root, &engine).module(&module(7)).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    // This writes the stamp.
    modules(&root, &engine).module(&module(7)).unwrap();

    let log = directory.path().join("log");
    let traced = Command::new("strace")
        .args(["-f", "-o"])
        .arg(&log)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "syscalls::a_mapped_hit_is_within_its_budget", "--test-threads=1"])
        .env(CHILD, &root)
        .output()
        .unwrap();
    assert!(traced.status.success(), "{}", String::from_utf8_lossy(&traced.stdout));
    let log = fs::read_to_string(log).unwrap();
    let hit = log.split("/first-mark").nth(1).and_then(|rest| rest.split("/second-mark").next()).unwrap();
    // The rest of the first mark's line, and the beginning of the second's.
    let calls: Vec<_> = hit.lines().skip(1).collect();
    let calls = &calls[..calls.len() - 1];
    assert!(!calls.is_empty() && calls.len() <= MOST, "{} calls:\n{}", calls.len(), calls.join("\n"));
}
