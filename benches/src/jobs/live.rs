//! How much memory a live instance takes, and a plugin that is loaded and not called. Measured in processes of their own: memory that
//! was freed would be used again.

use std::fs;
use std::path::Path;
use std::time::Duration;

use host_core::guard;
use host_limits::{Limits, Meter, Ticker, arm};
use host_plugins::PluginHost;
use host_plugins::host_cache::{Cache, IntegrityOnly, ModuleCache};
use wasmtime::component;
use wasmtime::{Config, Engine, Instance, Linker, Module, Store, StoreLimits, StoreLimitsBuilder};

use super::Job;
use crate::child::{self, bytes_each};
use crate::compare::Comparison;
use crate::guests;
use crate::report::{Aim, Unit};
use crate::rivals::extism::{self, Extism};
use crate::rivals::{host, raw, wasmer as wasmer_rival};

pub(crate) const INSTANCES: &str = "live-instances";
pub(crate) const PLUGINS: &str = "idle-plugins";

const COUNT: usize = 1_000;

pub(super) fn jobs() -> Vec<Job> {
    vec![
        Job::new(
            "a live instance",
            "By how much a process grows for each of 1,000 instances that are alive at one time, each in a store of its own with its \
             limits; by the kernel's count of resident memory (`Pss`).",
            || {
                let mut comparison = Comparison::of(Unit::Bytes).at_most(9);
                add(&mut comparison, INSTANCES, "raw Wasmtime, StoreLimits and epochs", "raw");
                add(&mut comparison, INSTANCES, "host-core and host-limits", "ours");
                comparison.aim(Aim::at_most(1.05));
                add(&mut comparison, INSTANCES, "Extism", "extism");
                add(&mut comparison, INSTANCES, "wasmer", "wasmer");
                comparison
            },
        ),
        Job::new(
            "an idle plugin",
            "By how much a process grows for each of 1,000 plugins that are loaded and not called: components of 11 KB, all different, \
             their code from the cache on disk.",
            || {
                let mut comparison = Comparison::of(Unit::Bytes).at_most(5);
                add(&mut comparison, PLUGINS, "raw Wasmtime with host-cache", "raw");
                add(&mut comparison, PLUGINS, "PluginHost", "ours");
                comparison
            },
        ),
    ]
}

fn add(comparison: &mut Comparison, what: &'static str, name: &'static str, way: &'static str) {
    // The first process finds an empty cache, the others what it has left.
    let home = tempfile::tempdir().expect("a directory for a while");
    comparison.sample(name, move || child::start(what, way, home.path()).number());
}

/// The answer, in a process that was asked.
pub(crate) fn instances(way: &str) -> f64 {
    let guest = guests::small();
    let mut config = Config::new();
    config.epoch_interruption(true);
    let engine = Engine::new(&config).expect("the settings fit together");
    let module = || Module::new(&engine, &guest).expect("the guest is right");
    match way {
        "raw" => {
            let program =
                Linker::<StoreLimits>::new(&engine).instantiate_pre(&module()).expect("it needs nothing");
            bytes_each(COUNT, || {
                let limits = StoreLimitsBuilder::new().memory_size(256 << 20).instances(50).build();
                let mut store = Store::new(&engine, limits);
                store.limiter(|limits| limits);
                store.set_epoch_deadline(100);
                let instance: Instance = program.instantiate(&mut store).expect("it needs nothing");
                (store, instance)
            })
        }
        "ours" => {
            let ticker = Ticker::start(&engine).expect("there may be a thread more");
            let program = Linker::new(&engine).instantiate_pre(&module()).expect("it needs nothing");
            let limits = Limits { fuel: None, deadline: Duration::from_secs(3600), ..Limits::default() };
            bytes_each(COUNT, || {
                let mut store = Store::new(&engine, Meter::new(limits.clone()));
                arm(&mut store, &ticker).expect("the engine can hold the limits");
                let instance =
                    guard(&mut store, |store| program.instantiate(store)).expect("it needs nothing");
                (store, instance.value)
            })
        }
        "extism" => {
            let compiled = Extism::of(guest);
            bytes_each(COUNT, || {
                let mut plugin = compiled.kept();
                // Which makes its instance.
                extism::run(&mut plugin);
                plugin
            })
        }
        "wasmer" => {
            use ::wasmer::{Imports, Instance, Module, Store};
            let engine = wasmer_rival::engine(None);
            let module = Module::new(&engine, guest).expect("the guest is right");
            bytes_each(COUNT, || {
                let mut store = Store::new(engine.clone());
                let instance = Instance::new(&mut store, &module, &Imports::new()).expect("it needs nothing");
                (store, instance)
            })
        }
        other => panic!("`{other}` has no instances"),
    }
}

/// The answer, in a process that was asked.
pub(crate) fn plugins(way: &str, home: &Path) -> f64 {
    fs::create_dir_all(home).expect("it can be made");
    let cache = Cache::open(home.join("cache"), IntegrityOnly).expect("it is ours");
    let guests = guests::distinct("component-echo", COUNT).enumerate();
    match way {
        "raw" => {
            let engine = raw::engine(true);
            let linker = component::Linker::<()>::new(&engine);
            let cache = ModuleCache::new(cache, &engine).expect("the engine can be cached");
            grown(guests, |_, wasm| {
                let component = cache.component(wasm).expect("it is a component").value;
                linker.instantiate_pre(&component).expect("it imports nothing")
            })
        }
        "ours" => {
            let host = PluginHost::new(host::policy(), Some(cache)).expect("the policy fits");
            grown(guests, |number, wasm| host.load_bytes(&number.to_string(), wasm).expect("it is a plugin"))
        }
        other => panic!("`{other}` has no plugins"),
    }
}

fn grown<R>(guests: impl Iterator<Item = (usize, Vec<u8>)>, mut load: impl FnMut(usize, &[u8]) -> R) -> f64 {
    let before = child::resident();
    let plugins: Vec<R> = guests.map(|(number, wasm)| load(number, &wasm)).collect();
    (child::resident() - before) / plugins.len() as f64
}
