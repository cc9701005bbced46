//! A guest that only computes, under each kind of metering.

use std::time::Duration;

use host_limits::{Limits, Meter, Ticker, arm};
use wasmtime::{Config, Engine, Instance, Module, Store, TypedFunc};

use super::Job;
use crate::compare::Comparison;
use crate::guests;
use crate::report::Aim;
use crate::rivals::{extism, wasmer as wasmer_rival};

#[path = "../../guests/computing/src/work.rs"]
mod work;

/// More than any run here burns.
const PLENTY: u64 = 1 << 60;

pub(super) fn jobs() -> Vec<Job> {
    vec![Job::new(
        "a guest that computes",
        "A sieve, compiled from Rust, counts the primes below 30,000: loops of few instructions, which is where metering costs \
         most.",
        compare,
    )]
}

fn compare() -> Comparison {
    let mut comparison = Comparison::of_times();
    add_raw(&mut comparison, "raw Wasmtime, unmetered", false, false);
    add_raw(&mut comparison, "raw Wasmtime, epochs", true, false);
    add_raw(&mut comparison, "raw Wasmtime, fuel", false, true);
    add_raw(&mut comparison, "raw Wasmtime, both", true, true);
    add_ours(&mut comparison, "host-limits: deadline (epochs)", true, false);
    comparison.aim(Aim::at_most(1.1)).aim(Aim::at_most_of(1.05, "raw Wasmtime, epochs"));
    add_ours(&mut comparison, "host-limits: deadline and fuel", true, true);
    comparison.aim(Aim::at_most_of(1.05, "raw Wasmtime, both"));
    for (name, fuel) in [("Extism, epochs", None), ("Extism, epochs and fuel", Some(PLENTY))] {
        let mut builder = extism::builder(guests::read("computing"));
        if let Some(fuel) = fuel {
            builder = builder.with_fuel_limit(fuel);
        }
        let mut plugin = builder.build().expect("the plug-in is right");
        comparison.run(name, move || extism::run(&mut plugin));
    }
    add_wasmer(&mut comparison, "wasmer, unmetered", None);
    add_wasmer(&mut comparison, "wasmer, metered", Some(PLENTY));
    comparison.run("native Rust", || assert_eq!(std::hint::black_box(work::primes()), work::PRIMES));
    comparison
}

fn add_raw(comparison: &mut Comparison, name: &'static str, epochs: bool, fuel: bool) {
    let (mut store, run) = prepared(epochs, fuel, ());
    if epochs {
        store.set_epoch_deadline(u64::MAX / 2);
    }
    comparison.run(name, move || {
        if fuel {
            store.set_fuel(PLENTY).expect("the engine meters");
        }
        assert_eq!(run.call(&mut store, ()).expect("it ends"), 0);
    });
}

fn add_ours(comparison: &mut Comparison, name: &'static str, epochs: bool, fuel: bool) {
    let limits = Limits {
        fuel: fuel.then_some(PLENTY),
        deadline: Duration::from_secs(24 * 3600),
        ..Limits::default()
    };
    let (mut store, run) = prepared(epochs, fuel, Meter::new(limits));
    let ticker = Ticker::start(store.engine()).expect("there may be a thread more");
    comparison.run(name, move || {
        arm(&mut store, &ticker).expect("the engine can hold the limits");
        assert_eq!(run.call(&mut store, ()).expect("it ends"), 0);
    });
}

fn prepared<T: 'static>(epochs: bool, fuel: bool, data: T) -> (Store<T>, TypedFunc<(), i32>) {
    let mut config = Config::new();
    config.epoch_interruption(epochs).consume_fuel(fuel);
    let engine = Engine::new(&config).expect("the settings fit together");
    let module = Module::new(&engine, guests::read("computing")).expect("the guest is right");
    let mut store = Store::new(&engine, data);
    if fuel {
        store.set_fuel(PLENTY).expect("the engine meters");
    }
    if epochs {
        store.set_epoch_deadline(u64::MAX / 2);
    }
    let instance = Instance::new(&mut store, &module, &[]).expect("it imports nothing");
    let run = instance.get_typed_func(&mut store, "run").expect("it is exported");
    (store, run)
}

fn add_wasmer(comparison: &mut Comparison, name: &'static str, points: Option<u64>) {
    use ::wasmer::{Imports, Instance, Module, Store};
    let engine = wasmer_rival::engine(points);
    let module = Module::new(&engine, guests::read("computing")).expect("the guest is right");
    let mut store = Store::new(engine);
    let instance = Instance::new(&mut store, &module, &Imports::new()).expect("it imports nothing");
    let run = instance.exports.get_typed_function::<(), i32>(&store, "run").expect("it is exported");
    comparison.run(name, move || assert_eq!(run.call(&mut store).expect("it ends"), 0));
}
