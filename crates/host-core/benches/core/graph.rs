//! Sixteen modules, each of which imports from the one before and from the host, in a fresh store.

use std::hint::black_box;

use criterion::Criterion;
use host_core::Modules;
use wasmtime::{Linker, Module};

use crate::comparison::Comparison;
use crate::{armed, engine, optimised, raw};

const MODULES: usize = 16;

pub(crate) fn measure(criterion: &mut Criterion, table: &mut String) {
    let (engine, ticker) = engine(&optimised());
    let modules: Vec<(String, Module)> = (0..MODULES)
        .map(|number| (format!("m{number}"), Module::new(&engine, text(number)).expect("the guest is right")))
        .collect();

    let mut by_hand = Linker::new(&engine);
    by_hand.func_wrap("env", "host", || 1_i32).expect("the name is free");
    let mut linker = Linker::new(&engine);
    linker.func_wrap("env", "host", || 1_i32).expect("the name is free");
    let mut graph = Modules::new();
    for (name, module) in &modules {
        graph = graph.add(name.as_str(), module.clone()).expect("each name is new");
    }
    let linked = graph.link(armed(&engine, &ticker), &linker).expect("every import is satisfied");

    let mut fresh = Comparison::new("sixteen modules linked to each other");
    fresh.add("raw Wasmtime: Linker::instance", || {
        let mut store = raw::store(&engine);
        let mut linker = by_hand.clone();
        for (name, module) in &modules {
            let instance = linker.instantiate(&mut store, module).expect("it is linked");
            linker.instance(&mut store, name, instance).expect("the name is free");
        }
        black_box(&store);
    });
    fresh.add("host-core: Linked::instantiate", || {
        let mut store = armed(&engine, &ticker);
        black_box(linked.instantiate(&mut store).expect("it is linked"));
    });
    fresh.measure(criterion, table);
}

fn text(number: usize) -> String {
    let before = match number.checked_sub(1) {
        Some(before) => format!(r#"(import "m{before}" "run" (func $before (result i32)))"#),
        None => r#"(import "env" "host" (func $before (result i32)))"#.to_owned(),
    };
    format!(
        r#"(module {before} (import "env" "host" (func $host (result i32)))
            (func (export "run") (result i32) (i32.add (call $before) (call $host))))"#
    )
}
