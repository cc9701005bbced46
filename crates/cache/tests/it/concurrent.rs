//! Many at once on one directory.

use std::thread;

use crate::support::{Fixture, key};

const THREADS: usize = 8;

#[test]
fn all_readers_and_writers_of_one_key_see_whole_bytes() {
    let fixture = Fixture::new();
    let bytes = vec![3; 200_000];
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                // As if each were a process of its own.
                let cache = fixture.reopened();
                for _ in 0..20 {
                    if let Some(artifact) = cache.get(&key("a")).hit() {
                        assert_eq!(artifact.bytes(), bytes);
                    }
                    cache.put(&key("a"), &bytes).unwrap();
                }
                assert_eq!(cache.stats().misses.unhealthy(), 0);
            });
        }
    });
    // One entry, and no temporary files.
    fixture.file();
}

#[test]
fn writers_of_different_bytes_under_one_key_do_not_mix() {
    let fixture = Fixture::new();
    thread::scope(|scope| {
        for byte in 0..THREADS as u8 {
            let cache = fixture.reopened();
            scope.spawn(move || cache.put(&key("a"), &vec![byte; 100_000]).unwrap());
        }
    });
    let artifact = fixture.cache.get(&key("a")).hit().unwrap();
    assert!(artifact.bytes().iter().all(|byte| *byte == artifact.bytes()[0]));
    fixture.file();
}

#[cfg(feature = "wasmtime")]
#[test]
fn all_threads_get_a_module_that_works() {
    use crate::support::guest::{ask_module, module, modules};

    let (fixture, engine) = (Fixture::new(), wasmtime::Engine::default());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let loaded = modules(&fixture, &engine).module(&module(42)).unwrap();
                assert_eq!(ask_module(&engine, &loaded), 42);
                assert!(loaded.outcome.publish_failure.is_none());
            });
        }
    });
    fixture.file();
}
