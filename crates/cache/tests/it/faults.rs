//! Processes that are killed at every step of their work, and steps that fail: the next one finds a cache that works.
//!
//! `strace` kills at the n-th call of a kind, or makes it fail, so that the code under test needs no hooks.

use std::path::Path;
use std::process::{Command, ExitStatus};

use host_cache::{Cache, HostKey, ModuleCache, Source};
use wasmtime::Engine;

use crate::support::can_trace;
use crate::support::guest::{ask_module, module};

/// Tells a child of these tests where to work, and that it is one.
pub(crate) const CHILD: &str = "HOST_CACHE_TEST_FAULTS";

pub(crate) fn open(root: &Path) -> Cache {
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
    run(root, "faults::a_process_may_be_killed_at_every_step", &["-e", injection]).0
}

/// A traced child of a test, and what it says.
pub(crate) fn run(root: &Path, test: &str, arguments: &[&str]) -> (ExitStatus, String) {
    let child = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null"])
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1"])
        .env(CHILD, root)
        .output()
        .unwrap();
    (child.status, String::from_utf8_lossy(&child.stdout).into_owned())
}

/// The cache works, and heals: what was there or not, the second load comes from disk.
pub(crate) fn works(root: &Path, what: &str) {
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
