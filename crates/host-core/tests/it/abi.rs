//! Components that give values which break the canonical ABI: the guest's fault, not the host's.

use host_core::{FaultKind, guard};
use host_limits::{Limits, Meter, Ticker, arm};
use wasmtime::component::{Component, Linker, Val};
use wasmtime::{Engine, Store};

use crate::check_text;

/// Calls `run` of a component whose core `run` gives the address `at` of its result, of the type `result`. Its memory of
/// 64 KiB begins with `data`.
fn run(result: &str, data: &str, at: u32) -> Result<Vec<Val>, FaultKind> {
    let limits = Limits::untrusted();
    let engine = Engine::new(limits.configure(&mut host_core::Profile::Untrusted.config())).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let wat = format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (data (i32.const 0) "{data}")
                (func (export "run") (result i32) (i32.const {at})))
            (core instance $i (instantiate $m))
            (type $letters (enum "a" "b"))
            (export $letter "letter" (type $letters))
            (func (export "run") (result {result})
                (canon lift (core func $i "run") (memory (core memory $i "memory")))))"#
    );
    let component = Component::new(&engine, wat).unwrap();
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker).unwrap();
    let outcome = guard(&mut store, |store| {
        let instance = Linker::new(&engine).instantiate(&mut *store, &component)?;
        let func = instance.get_func(&mut *store, "run").unwrap();
        let mut results = [Val::Bool(false)];
        func.call(store, &[], &mut results)?;
        Ok(results.to_vec())
    });
    match outcome {
        Ok(outcome) => Ok(outcome.value),
        Err(fault) => {
            check_text(&fault);
            Err(fault.kind().clone())
        }
    }
}

#[test]
fn values_that_break_the_abi_are_the_guests_fault() {
    // Address and length, little-endian.
    assert_eq!(run("string", r"\08\00\00\00\02\00\00\00hi", 0), Ok(vec![Val::String("hi".into())]));
    for (result, data, at) in [
        ("string", r"\ff\ff\ff\ff\ff\ff\ff\ff", 0),
        ("string", r"\08\00\00\00\02\00\00\00\ff\fe", 0),
        ("string", "", 65_534),
        ("string", "", 2),
        ("(list u8)", r"\ff\ff\00\00\02\00\00\00", 0),
        ("(list u32)", r"\01\00\00\00\02\00\00\00", 0),
        ("(option u32)", r"\07", 0),
        ("(result u32 (error u32))", r"\07", 0),
        ("(tuple char u8)", r"\00\d8\00\00", 0),
        ("(tuple u64 $letter)", r"\00\00\00\00\00\00\00\00\02", 0),
    ] {
        let kind = run(result, data, at).unwrap_err();
        assert!(matches!(kind, FaultKind::BadValue(_)), "{result} {data} {at}: {kind:?}");
        assert_eq!(kind.who(), "guest");
    }
}
