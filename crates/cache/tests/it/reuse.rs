//! What was compiled once is loaded the second time, and does the same.

use host_cache::{MissReason, Source};
use wasmtime::Engine;

use crate::support::Fixture;
use crate::support::guest::{ask_component, ask_module, component, module, modules};

#[test]
fn a_module_comes_from_disk_the_second_time() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    let modules_now = modules(&fixture, &engine);

    let first = modules_now.module(&module(42)).unwrap();
    assert_eq!(first.outcome.source, Source::Compiled);
    assert_eq!(first.outcome.miss, Some(MissReason::Absent));
    assert_eq!(ask_module(&engine, &first), 42);

    // Here, and after a restart.
    for modules in [&modules_now, &modules(&fixture, &Engine::default())] {
        let again = modules.module(&module(42)).unwrap();
        assert_eq!(again.outcome.source, Source::Disk);
        assert_eq!(again.outcome.miss, None);
        assert_eq!(again.outcome.compile_time, first.outcome.compile_time);
        assert_eq!(ask_module(modules.engine(), &again), 42);
    }
}

#[test]
fn a_component_comes_from_disk_the_second_time() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    for expected in [Source::Compiled, Source::Disk, Source::Disk] {
        let loaded = modules(&fixture, &engine).component(&component(42)).unwrap();
        assert_eq!(loaded.outcome.source, expected);
        assert_eq!(ask_component(&engine, &loaded), 42);
    }
}

#[test]
fn other_bytes_are_another_entry() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    for answer in [1, 2] {
        let loaded = modules(&fixture, &engine).module(&module(answer)).unwrap();
        assert_eq!(loaded.outcome.miss, Some(MissReason::Absent));
        assert_eq!(ask_module(&engine, &loaded), answer);
    }
    assert_eq!(fixture.files().len(), 2);
}

#[test]
fn another_generation_leaves_the_old_one_behind() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    let source = |generation: &str| {
        modules(&fixture, &engine).with_generation(generation).module(&module(1)).unwrap().outcome.source
    };
    assert_eq!(
        ["", "2", "2", ""].map(source),
        [Source::Compiled, Source::Compiled, Source::Disk, Source::Disk]
    );
}

/// The stored file is what the engine's own compiler puts out, and comes back from Wasmtime as such.
#[test]
fn what_is_stored_is_what_the_engine_compiles() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    modules(&fixture, &engine).module(&module(42)).unwrap();
    let stored = std::fs::read(fixture.file()).unwrap();
    let compiled = engine.precompile_module(&module(42)).unwrap();
    assert!(stored.starts_with(&compiled));
}

#[test]
fn a_cache_that_cannot_be_written_costs_only_time() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    let modules = modules(&fixture, &engine);
    std::fs::remove_dir_all(fixture.cache.root()).unwrap();
    std::fs::write(fixture.cache.root(), "a file now").unwrap();
    for _ in 0..2 {
        let loaded = modules.module(&module(42)).unwrap();
        assert_eq!(ask_module(&engine, &loaded), 42);
        assert_eq!(loaded.outcome.source, Source::Compiled);
        assert_eq!(loaded.outcome.publish_failure.as_ref().unwrap().step, "create");
    }
    assert_eq!(modules.cache().stats().publish_failures, 2);
}
