//! What a hit costs in calls of the operating system, counted by `strace`: no clock is involved, so this can be a test.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use host_cache::{Cache, Digest, HostKey, Input, IntegrityOnly, ModuleCache, Source, Trust};
use wasmtime::Engine;

use crate::support::can_trace;
use crate::support::guest::module;

/// The most that a hit of a mapped entry may take whose stamp is good, the first of its process.
const MOST: usize = 15;

/// The most that it may take with the input as a file that did not change: that is looked at, opened, and found by its memo.
const MOST_OF_A_FILE: usize = MOST + 8;

/// Tells a child of this test which cache to use, and that it is one.
const CHILD: &str = "HOST_CACHE_TEST_SYSCALLS";

#[expect(unsafe_code, reason = "a mapped cache takes a promise")]
fn modules(root: &Path) -> ModuleCache {
    let trust: Trust =
        if root.ends_with("keyed") { HostKey::from_bytes([1; 32]).into() } else { IntegrityOnly.into() };
    // SAFETY: the directory is the test's own, and nothing changes it meanwhile.
    let cache = unsafe { Cache::builder(root, trust).open_mapped() }.unwrap();
    ModuleCache::new(cache, &Engine::default()).unwrap()
}

/// Loads once, as a process does that has just begun, and then a file, and marks the calls of each.
fn child(root: &Path) {
    let wasm = module(7);
    let file = root.with_file_name("guest.wasm");
    // Each with a cache that has just been opened.
    let (for_bytes, for_file) = (modules(root), modules(root));
    let input = Input::with_digest(&wasm, Digest::of(&wasm));
    let mark = |name: &str| assert!(fs::metadata(format!("/{name}-mark")).is_err());
    mark("first");
    let loaded = for_bytes.module(input);
    mark("second");
    let loaded_file = for_file.module_file(&file);
    mark("third");
    assert_eq!(loaded.unwrap().outcome.source, Source::Disk);
    assert_eq!(loaded_file.unwrap().outcome.source, Source::Disk);
    assert_eq!(for_bytes.cache().stats().bytes_hashed, 0);
    assert_eq!(for_file.cache().stats().input_bytes_hashed, 0);
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
    let roots = ["keyed", "plain"].map(|name| directory.path().join(name));
    let file = directory.path().join("guest.wasm");
    fs::write(&file, module(7)).unwrap();
    for root in &roots {
        modules(root).module(&module(7)).unwrap();
    }
    std::thread::sleep(Duration::from_secs(3));
    for root in &roots {
        // This writes the stamp and the memo.
        modules(root).module_file(&file).unwrap();

        let log = directory.path().join("log");
        let traced = Command::new("strace")
            .args(["-f", "-o"])
            .arg(&log)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "syscalls::a_mapped_hit_is_within_its_budget", "--test-threads=1"])
            .env(CHILD, root)
            .output()
            .unwrap();
        assert!(traced.status.success(), "{}", String::from_utf8_lossy(&traced.stdout));
        let log = fs::read_to_string(log).unwrap();
        for (from, to, most) in [("first", "second", MOST), ("second", "third", MOST_OF_A_FILE)] {
            let (_, rest) = log.split_once(&format!("/{from}-mark")).unwrap();
            let (hit, _) = rest.split_once(&format!("/{to}-mark")).unwrap();
            // The rest of the first mark's line, and the beginning of the second's.
            let calls: Vec<_> = hit.lines().skip(1).collect();
            let calls: Vec<_> = calls[..calls.len() - 1].iter().filter(|call| !is_debug(call)).collect();
            assert!(!calls.is_empty() && calls.len() <= most, "{} calls:\n{calls:#?}", calls.len());
        }
    }
}

/// Before it closes a file, a standard library that was built for debugging asks whether it is open.
fn is_debug(call: &str) -> bool {
    cfg!(debug_assertions) && call.contains("F_GETFD")
}
