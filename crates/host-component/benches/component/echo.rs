//! The guest: gives back the text it is given, and forgets it when the call is over.

use host_core::{EngineSettings, Profile};
use host_limits::{Limits, Meter, Ticker, arm};
use wasmtime::component::Component;
use wasmtime::{Engine, Store};

const ECHO: &str = r#"(component
    (core module $m
        (memory (export "memory") 64)
        (global $next (mut i32) (i32.const 16))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (local $at i32)
            (local.set $at (global.get $next))
            (global.set $next (i32.add (local.get $at) (local.get 3)))
            (local.get $at))
        (func (export "echo") (param i32 i32) (result i32)
            (i32.store (i32.const 0) (local.get 0))
            (i32.store (i32.const 4) (local.get 1))
            (i32.const 0))
        (func (export "done") (param i32) (global.set $next (i32.const 16))))
    (core instance $i (instantiate $m))
    (alias core export $i "memory" (core memory $memory))
    (func (export "echo") (param "text" string) (result string)
        (canon lift (core func $i "echo") (memory $memory) (realloc (core func $i "realloc"))
            (post-return (core func $i "done")))))"#;

/// An engine with fuel and epochs, as for guests that are not trusted, but with optimised code.
pub(crate) fn engine() -> (Engine, Ticker, Component) {
    let settings = EngineSettings { fuel: true, ..Profile::Deterministic.settings() };
    let engine = settings.engine(&limits()).expect("the settings fit together");
    let ticker = Ticker::start(&engine).expect("there may be a thread more");
    let component = Component::new(&engine, ECHO).expect("the guest is right");
    (engine, ticker, component)
}

/// A store under limits that nothing here runs into.
pub(crate) fn armed(engine: &Engine, ticker: &Ticker) -> Store<Meter> {
    let mut store = Store::new(engine, Meter::new(limits()));
    arm(&mut store, ticker).expect("the engine can hold the limits");
    store
}

fn limits() -> Limits {
    Limits {
        fuel: Some(u64::MAX / 2),
        deadline: std::time::Duration::from_secs(24 * 3600),
        instances: 100,
        ..Limits::default()
    }
}
