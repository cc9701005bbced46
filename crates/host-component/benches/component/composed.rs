//! A call that goes on to another component, beside one of that component itself.

use std::hint::black_box;

use criterion::Criterion;
use host_component::compose::{Components, Composition, HasComposition};
use host_component::find;
use wasmtime::component::{Component, Linker, Val};
use wasmtime::{Config, Engine, Store};

use crate::comparison::Comparison;

/// Doubles a number.
const MATH: &str = r#"(component
    (core module $m (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))
    (core instance $i (instantiate $m))
    (func $double (param "number" u32) (result u32) (canon lift (core func $i "double")))
    (instance $api (export "double" (func $double)))
    (export "my:math/api@1.0.0" (instance $api)))"#;

/// Has it doubled by another.
const APP: &str = r#"(component
    (import "my:math/api@1.0.0" (instance $math (export "double" (func (param "number" u32) (result u32)))))
    (core func $double (canon lower (func $math "double")))
    (core module $m
        (import "math" "double" (func $double (param i32) (result i32)))
        (func (export "run") (param i32) (result i32) (call $double (local.get 0))))
    (core instance $i (instantiate $m (with "math" (instance (export "double" (func $double))))))
    (func (export "run") (param "number" u32) (result u32) (canon lift (core func $i "run"))))"#;

struct Host(Composition);

impl HasComposition for Host {
    fn composition(&mut self) -> &mut Composition {
        &mut self.0
    }
}

pub(crate) fn measure(criterion: &mut Criterion, table: &mut String) {
    let engine = Engine::new(Config::new().concurrency_support(false)).expect("the settings fit together");
    let math = Component::new(&engine, MATH).expect("the guest is right");
    let app = Component::new(&engine, APP).expect("the guest is right");
    let [double, run] =
        [find(&math, "double"), find(&app, "run")].map(|found| found.expect("it is exported"));
    let graph = Components::new().add("app", app.clone()).and_then(|graph| graph.add("math", math.clone()));
    let graph = graph.expect("the names differ");
    let linked = graph.link(&Linker::new(&engine)).expect("they fit together");
    let mut store = Store::new(&engine, Host(Composition::new()));
    let instances = linked.instantiate(&mut store).expect("nothing runs");
    let mut alone = Store::new(&engine, ());
    let direct = Linker::new(&engine).instantiate(&mut alone, &math).expect("it needs nothing");

    let bytes = |name: &str| match name {
        "app" => wat::parse_str(APP).expect("the guest is right"),
        _ => wat::parse_str(MATH).expect("the guest is right"),
    };
    let one = graph.compose_ahead("app", bytes).expect("they fit together");
    let one = Component::new(&engine, one).expect("it is a component");
    let fused = find(&one, "run").expect("it is exported");
    let mut whole = Store::new(&engine, ());
    let of_one = Linker::new(&engine).instantiate(&mut whole, &one).expect("it needs nothing");

    let arguments = [Val::U32(21)];
    let mut calls = Comparison::new("call of a composed component");
    calls.add("host-component: the second by itself", || {
        black_box(
            host_component::call(&mut alone, &direct, &double, black_box(&arguments)).expect("it works"),
        );
    });
    calls.add("the first, which calls the second", || {
        black_box(instances.call(&mut store, "app", &run, black_box(&arguments)).expect("it works"));
    });
    calls.add("both in one, composed ahead of time", || {
        black_box(
            host_component::call(&mut whole, &of_one, &fused, black_box(&arguments)).expect("it works"),
        );
    });
    calls.measure(criterion, table);
}
