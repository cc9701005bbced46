//! Graphs of modules that nobody wrote: linked or refused, and nothing of them left behind.

use arbitrary::{Arbitrary, Unstructured};
use host_core::{
    AllocationStrategy, EngineSettings, LinkError, Modules, PoolSettings, PoolUsage, Profile, guard,
};
use host_limits::{Bytes, Limits, Meter, Ticker, arm};
use wasm_smith::{Config, Module};
use wasmtime::{Engine, Linker, Store};

/// What the modules import from: each other, the host, and nobody.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

pub(crate) fn limits() -> Limits {
    Limits {
        fuel: Some(200_000),
        memory: Bytes::mebi(4),
        memories: 20,
        tables: 20,
        table_elements: 10_000,
        instances: 20,
        ..Limits::untrusted()
    }
}

/// From a pool, which tells what is left behind.
pub(crate) fn engine() -> Engine {
    let pool = PoolSettings { guests: 8, ..PoolSettings::default() };
    let settings = EngineSettings {
        allocation: AllocationStrategy::Pool(pool),
        proposals: Profile::Development.settings().proposals,
        ..EngineSettings::default()
    };
    settings.engine(&limits()).unwrap()
}

/// Small modules of everything that the engine knows, with little in each.
pub(crate) fn shape(input: &mut Unstructured<'_>) -> arbitrary::Result<Config> {
    let mut config = Config::arbitrary(input)?;
    config.max_imports = 6;
    config.max_exports = 8;
    config.max_funcs = 8;
    config.max_memories = 2;
    config.max_tables = 2;
    config.max_memory32_bytes = 4 << 20;
    config.max_memory64_bytes = 4 << 20;
    config.max_table_elements = 1_000;
    config.threads_enabled = false;
    config.shared_everything_threads_enabled = false;
    config.custom_page_sizes_enabled = false;
    config.custom_descriptors_enabled = false;
    config.wide_arithmetic_enabled = false;
    config.allow_start_export = true;
    config.available_imports = Some(IMPORTS.with(Clone::clone));
    Ok(config)
}

thread_local! {
    /// What imports may be of: something of every kind, under names that the graph has and that it has not.
    static IMPORTS: Vec<u8> = {
        let mut text = String::from("(module");
        for from in ["a", "b", "env", "nobody"] {
            text.push_str(&format!(
                r#"(import "{from}" "f" (func)) (import "{from}" "g" (func (param i32) (result i32)))
                (import "{from}" "n" (global i32)) (import "{from}" "m" (memory 1)) (import "{from}" "t" (table 1 funcref))"#
            ));
        }
        text.push(')');
        wat::parse_str(text).unwrap()
    };
}

/// Whether the input was of any use.
pub(crate) fn run(input: &[u8]) -> bool {
    let mut input = Unstructured::new(input);
    let engine = engine();
    let ticker = Ticker::start(&engine).unwrap();
    let mut modules = Modules::new();
    let mut count = 0;
    // Modules with the names that others import from: some offer what is wanted, and most do not.
    for name in NAMES {
        let module = shape(&mut input).and_then(|config| Module::new(config, &mut input));
        let Ok(module) = module.map(|module| module.to_bytes()) else { break };
        // What Wasmtime does not take is not ours to link.
        let Ok(module) = wasmtime::Module::new(&engine, module) else { continue };
        modules = modules.add(name, module).unwrap();
        count += 1;
    }
    if bool::arbitrary(&mut input).unwrap_or_default() {
        modules = modules.stub_missing();
    }
    let mut linker = Linker::<Meter>::new(&engine);
    linker.func_wrap("env", "f", || {}).unwrap();
    linker.func_wrap("env", "g", |number: i32| number).unwrap();

    let mut store = Store::new(&engine, Meter::new(limits()));
    arm(&mut store, &ticker).unwrap();
    match modules.link(&mut store, &linker) {
        Ok(linked) => {
            assert_eq!(linked.order().len(), count);
            let run = guard(&mut store, |store| Ok(linked.instantiate(store)?));
            if let Err(fault) = run {
                assert!(fault.error().is::<LinkError>(), "{fault:?}");
                assert!(["guest", "budget", "host"].contains(&fault.kind().who()), "{fault:?}");
                assert!(!fault.to_string().contains('\n'), "{fault}");
            }
        }
        Err(error) => assert!(error.to_string().len() < 100_000, "{}", error.to_string().len()),
    }
    drop(store);
    let left = PoolUsage::of(&engine).unwrap();
    assert_eq!((left.memories, left.tables, left.core_instances), (0, 0, 0), "left behind");
    count > 0
}
