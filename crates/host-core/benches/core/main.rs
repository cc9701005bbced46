//! What host-core costs: `cargo bench -p host-core`, or a part of it: `cargo bench -p host-core -- instance`.
//!
//! It ends with a table, in which each thing stands beside hand-written raw Wasmtime with the same guards: the first
//! line of its group.

#![expect(clippy::print_stdout, reason = "a benchmark talks to the person who runs it")]

mod bombs; // compile time of code made to be slow to compile
mod calls; // into the guest and out of it
mod graph; // sixteen modules
mod instances; // fresh ones, on demand and from a pool
mod live; // how much each takes

mod raw; // an embedder without this crate

#[path = "../../../limits/benches/limits/comparison.rs"]
mod comparison;

use std::time::Duration;

use criterion::Criterion;
use host_core::{EngineSettings, Profile};
use host_limits::{Limits, Meter, Ticker, arm};
use wasmtime::{Engine, Store};

fn main() {
    if let Some(bytes) = live::answer() {
        println!("{bytes}");
        return;
    }
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let wanted: Option<String> = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wants = |name: &str| wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str()));
    let mut table = String::new();
    calls::measure(&mut criterion, &mut table);
    instances::measure(&mut criterion, &mut table);
    graph::measure(&mut criterion, &mut table);
    if wants("live") {
        live::measure(&mut table);
    }
    if wants("compile") {
        bombs::measure(&mut table);
    }
    criterion.final_summary();
    println!("{table}");
}

/// Limits that nothing here runs into.
fn limits() -> Limits {
    Limits {
        fuel: Some(u64::MAX / 2),
        deadline: Duration::from_secs(24 * 3600),
        instances: 100,
        ..Limits::default()
    }
}

fn optimised() -> EngineSettings {
    EngineSettings { fuel: true, ..Profile::Deterministic.settings() }
}

fn engine(settings: &EngineSettings) -> (Engine, Ticker) {
    let engine = settings.engine(&limits()).expect("the settings fit together");
    let ticker = Ticker::start(&engine).expect("there may be a thread more");
    (engine, ticker)
}

fn armed(engine: &Engine, ticker: &Ticker) -> Store<Meter> {
    let mut store = Store::new(engine, Meter::new(limits()));
    arm(&mut store, ticker).expect("the engine can hold the limits");
    store
}
