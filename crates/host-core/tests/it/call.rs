//! Exports by type, and by name with values as text.

use host_core::{
    Export, Fault, FaultKind, InvokeError, Profile, guard, guard_async, invoke, invoke_async, invoke_values,
    invoke_values_async, parse_arguments,
};
use host_limits::{Exceeded, Limits};
use wasmtime::{Instance, Store, Trap, Val};

use crate::{Data, Host, check_text};

const GUEST: &str = r#"(module $calculator
    (memory (export "memory") 1)
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "div") (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
    (func (export "pair") (param f64) (result f64 i32) (local.get 0) (i32.const 2))
    (func (export "same") (param v128 funcref externref) (result v128 funcref externref)
        (local.get 0) (local.get 1) (local.get 2))
    (func (export "spin") (loop (br 0))))"#;

/// References need the garbage collector, which untrusted guests do not get.
fn development(limits: Limits) -> Host {
    Host::with_profile(Profile::Development, limits)
}

fn instance(host: &Host, store: &mut Store<Data>) -> Instance {
    let module = host.module(GUEST);
    guard(store, |store| host.linker.instantiate(store, &module)).unwrap().value
}

fn started() -> (Host, Store<Data>, Instance) {
    let host = development(Limits { fuel: Some(100_000), ..Limits::untrusted() });
    let mut store = host.store();
    let instance = instance(&host, &mut store);
    (host, store, instance)
}

#[test]
fn an_export_is_found_once_and_called_often() {
    let (_host, mut store, instance) = started();
    let add = Export::<(i32, i32), i32>::find(&mut store, &instance, "add").unwrap();
    for (one, other) in [(2, 3), (i32::MAX, 1)] {
        let outcome = add.call(&mut store, (one, other)).unwrap();
        assert_eq!(outcome.value, one.wrapping_add(other));
        assert!(outcome.usage.fuel.unwrap() > 0);
    }
    assert_eq!(add.name(), "add");
    // The way down.
    assert_eq!(add.func().call(&mut store, (20, 22)).unwrap(), 42);
    assert_eq!(add.clone().call(&mut store, (1, 1)).unwrap().value, 2);
    assert!(format!("{add:?}").contains("(i32, i32) -> i32"), "{add:?}");

    let pair = Export::<f64, (f64, i32)>::find(&mut store, &instance, "pair").unwrap();
    assert_eq!(pair.call(&mut store, 0.5).unwrap().value, (0.5, 2));
}

#[test]
fn a_call_that_does_not_end_well_is_a_fault() {
    let (_host, mut store, instance) = started();
    let div = Export::<(i64, i64), i64>::find(&mut store, &instance, "div").unwrap();
    let spin = Export::<(), ()>::find(&mut store, &instance, "spin").unwrap();
    let fault = div.call(&mut store, (1, 0)).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Trap(Trap::IntegerDivisionByZero));
    check_text(&fault);
    let fault = spin.call(&mut store, ()).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Fuel { allowed: 100_000 }));
}

#[test]
fn a_store_that_was_never_armed_calls_nothing() {
    let host = development(Limits::untrusted());
    let mut store = host.unarmed();
    store.set_fuel(1_000).unwrap();
    let instance = host.linker.instantiate(&mut store, &host.module(GUEST)).unwrap();
    let add = Export::<(i32, i32), i32>::find(&mut store, &instance, "add").unwrap();
    let fault = add.call(&mut store, (1, 2)).unwrap_err();
    assert!(fault.to_string().contains("not armed"), "{fault}");
}

#[test]
fn what_is_not_there_or_of_another_type_is_named() {
    let (_host, mut store, instance) = started();
    let error = Export::<(i32, i32), i32>::find(&mut store, &instance, "ad").unwrap_err();
    let InvokeError::NoFunction { offered, near, .. } = &error else { panic!("{error}") };
    assert_eq!((offered.len(), near.as_slice()), (5, ["add".to_owned()].as_slice()));
    assert!(error.to_string().ends_with("; did you mean `add`?"), "{error}");

    let error = Export::<(), ()>::find(&mut store, &instance, "memory").unwrap_err();
    assert_eq!(error.to_string(), "the export `memory` is no function, but a memory of 1 or more pages");

    let error = Export::<(i32, i64), f32>::find(&mut store, &instance, "add").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`add` has another type: asked for as (i32, i64) -> f32, but it is func(i32, i32) -> i32"
    );
}

#[tokio::test]
async fn an_export_is_called_async() {
    let host = development(Limits { fuel: Some(100_000), ..Limits::untrusted() });
    let mut store = host.async_store();
    let instance = instance_async(&host, &mut store).await;
    let add = Export::<(i32, i32), i32>::find(&mut store, &instance, "add").unwrap();
    assert_eq!(add.call_async(&mut store, (2, 3)).await.unwrap().value, 5);
    let spin = Export::<(), ()>::find(&mut store, &instance, "spin").unwrap();
    let fault = spin.call_async(&mut store, ()).await.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Fuel { allowed: 100_000 }));
}

async fn instance_async(host: &Host, store: &mut Store<Data>) -> Instance {
    let module = host.module(GUEST);
    guard_async(store, async |store| host.linker.instantiate_async(store, &module).await).await.unwrap().value
}

/// An export is called in tasks of several threads: compiles only if its futures are `Send`.
#[tokio::test]
async fn an_export_is_called_in_a_task() {
    let host = development(Limits::untrusted());
    let mut store = host.async_store();
    let instance = instance_async(&host, &mut store).await;
    let task = tokio::spawn(async move {
        let add = Export::<(i32, i32), i32>::find(&mut store, &instance, "add").unwrap();
        let sum = add.call_async(&mut store, (2, 3)).await.unwrap().value;
        let outcome = guard_async(&mut store, async |store| {
            invoke_async(store, &instance, "add", &[Val::I32(sum), Val::I32(1)]).await
        });
        outcome.await.unwrap().value
    });
    assert_eq!(task.await.unwrap(), ["6"]);
}

#[test]
fn by_name_with_text() {
    let (host, mut store, instance) = started();
    let module = host.module(GUEST);
    for (name, arguments, results) in [
        ("add", &["2", "0x3"][..], &["5"][..]),
        ("div", &["-9", "2"], &["-4"]),
        ("pair", &["NaN"], &["NaN", "2"]),
        (
            "same",
            &["0xff", "null", "null"],
            &["0x000000000000000000000000000000ff", "null funcref", "null externref"],
        ),
    ] {
        let arguments = parse_arguments(&module, name, arguments).unwrap();
        let outcome = guard(&mut store, |store| invoke(store, &instance, name, &arguments)).unwrap();
        assert_eq!(outcome.value, results, "{name}");
    }
    let sum = guard(&mut store, |store| {
        let sum = invoke_values(&mut *store, &instance, "add", &[Val::I32(1), Val::I32(2)])?;
        invoke_values(store, &instance, "add", &[sum[0], Val::I32(10)])
    });
    assert_eq!(sum.unwrap().value[0].i32(), Some(13));
}

#[tokio::test]
async fn by_name_async() {
    let host = development(Limits::untrusted());
    let mut store = host.async_store();
    let instance = instance_async(&host, &mut store).await;
    let outcome = guard_async(&mut store, async |store| {
        let sum = invoke_values_async(&mut *store, &instance, "add", &[Val::I32(1), Val::I32(2)]).await?;
        invoke_async(store, &instance, "add", &[sum[0], Val::I32(4)]).await
    });
    assert_eq!(outcome.await.unwrap().value, ["7"]);
}

#[test]
fn arguments_are_checked_before_the_call() {
    let (_host, mut store, instance) = started();
    let mut invoked = |name: &str, arguments: &[Val]| -> (Fault, InvokeError) {
        let fault = guard(&mut store, |store| invoke(store, &instance, name, arguments)).unwrap_err();
        assert_eq!(*fault.kind(), FaultKind::Host);
        check_text(&fault);
        let error = fault.error().downcast_ref::<InvokeError>().unwrap().clone();
        (fault, error)
    };
    let (fault, error) = invoked("add", &[Val::I32(1)]);
    assert!(matches!(error, InvokeError::Count { expected: 2, given: 1, .. }), "{error:?}");
    assert!(fault.to_string().contains("`add` takes 2 arguments (i32, i32), but 1 were given"), "{fault}");
    let (fault, error) = invoked("add", &[Val::I32(1), Val::I64(2)]);
    assert!(matches!(error, InvokeError::Value { position: 2, .. }), "{error:?}");
    assert!(fault.to_string().contains("argument 2 of `add`: `2` is not a value of type i32"), "{fault}");
    let (_, error) = invoked("same", &[Val::V128(1.into()), Val::I32(0), Val::null_extern_ref()]);
    assert!(matches!(error, InvokeError::Value { position: 2, .. }), "{error:?}");
    let (_, error) = invoked("memory", &[]);
    assert!(matches!(error, InvokeError::NotAFunction { .. }), "{error:?}");
    let (_, error) = invoked("subtract", &[]);
    assert!(matches!(error, InvokeError::NoFunction { .. }), "{error:?}");
    // References are Wasmtime's to check.
    let wrong = [Val::V128(1.into()), Val::null_extern_ref(), Val::null_extern_ref()];
    let fault = guard(&mut store, |store| invoke(store, &instance, "same", &wrong)).unwrap_err();
    assert!(fault.to_string().contains("type mismatch"), "{fault}");
}
