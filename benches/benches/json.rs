//! JSON in, JSON out: what does one call cost, in an instance that is there already?
//!
//! The same job everywhere: read an order from JSON text, have the guest work on it, write its answer as JSON text.
//! The first line of each group is the floor: bindings made for this one world, and `serde_json` into their types.

#![expect(clippy::print_stdout, reason = "a benchmark talks to the person who runs it")]

#[path = "../../crates/limits/benches/limits/comparison.rs"]
mod comparison;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use comparison::Comparison;
use criterion::Criterion;
use host_component::{ExportedFunction, call, find, json};
use wasmtime::component::{Component, Instance, Linker};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

mod bindings {
    wasmtime::component::bindgen!({
        world: "worker",
        path: "guests/wit",
        additional_derives: [serde::Serialize, serde::Deserialize],
    });
}
use bindings::Worker;
use bindings::exports::bench::job::job::Order;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut table = String::new();
    for (size, length) in [("16 B", 16), ("4 KiB", 4 << 10), ("1 MiB", 1 << 20)] {
        measure(&mut criterion, &mut table, size, length);
    }
    criterion.final_summary();
    println!("{table}");
}

fn measure(criterion: &mut Criterion, table: &mut String, size: &str, length: usize) {
    let order = serde_json::json!({ "name": "x".repeat(length), "values": [1, 2, 3, 4, 5, 6, 7, 8] }).to_string();
    let expected = serde_json::json!({ "greeting": format!("Hello, {}!", "x".repeat(length)), "sum": 36 });
    let is_right = |answer: &str| {
        let answer: serde_json::Value = serde_json::from_str(answer).expect("the answer is JSON");
        assert!(answer == expected, "a runtime gave a wrong answer");
    };
    let (mut typed, mut untyped, mut extism) = (Typed::new(), Untyped::new(), extism_plugin());
    is_right(&typed.call(&order));
    is_right(&untyped.call(&order));
    is_right(extism.call::<&str, &str>("run", &order).expect("it is called"));

    let mut calls = Comparison::new(format!("JSON in and out, a name of {size}"));
    calls.add("raw Wasmtime: bindings and serde", || {
        black_box(typed.call(black_box(&order)));
    });
    calls.add("host-component: json, any component", || {
        black_box(untyped.call(black_box(&order)));
    });
    calls.add("Extism: JSON read in the guest", || {
        black_box(extism.call::<&str, &str>("run", black_box(&order)).expect("it is called"));
    });
    calls.measure(criterion, table);
}

/// A guest as `cargo xtask bench` builds it.
fn guest(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join("target").join("bench-guests").join(format!("{name}.wasm"))
}

/// WASI without a grant: what Rust's standard library imports.
#[derive(Default)]
struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// The component, what it is linked to, and a store for it.
fn component() -> (Component, Linker<Host>, Store<Host>) {
    let engine = Engine::new(Config::new().concurrency_support(false)).expect("the settings fit together");
    let component = Component::from_file(&engine, guest("component-job"))
        .expect("`cargo xtask bench` builds the guests first");
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).expect("the linker is empty");
    let store = Store::new(&engine, Host::default());
    (component, linker, store)
}

struct Typed {
    store: Store<Host>,
    worker: Worker,
}

impl Typed {
    fn new() -> Typed {
        let (component, linker, mut store) = component();
        let worker = Worker::instantiate(&mut store, &component, &linker).expect("it is linked");
        Typed { store, worker }
    }

    fn call(&mut self, order: &str) -> String {
        let order: Order = serde_json::from_str(order).expect("the order is right");
        let answer = self.worker.bench_job_job().call_run(&mut self.store, &order).expect("it works");
        serde_json::to_string(&answer).expect("an answer is JSON")
    }
}

struct Untyped {
    store: Store<Host>,
    instance: Instance,
    run: ExportedFunction,
}

impl Untyped {
    fn new() -> Untyped {
        let (component, linker, mut store) = component();
        let instance = linker.instantiate(&mut store, &component).expect("it is linked");
        let run = find(&component, "run").expect("it is exported");
        Untyped { store, instance, run }
    }

    fn call(&mut self, order: &str) -> String {
        let (_, ty) = self.run.params().next().expect("it takes an order");
        let order = json::val_from_str(&ty, order).expect("the order fits");
        let results = call(&mut self.store, &self.instance, &self.run, &[order]).expect("it works");
        json::results_to_string(&results).expect("an answer has JSON")
    }
}

fn extism_plugin() -> extism::Plugin {
    let bytes = std::fs::read(guest("extism-job")).expect("`cargo xtask bench` builds the guests first");
    let wasm = extism::Wasm::data(bytes);
    extism::Plugin::new(extism::Manifest::new([wasm]), [], false).expect("the plug-in is right")
}
