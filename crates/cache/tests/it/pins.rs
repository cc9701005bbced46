//! Code that is pinned stays, on disk and in memory, whatever else is compiled.

use host_cache::{
    Cache, CompileError, Digest, Input, IntegrityOnly, Kind, Lookup, MissReason, ModuleCache, Source,
};
use wasmtime::Engine;

use crate::support::Fixture;
use crate::support::guest::{ask_module, component, module, modules};

/// Modules that may keep one entry on disk.
fn narrow(fixture: &Fixture, engine: &Engine) -> ModuleCache {
    let cache = Cache::builder(fixture.cache.root(), IntegrityOnly).max_entries(1).min_free_bytes(0);
    ModuleCache::new(cache.open().unwrap(), engine).unwrap()
}

#[test]
fn pinned_code_stays_on_disk() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    let modules = narrow(&fixture, &engine);
    let pins = [modules.pin(&module(1)).unwrap(), modules.pin(&component(2)).unwrap()];
    modules.module(&module(1)).unwrap();
    modules.component(&component(2)).unwrap();
    modules.module(&module(3)).unwrap();
    modules.cache().gc().unwrap();
    assert_eq!(modules.module(&module(1)).unwrap().outcome.source, Source::Disk);
    assert_eq!(modules.component(&component(2)).unwrap().outcome.source, Source::Disk);
    assert_eq!(modules.module(&module(3)).unwrap().outcome.source, Source::Compiled);
    drop(pins);
    modules.cache().gc().unwrap();
    assert_eq!(modules.cache().disk_usage().unwrap().entries, 0);
}

#[test]
fn pinned_code_stays_in_memory() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    let length = engine.precompile_module(&module(1)).unwrap().len() as u64;
    // Room for two.
    let modules = modules(&fixture, &engine).with_memory(length * 5 / 2);
    let source = |answer| modules.module(&module(answer)).unwrap().outcome.source;
    let pin = modules.clone().pin(&module(1)).unwrap();
    let again = modules.pin(&module(1)).unwrap();
    for answer in 1..5 {
        assert_eq!(source(answer), Source::Compiled);
    }
    assert_eq!([source(1), source(4), source(2)], [Source::Memory, Source::Memory, Source::Disk]);
    // As long as one of them lives.
    drop(pin);
    assert_eq!([source(3), source(4), source(1)], [Source::Disk, Source::Disk, Source::Memory]);
    drop(again);
    assert_eq!([source(3), source(4), source(1)], [Source::Disk; 3]);

    // Too large for the bound, it is kept while it is pinned, and not after.
    let tiny = self::modules(&fixture, &engine).with_memory(10);
    let pin = tiny.pin(&module(1)).unwrap();
    let source = || tiny.module(&module(1)).unwrap().outcome.source;
    assert_eq!([source(), source()], [Source::Disk, Source::Memory]);
    drop(pin);
    assert_eq!([source(), source()], [Source::Disk, Source::Disk]);
    let error = tiny.pin(b"(module)").unwrap_err();
    assert!(matches!(error, CompileError::NotWasm { .. }), "{error}");
}

#[test]
fn the_key_of_code_names_its_entry() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    let modules = modules(&fixture, &engine);
    let wasm = module(7);
    let key = modules.key_for(&wasm, Kind::Module);
    assert_eq!(modules.key_for(Input::with_digest(b"", Digest::of(&wasm)), Kind::Module), key);
    assert_ne!(modules.key_for(&wasm, Kind::Component), key);
    assert_ne!(modules.clone().with_generation("2").key_for(&wasm, Kind::Module), key);
    assert!(!modules.cache().remove(&key).unwrap());
    modules.module(&wasm).unwrap();
    assert!(fixture.file().ends_with(key.to_string()));

    // Looked at as bytes it is a miss, and nobody's fault: it stays.
    assert_eq!(modules.cache().get(&key), Lookup::Miss(MissReason::WrongKind));
    assert_eq!(modules.cache().stats().quarantined, 0);
    assert_eq!(modules.module(&wasm).unwrap().outcome.source, Source::Disk);

    // Bytes of the user's own under it are not run, even if they are code.
    modules.cache().put(&key, &engine.precompile_module(&module(666)).unwrap()).unwrap();
    let loaded = modules.module(&wasm).unwrap();
    assert_eq!((loaded.outcome.source, loaded.outcome.miss), (Source::Compiled, Some(MissReason::WrongKind)));
    assert_eq!(ask_module(&engine, &loaded), 7);
    assert_eq!(modules.module(&wasm).unwrap().outcome.source, Source::Disk);
    assert!(modules.cache().remove(&key).unwrap());
}
