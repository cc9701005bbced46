//! JSON in, JSON out, in an instance that is there already: read an order from JSON text, have the guest work on it, and write its
//! answer as JSON text.

use std::hint::black_box;
use std::rc::Rc;

use host_component::{ExportedFunction, call, find, json};
use wasmtime::component::{Component, Instance, Linker};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use super::{Job, SIZES};
use crate::compare::Comparison;
use crate::guests;
use crate::report::Aim;
use crate::rivals::extism;

mod bindings {
    wasmtime::component::bindgen!({
        world: "worker",
        path: "guests/wit",
        additional_derives: [serde::Serialize, serde::Deserialize],
    });
}
use bindings::Worker;
use bindings::exports::bench::job::job::{Answer, Order};

pub(super) fn jobs() -> Vec<Job> {
    let job = |(size, length)| {
        Job::new(
            format!("JSON call, a name of {size}"),
            "An order, as JSON text, goes into an instance that is there already; its answer comes out as JSON text, with the \
             name in it.",
            move || compare(length),
        )
    };
    SIZES.map(job).into()
}

fn compare(length: usize) -> Comparison {
    let order = serde_json::json!({ "name": "x".repeat(length), "values": [1, 2, 3, 4, 5, 6, 7, 8] });
    let order: Rc<str> = order.to_string().into();
    let expected = serde_json::json!({ "greeting": format!("Hello, {}!", "x".repeat(length)), "sum": 36 });
    let is_right = |answer: &str| {
        let answer: serde_json::Value = serde_json::from_str(answer).expect("the answer is JSON");
        assert!(answer == expected, "a runtime gave a wrong answer");
    };
    let (mut typed, mut untyped) = (Typed::new(), Untyped::new());
    let mut plugin = extism::Extism::of(guests::read("extism-job")).kept();
    is_right(&typed.call(&order));
    is_right(&untyped.call(&order));
    is_right(plugin.call::<&str, &str>("run", &order).expect("it is called"));
    is_right(&native(&order));

    let mut comparison = Comparison::of_times();
    let of = Rc::clone(&order);
    comparison.run("raw Wasmtime: bindgen and serde", move || {
        black_box(typed.call(black_box(&of)));
    });
    let of = Rc::clone(&order);
    comparison.run("host-component: json, any component", move || {
        black_box(untyped.call(black_box(&of)));
    });
    comparison.aim(Aim::as_fast_as(3.0, EXTISM));
    let of = Rc::clone(&order);
    comparison.run(EXTISM, move || {
        black_box(plugin.call::<&str, &str>("run", black_box(&of)).expect("it is called"));
    });
    comparison.run("native Rust: serde", move || {
        black_box(native(black_box(&order)));
    });
    comparison
}

const EXTISM: &str = "Extism: JSON read in the guest";

/// The job without a guest.
fn native(order: &str) -> String {
    let order: Order = serde_json::from_str(order).expect("the order is right");
    let answer = Answer {
        greeting: format!("Hello, {}!", order.name),
        sum: order.values.iter().copied().map(u64::from).sum(),
    };
    serde_json::to_string(&answer).expect("an answer is JSON")
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
    let component = Component::new(&engine, guests::read("component-job")).expect("the guest is right");
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
