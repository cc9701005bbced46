//! Who waits for whom, and what that does not do: spread errors, count work as waiting, or make a file seem older.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use host_cache::{Cache, CompileError, Digest, HostKey, Input, ModuleCache, Source};
use wasmtime::Engine;

use crate::support::guest::{ask_module, module};
use crate::support::only;

/// A cache in which nothing is, and the lock of `module(7)` in it.
fn cache_and_lock(lock_wait: Duration) -> (tempfile::TempDir, ModuleCache, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let builder = Cache::builder(directory.path().join("cache"), HostKey::from_bytes([1; 32]));
    let modules = ModuleCache::new(builder.lock_wait(lock_wait).open().unwrap(), &Engine::default()).unwrap();
    modules.module(&module(7)).unwrap();
    let place = only(modules.cache().root());
    let entry = only(&place.join("entries"));
    fs::remove_file(&entry).unwrap();
    let lock = place.join("locks").join(entry.file_name().unwrap());
    (directory, modules, lock)
}

/// Takes the lock as another process does that compiles.
#[cfg(unix)]
fn hold(lock: &PathBuf) -> fs::File {
    let file = fs::File::create(lock).unwrap();
    file.lock().unwrap();
    file
}

/// What somebody else gives with a digest that is not theirs is their trouble.
#[cfg(target_os = "linux")]
#[test]
fn a_wrong_digest_fails_nobody_else() {
    let (_directory, modules, lock) = cache_and_lock(Duration::from_secs(600));
    let held = hold(&lock);
    let (good, bad) = (module(7), module(8));
    let digest = Digest::of(&good);
    std::thread::scope(|scope| {
        let liar = scope.spawn(|| modules.module(Input::with_digest(&bad, digest)));
        // Time for it to begin to wait, if it does.
        std::thread::sleep(Duration::from_millis(500));
        let honest = scope.spawn(|| modules.module(Input::with_digest(&good, digest)));
        std::thread::sleep(Duration::from_millis(500));
        drop(held);
        assert!(matches!(liar.join().unwrap(), Err(CompileError::WrongDigest { .. })));
        assert_eq!(ask_module(modules.engine(), &honest.join().unwrap().unwrap()), 7);
    });
}

/// A file that settles while it is compiled did so after it was read.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_was_young_when_it_was_read_is_not_noted() {
    let (directory, modules, lock) = cache_and_lock(Duration::from_secs(600));
    let held = hold(&lock);
    let file = directory.path().join("guest.wasm");
    fs::write(&file, module(7)).unwrap();
    std::thread::scope(|scope| {
        let loads = scope.spawn(|| modules.module_file(&file).unwrap());
        std::thread::sleep(Duration::from_secs(3));
        drop(held);
        assert_eq!(loads.join().unwrap().outcome.source, Source::Compiled);
    });
    assert!(!only(modules.cache().root()).join("inputs").exists());
    modules.module_file(&file).unwrap();
    assert!(only(modules.cache().root()).join("inputs").exists(), "nothing is ever noted here");
}

/// What somebody has published while this call waited in vain is not compiled again, lock or no lock.
#[cfg(target_os = "linux")]
#[test]
fn after_waiting_in_vain_the_disk_is_looked_at_again() {
    let (_directory, modules, lock) = cache_and_lock(Duration::from_secs(3));
    let _held = hold(&lock);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| modules.module(&module(7)).unwrap().outcome.source);
        std::thread::sleep(Duration::from_millis(500));
        let builder = Cache::builder(modules.cache().root(), HostKey::from_bytes([1; 32]));
        let other = builder.lock_wait(Duration::ZERO).open().unwrap();
        ModuleCache::new(other, modules.engine()).unwrap().module(&module(7)).unwrap();
        assert_eq!(waits.join().unwrap(), Source::Disk);
    });
    assert_eq!(modules.cache().stats().published, 1, "the one of the beginning");
}

/// Waiting ends when this call begins to compile by itself.
#[cfg(target_os = "linux")]
#[test]
fn what_it_takes_to_compile_is_no_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let builder = Cache::builder(directory.path().join("cache"), HostKey::from_bytes([1; 32]));
    let cache = builder.lock_wait(Duration::from_millis(10)).open().unwrap();
    let modules = ModuleCache::new(cache, &Engine::default()).unwrap();
    let wasm = crate::flights::slow_module();
    let barrier = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        let load = || {
            barrier.wait();
            let started = Instant::now();
            (modules.module(&wasm).unwrap().outcome, started.elapsed())
        };
        for (outcome, all) in [scope.spawn(load), scope.spawn(load)].map(|thread| thread.join().unwrap()) {
            // One after the other, so that the sum is no more than the whole.
            if outcome.source == Source::Compiled {
                let (waited, compiled) = (outcome.waited, outcome.compile_time);
                assert!(waited + compiled <= all, "waited {waited:?}, compiled {compiled:?}, in all {all:?}");
            }
        }
    });
}
