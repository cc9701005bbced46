//! Processes that are killed at every step of their work, and steps that fail: the next one finds a cache that works.
//!
//! `strace` kills at the n-th call of a kind, or makes it fail, so that the code under test needs no hooks.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use host_cache::{Cache, Durability, HostKey, ModuleCache, Source};
use wasmtime::Engine;

use crate::support::guest::{ask_module, module};
use crate::support::{can_trace, key, only};

/// Tells a child of these tests where to work, and that it is one.
const CHILD: &str = "HOST_CACHE_TEST_FAULTS";

fn open(root: &Path) -> Cache {
    // Small bounds, so that collections happen too.
    let key = HostKey::open(root.with_extension("key")).unwrap();
    Cache::builder(root, key).max_bytes(1 << 20).min_free_bytes(0).open().unwrap()
}

/// What a child does: loads a module, and another time what it has just made.
fn child(root: &Path) {
    let engine = Engine::default();
    let modules = ModuleCache::new(open(root), &engine).unwrap();
    for _ in 0..2 {
        assert_eq!(ask_module(&engine, &modules.module(&module(7)).unwrap()), 7);
    }
}

/// A traced child of the first test, with `injection` done to it.
fn run_child(root: &Path, injection: &str) -> ExitStatus {
    run(root, "a_process_may_be_killed_at_every_step", &["-e", injection]).0
}

/// A traced child of a test, and what it says.
fn run(root: &Path, test: &str, arguments: &[&str]) -> (ExitStatus, String) {
    let child = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null"])
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("faults::{test}"), "--test-threads=1"])
        .env(CHILD, root)
        .output()
        .unwrap();
    (child.status, String::from_utf8_lossy(&child.stdout).into_owned())
}

/// The cache works, and heals: what was there or not, the second load comes from disk.
fn works(root: &Path, what: &str) {
    let engine = Engine::default();
    let modules = ModuleCache::new(open(root), &engine).unwrap();
    assert_eq!(ask_module(&engine, &modules.module(&module(7)).unwrap()), 7, "{what}");
    let again = modules.module(&module(7)).unwrap();
    assert_eq!((again.outcome.source, ask_module(&engine, &again)), (Source::Disk, 7), "{what}");
    assert_eq!(modules.cache().stats().misses.unhealthy(), 0, "{what}");
    assert_eq!(modules.cache().verify().unwrap().bad.total(), 0, "{what}");
}

#[test]
fn a_process_may_be_killed_at_every_step() {
    if let Some(root) = std::env::var_os(CHILD) {
        return child(Path::new(&root));
    }
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut killed = Vec::new();
    for (call, most) in [
        ("mkdir", 10),
        ("fallocate", 3),
        ("fchmod", 3),
        ("fdatasync", 3),
        ("linkat,rename,renameat2,renameat", 5),
        ("flock", 5),
        ("unlink", 5),
        ("write", 8),
        ("fsync", 3),
    ] {
        for number in 1..=most {
            let root = directory.path().join(format!("{}-{number}", &call[..5]));
            let injection = format!("inject={call}:signal=SIGKILL:when={number}");
            let status = run_child(&root, &injection);
            works(&root, &injection);
            let beside = std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name());
            let left: Vec<_> = beside.filter(|name| name.to_string_lossy().starts_with('.')).collect();
            assert!(left.is_empty(), "left of the making of a key by {injection}: {left:?}");
            if status.success() {
                break;
            }
            killed.push(injection);
        }
    }
    // Making the key, making directories, and each step of writing an entry.
    assert!(killed.len() >= 10, "{killed:#?}");
}

#[test]
fn a_step_that_fails_costs_time_and_nothing_else() {
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for call in ["fallocate", "fchmod", "fdatasync", "linkat,renameat2", "flock", "memfd_create", "statx"] {
        for error in ["ENOSPC", "EIO", "EACCES", "EDQUOT", "ENOLCK", "ENOSYS"] {
            // The standard library needs one that works, or none at all.
            if call == "statx" && error != "ENOSYS" {
                continue;
            }
            let root = directory.path().join(format!("{}-{error}", &call[..5]));
            // Without a key there is no cache: it is made with the same calls, and here before them.
            open(&root);
            let injection = format!("inject={call}:error={error}");
            let status = run_child(&root, &injection);
            assert!(status.success(), "{injection}");
            works(&root, &injection);
        }
    }
}

/// What a child does that meets an entry it cannot read: it compiles, and leaves the entry where it is.
fn child_with_an_entry(root: &Path) {
    let (engine, key) = (Engine::default(), HostKey::open(root.with_extension("key")).unwrap());
    #[expect(unsafe_code, reason = "a mapped cache takes a promise")]
    // SAFETY: the directory is the test's own, and nothing is changed in place.
    let cache = unsafe { Cache::builder(root, key).open_mapped() }.unwrap();
    let modules = ModuleCache::new(cache, &engine).unwrap();
    assert_eq!(ask_module(&engine, &modules.module(&module(7)).unwrap()), 7);
    let stats = modules.cache().stats();
    assert!(stats.misses.io > 0, "{stats:?}");
    assert_eq!((stats.misses.io, stats.quarantined), (stats.misses.total(), 0), "{stats:?}");
}

/// Trouble with the machine is not the fault of the entry.
#[test]
fn an_entry_that_cannot_be_read_is_left_alone() {
    if let Some(root) = std::env::var_os(CHILD) {
        return child_with_an_entry(Path::new(&root));
    }
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (call, error) in [
        ("openat", "EMFILE"),
        ("openat", "ENFILE"),
        ("openat", "EACCES"),
        ("pread64", "EIO"),
        ("mmap", "ENOMEM"),
    ] {
        let root = directory.path().join(format!("{call}-{error}"));
        works(&root, "at first");
        let entry = only(&only(&root).join("entries"));
        let injection = ["-P", entry.to_str().unwrap(), "-e", &format!("inject={call}:error={error}")];
        let (status, said) = run(&root, "an_entry_that_cannot_be_read_is_left_alone", &injection);
        assert!(status.success(), "{call} {error}: {said}");
        works(&root, call);
    }
}

/// What a child does to have an old entry stamped: it maps it.
fn child_that_maps(root: &Path) {
    let key = HostKey::open(root.with_extension("key")).unwrap();
    #[expect(unsafe_code, reason = "a mapped cache takes a promise")]
    // SAFETY: the directory is the test's own, and nothing is changed in place.
    let cache = unsafe { Cache::builder(root, key).open_mapped() }.unwrap();
    let loaded = ModuleCache::new(cache, &Engine::default()).unwrap().module(&module(7)).unwrap();
    assert_eq!(loaded.outcome.source, Source::Disk);
}

/// What the disk has not taken yet may turn out to be something else later, in the same boot.
#[test]
fn what_cannot_be_synced_is_not_stamped() {
    if let Some(root) = std::env::var_os(CHILD) {
        return child_that_maps(Path::new(&root));
    }
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let roots = [("EIO", 0), ("none", 104)].map(|(error, length)| (directory.path().join(error), length));
    for (root, _) in &roots {
        works(root, "at first");
    }
    std::thread::sleep(Duration::from_secs(3));
    for (root, length) in &roots {
        let injection = ["-e", "inject=fdatasync:error=EIO"];
        let injection = if *length == 0 { &injection[..] } else { &[] };
        let (status, said) = run(root, "what_cannot_be_synced_is_not_stamped", injection);
        assert!(status.success(), "{said}");
        let stamp = only(&only(root).join("stamps"));
        assert_eq!(std::fs::metadata(stamp).unwrap().len(), *length);
    }
}

/// What a child does that meets a full disk: it writes something, and something else.
fn child_that_writes(root: &Path) {
    let cache = open(root);
    for name in ["old", "new"] {
        cache.put(&key(name), name.as_bytes()).unwrap();
    }
    assert_eq!((cache.stats().published, cache.stats().evicted), (2, 1));
    assert!(cache.get(&key("new")).hit().is_some() && cache.get(&key("old")).miss().is_some());
}

/// Also within the bounds, and also where the disk is full for this user alone.
#[test]
fn a_full_disk_makes_the_oldest_go() {
    if let Some(root) = std::env::var_os(CHILD) {
        return child_that_writes(Path::new(&root));
    }
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for error in ["ENOSPC", "EDQUOT"] {
        let root = directory.path().join(error);
        open(&root);
        let (status, said) = run(
            &root,
            "a_full_disk_makes_the_oldest_go",
            &["-e", &format!("inject=fallocate:error={error}:when=2")],
        );
        assert!(status.success(), "{error}: {said}");
    }
}

/// What a child does to have its calls counted: it writes one entry, in the way that it is told.
fn child_with_durability(root: &Path) {
    let durability = match root.file_name().unwrap().to_str().unwrap() {
        "None" => Durability::None,
        "Data" => Durability::Data,
        _ => Durability::Full,
    };
    let key = HostKey::from_bytes([1; 32]);
    Cache::builder(root, key)
        .durability(durability)
        .open()
        .unwrap()
        .put(&crate::support::key("a"), b"x")
        .unwrap();
}

#[test]
fn an_entry_is_reserved_and_synced_as_it_was_asked_for() {
    if let Some(root) = std::env::var_os(CHILD) {
        return child_with_durability(Path::new(&root));
    }
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    // With four directories: that of the entries, and those that were made for it.
    for (name, data, all) in [("None", 0, 0), ("Data", 1, 0), ("Full", 1, 4)] {
        let root = directory.path().join(name);
        let log = directory.path().join(format!("{name}.log"));
        let to_log = ["-o", log.to_str().unwrap(), "-e", "trace=fdatasync,fsync,fallocate"];
        let (status, said) = run(&root, "an_entry_is_reserved_and_synced_as_it_was_asked_for", &to_log);
        assert!(status.success(), "{name}: {said}");
        let log = std::fs::read_to_string(log).unwrap();
        let calls = |call: &str| log.lines().filter(|line| line.contains(&format!(" {call}("))).count();
        assert_eq!(
            (calls("fallocate"), calls("fdatasync"), calls("fsync")),
            (1, data, all),
            "{name}:\n{log}"
        );
    }
}

fn start_soaking(root: &Path, seed: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::many_processes_with_random_kills_leave_a_clean_cache", "--test-threads=1"])
        .env(CHILD, root)
        .env("HOST_CACHE_TEST_SEED", seed.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A generator of numbers that is good enough to choose victims: SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Eight processes load 64 modules in any order, and are killed at any time. `HOST_CACHE_SOAK_SECONDS` makes it longer.
#[test]
fn many_processes_with_random_kills_leave_a_clean_cache() {
    if let Some(root) = std::env::var_os(CHILD) {
        let engine = Engine::default();
        let mut seed = std::env::var("HOST_CACHE_TEST_SEED").unwrap().parse().unwrap();
        let modules = ModuleCache::new(open(Path::new(&root)), &engine).unwrap();
        loop {
            let answer = (next(&mut seed) % 64) as i32;
            assert_eq!(ask_module(&engine, &modules.module(&module(answer)).unwrap()), answer);
        }
    }
    let seconds =
        std::env::var("HOST_CACHE_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let mut seed = 1;
    let mut children: Vec<_> = (0..8).map(|number| start_soaking(&root, number)).collect();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut killed = 0;
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(next(&mut seed) % 50));
        let victim = (next(&mut seed) % 8) as usize;
        // One that ended by itself has found a wrong answer.
        assert_eq!(children[victim].try_wait().unwrap(), None, "a child failed");
        children[victim].kill().unwrap();
        children[victim].wait().unwrap();
        killed += 1;
        children[victim] = start_soaking(&root, next(&mut seed));
    }
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 0);
    let cache = open(&root);
    let report = cache.verify().unwrap();
    assert!(report.good > 0 && report.bad.total() == 0, "{report:?}");
    let used = cache.disk_usage().unwrap();
    assert_eq!(used.quarantined, 0);
    // The bound, what each process may write between two looks at it, and an entry in the making each.
    assert!(used.bytes <= (1 << 20) * 3 / 2 + 8 * (64 << 10), "{used:?}");
    works(&root, "after the soak");
}
