//! What limits cost: `cargo bench -p host-limits`, after `cargo xtask guests`.
//!
//! It ends with a table, in which each thing stands beside the same without limits: the first line of its group.

#![expect(clippy::print_stdout, reason = "a benchmark talks to the person who runs it")]

mod admission;
mod computing;
mod growth;
mod stores;
mod waits;

mod comparison;

use std::time::Duration;

use criterion::Criterion;
use host_limits::{Limits, Meter};
use wasmtime::{Config, Engine, Instance, Module, Store, TypedFunc};

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut table = String::new();
    computing::measure(&mut criterion, &mut table);
    stores::measure(&mut criterion, &mut table);
    growth::measure(&mut criterion, &mut table);
    waits::measure(&mut criterion, &mut table);
    admission::measure(&mut criterion);
    criterion.final_summary();
    println!("{table}");
}

/// Limits that nothing here runs into.
fn limits(fuel: bool) -> Limits {
    Limits { fuel: fuel.then_some(u64::MAX), deadline: Duration::from_secs(24 * 3600), ..Limits::default() }
}

fn engine(configure: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::new();
    configure(&mut config);
    Engine::new(&config).expect("the settings fit together")
}

fn run(store: &mut Store<Meter>, text: &str) -> TypedFunc<(), i32> {
    let module = Module::new(store.engine(), text).expect("the guest is right");
    let instance = Instance::new(&mut *store, &module, &[]).expect("the guest needs nothing");
    instance.get_typed_func(store, "run").expect("the guest exports `run`")
}
