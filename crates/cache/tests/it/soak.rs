//! Many processes on one small cache, killed at any moment, for as long as there is patience.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use host_cache::{Cache, HostKey, ModuleCache, Source};
use wasmtime::Engine;

use crate::support::guest::{ask_module, module};

/// Tells a child of this test which cache to use, and that it is one.
const CHILD: &str = "HOST_CACHE_TEST_SOAK";

const PROCESSES: u64 = 8;
const MODULES: u64 = 64;

/// The bound of the cache: that of a quarter of the modules, an entry being of four blocks or more.
const MOST: u64 = 256 << 10;

fn open(root: &Path) -> Cache {
    let key = HostKey::open(root.with_extension("key")).unwrap();
    Cache::builder(root, key).max_bytes(MOST).min_free_bytes(0).open().unwrap()
}

/// What a child does until it is killed: loads modules in any order. That a collection of its own has removed something, it notes in
/// a file.
fn child(root: &Path) {
    let engine = Engine::default();
    let mut seed = std::env::var("HOST_CACHE_TEST_SEED").unwrap().parse().unwrap();
    let modules = ModuleCache::new(open(root), &engine).unwrap();
    let parent = std::os::unix::process::parent_id();
    // Not for ever, should the test be killed.
    while std::os::unix::process::parent_id() == parent {
        let answer = (next(&mut seed) % MODULES) as i32;
        assert_eq!(ask_module(&engine, &modules.module(&module(answer)).unwrap()), answer);
        if modules.cache().stats().evicted > 0 {
            fs::write(root.with_extension("evicted"), "").unwrap();
        }
    }
}

/// Ends with the test, also if that fails.
struct Soaking(Child);

impl Drop for Soaking {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(root: &Path, seed: u64) -> Soaking {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "soak::many_processes_with_random_kills_leave_a_clean_cache", "--test-threads=1"])
        .env(CHILD, root)
        .env("HOST_CACHE_TEST_SEED", seed.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Soaking(child.unwrap())
}

/// A generator of numbers that is good enough to choose victims: SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// How long it takes: what `HOST_CACHE_SOAK_SECONDS` says, or a minute where `CI` is `true`, or some seconds.
fn duration() -> Duration {
    let said = std::env::var("HOST_CACHE_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    let default = if std::env::var("CI").as_deref() == Ok("true") { 60 } else { 5 };
    Duration::from_secs(said.unwrap_or(default))
}

/// Eight processes load 64 modules, four times as many as there is room for.
#[test]
fn many_processes_with_random_kills_leave_a_clean_cache() {
    if let Some(root) = std::env::var_os(CHILD) {
        return child(Path::new(&root));
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let has_evicted = || root.with_extension("evicted").exists();
    let mut seed = 1;
    let mut children: Vec<_> = (0..PROCESSES).map(|number| start(&root, number)).collect();
    let (started, duration) = (Instant::now(), duration());
    let mut killed = 0;
    while started.elapsed() < duration || !has_evicted() {
        assert!(started.elapsed() < duration + Duration::from_secs(120), "nothing is ever evicted");
        std::thread::sleep(Duration::from_millis(next(&mut seed) % 50));
        let victim = (next(&mut seed) % PROCESSES) as usize;
        // One that ended by itself has found a wrong answer.
        assert_eq!(children[victim].0.try_wait().unwrap(), None, "a child failed");
        killed += 1;
        children[victim] = start(&root, next(&mut seed));
    }
    drop(children);
    assert!(killed > 0);
    let cache = open(&root);
    let report = cache.verify().unwrap();
    assert!(report.good > 0 && report.bad.total() == 0, "{report:?}");
    let used = cache.disk_usage().unwrap();
    assert_eq!(used.quarantined, 0);
    // The bound, what each process may write between two looks at it, and two entries in the making each: one of the process, and one
    // that its killed forerunner had just finished.
    let entry = used.bytes / used.entries;
    assert!(used.bytes <= MOST + PROCESSES * (MOST / 16 + 2 * entry), "{used:?}");

    // It still works, and a collection brings it within its bound.
    assert!(cache.gc().unwrap().bytes <= MOST);
    let engine = Engine::default();
    let modules = ModuleCache::new(cache, &engine).unwrap();
    assert_eq!(ask_module(&engine, &modules.module(&module(7)).unwrap()), 7);
    let again = modules.module(&module(7)).unwrap();
    assert_eq!((again.outcome.source, ask_module(&engine, &again)), (Source::Disk, 7));
    assert_eq!(modules.cache().stats().misses.unhealthy(), 0);
}
