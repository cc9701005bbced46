//! What ends a call is typed, and says whether the store can go on.

use host_component::{CallError, call, find};
use host_core::{FaultKind, guard};
use host_limits::{Bytes, Exceeded, Limits, Meter, Ticker, arm};
use wasmtime::component::{Component, Linker, Val};
use wasmtime::{Config, Engine, Store, Trap};

use crate::guests::{ARITHMETIC, Alone, ECHO};

#[test]
fn a_trap_retires_the_store_and_can_be_found_in_the_error() {
    let mut alone = Alone::new(ARITHMETIC);
    let [fail, top] = ["fail", "top"].map(|name| find(&alone.component, name).unwrap());
    let error = call(&mut alone.store, &alone.instance, &top, &[Val::Bool(true)]).unwrap_err();
    assert!(!error.retires_store(), "{error}");
    assert!(matches!(error.into_wasmtime().downcast_ref(), Some(CallError::Arguments(_))));
    let error = call(&mut alone.store, &alone.instance, &fail, &[]).unwrap_err();
    assert!(error.retires_store(), "{error}");
    assert_eq!(error.into_wasmtime().downcast_ref(), Some(&Trap::UnreachableCodeReached));
    let error = call(&mut alone.store, &alone.instance, &top, &[Val::U32(1)]).unwrap_err();
    assert!(error.retires_store(), "a store that had a trap stays retired: {error}");
}

#[test]
fn a_result_that_is_too_large_is_a_budget_that_ran_out() {
    let limits = Limits { lifted: Bytes::kibi(16), ..Limits::untrusted() };
    let engine = Engine::new(limits.configure(Config::new().concurrency_support(false))).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let component = Component::new(&engine, ECHO).unwrap();
    let text = find(&component, "text").unwrap();
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker).unwrap();
    let mut echo = |length: usize| {
        guard(&mut store, |store| {
            let instance = Linker::new(&engine).instantiate(&mut *store, &component)?;
            let argument = Val::String("x".repeat(length));
            call(store, &instance, &text, &[argument]).map_err(CallError::into_wasmtime)
        })
    };
    assert_eq!(echo(1_000).unwrap().value, [Val::String("x".repeat(1_000))]);
    let fault = echo(20_000).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Lifted { allowed: Bytes::kibi(16) }));
}
