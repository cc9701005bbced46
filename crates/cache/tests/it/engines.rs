//! Engines that differ do not meet in the cache, and those that hide what they are do not get in.

use host_cache::{MissReason, ModuleCache, Source, UnsupportedEngine};
use wasmtime::{Config, Engine, ModuleVersionStrategy, OptLevel};

use crate::support::Fixture;
use crate::support::guest::{ask_module, module, modules};

fn engine(configure: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::new();
    configure(&mut config);
    Engine::new(&config).unwrap()
}

#[test]
fn each_setting_that_changes_code_is_another_entry() {
    let fixture = Fixture::new();
    let configure: [fn(&mut Config); 6] = [
        |_| {},
        |config| {
            config.cranelift_opt_level(OptLevel::None);
        },
        |config| {
            config.cranelift_opt_level(OptLevel::SpeedAndSize);
        },
        |config| {
            config.consume_fuel(true);
        },
        |config| {
            config.epoch_interruption(true);
        },
        |config| {
            config.wasm_memory64(false);
        },
    ];
    for configure in configure {
        let loaded = modules(&fixture, &engine(configure)).module(&module(42)).unwrap();
        assert_eq!(loaded.outcome.source, Source::Compiled);
        assert_eq!(loaded.outcome.miss, Some(MissReason::Absent));
    }
    assert_eq!(fixture.files().len(), configure.len());

    // And each finds its own again.
    for configure in configure {
        let engine = engine(configure);
        let loaded = modules(&fixture, &engine).module(&module(42)).unwrap();
        assert_eq!(loaded.outcome.source, Source::Disk);
    }
}

#[test]
fn settings_that_do_not_change_code_share_an_entry() {
    let fixture = Fixture::new();
    let configure: [fn(&mut Config); 2] = [
        |_| {},
        |config| {
            config.max_wasm_stack(256 * 1024);
        },
    ];
    let sources = configure.map(|configure| {
        let engine = engine(configure);
        let loaded = modules(&fixture, &engine).module(&module(42)).unwrap();
        assert_eq!(ask_module(&engine, &loaded), 42);
        loaded.outcome.source
    });
    assert_eq!(sources, [Source::Compiled, Source::Disk]);
}

#[test]
fn an_engine_that_hides_its_version_is_refused() {
    let fixture = Fixture::new();
    for strategy in [
        ModuleVersionStrategy::None,
        ModuleVersionStrategy::Custom(String::new()),
        ModuleVersionStrategy::Custom("48".into()),
        ModuleVersionStrategy::Custom("1.0.0".into()),
        // Ends like the real one.
        ModuleVersionStrategy::Custom(format!("1{}", wasmtime_version())),
    ] {
        let engine = engine(|config| {
            config.module_version(strategy).unwrap();
        });
        let refused = ModuleCache::new(fixture.reopened(), &engine).unwrap_err();
        assert_eq!(refused, UnsupportedEngine::VersionLeftOut);
    }
}

/// The version of the dependency, from the lock file.
fn wasmtime_version() -> String {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
    let (_, after) = lock.split_once("name = \"wasmtime\"\nversion = \"").unwrap();
    after.split_once('"').unwrap().0.to_owned()
}

#[test]
fn the_version_that_a_file_names_is_the_one_in_the_lock_file() {
    let file = host_cache::compile_ahead(&Engine::default(), &module(42)).unwrap();
    let fixture = Fixture::new();
    let path = fixture.beside("module.cwasm");
    std::fs::write(&path, file).unwrap();
    assert_eq!(host_cache::AheadFile::open_vouched(&path).unwrap().version(), wasmtime_version());
}
