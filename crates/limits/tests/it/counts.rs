//! How many memories, tables and instances a store may have.

use host_limits::{Exceeded, Limits, Meter, Ticker, arm};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

use crate::{Host, run, run_in};

const FINE: &str = r#"(module (func (export "run") (result i32) (i32.const 1)))"#;

#[test]
pub(crate) fn memories() {
    let wat = r#"(module (memory 0) (memory 0) (memory 0) (func (export "run") (result i32) (i32.const 1)))"#;
    let limits = Limits { memories: 2, ..Limits::default() };
    assert_eq!(run(limits, wat).reason, Some(Exceeded::Memories { allowed: 2, asked: 3 }));
    assert_eq!(run(Limits { memories: 3, ..Limits::default() }, wat).result.unwrap(), 1);
}

#[test]
pub(crate) fn tables() {
    let wat =
        r#"(module (table 0 funcref) (table 0 funcref) (func (export "run") (result i32) (i32.const 1)))"#;
    let limits = Limits { tables: 1, ..Limits::default() };
    assert_eq!(run(limits, wat).reason, Some(Exceeded::Tables { allowed: 1, asked: 2 }));
    assert_eq!(run(Limits { tables: 2, ..Limits::default() }, wat).result.unwrap(), 1);
}

#[test]
pub(crate) fn instances() {
    let host = Host::new(Limits { instances: 2, ..Limits::default() });
    let mut store = host.store();
    assert_eq!(run_in(&host, &mut store, FINE).result.unwrap(), 1);
    assert_eq!(run_in(&host, &mut store, FINE).result.unwrap(), 1);
    let third = run_in(&host, &mut store, FINE);
    assert_eq!(third.reason, Some(Exceeded::Instances { allowed: 2, asked: 3 }));
}

/// As componentize-py makes them for a hello-world: an interpreter, its libraries and the glue between them, a module each.
#[test]
fn a_component_of_sixteen_instances_runs_with_the_default() {
    let module =
        |index| format!("(core module $m{index} (memory 1)) (core instance (instantiate $m{index}))");
    let shared = |index| module(index).replace("(memory 1)", "(func)");
    let modules: String =
        (0..13).map(shared).chain([module(13), "(core instance (instantiate $m0))".repeat(2)]).collect();
    let limits = Limits::default();
    let engine = Engine::new(limits.configure(&mut Config::new())).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let component = Component::new(&engine, format!("(component {modules})")).unwrap();
    let instantiate = |limits| {
        let mut store = Store::new(&engine, Meter::new(limits));
        arm(&mut store, &ticker).unwrap();
        let result = Linker::new(&engine).instantiate(&mut store, &component);
        result.map(drop).map_err(|error| store.data().explain(&error))
    };
    let refusal = Exceeded::Instances { allowed: 15, asked: 16 };
    assert_eq!(instantiate(Limits { instances: 15, ..limits.clone() }), Err(Some(refusal)));
    assert_eq!(instantiate(limits), Ok(()));
}
