//! Stubs: functions that are missing may be imported all the same, and stop whoever calls them, by name.

use host_core::{FaultKind, LinkError, MissingImport, Modules, check_imports, guard, stub_missing_imports};
use host_limits::Limits;
use wasmtime::Instance;

use crate::{Host, check_text};

const MISSES: &str = r#"(module (import "env" "host_log" (func (param i32 i32)))
    (import "env" "host_lgo" (func $lgo (param i32 i32)))
    (import "wasi" "clock" (func $clock (result i64)))
    (func (export "lucky") (result i32) (i32.const 7))
    (func $asks (export "unlucky") (drop (call $clock)))
    (func (export "other") (call $lgo (i32.const 1) (i32.const 2))))"#;

fn modules(host: &Host, all: &[(&str, &str)]) -> Modules {
    all.iter()
        .fold(Modules::new(), |modules, (name, wat)| modules.add(*name, host.module(wat)).unwrap())
        .stub_missing()
}

/// What calling the export says is missing.
fn missing(
    host: &Host,
    instance: impl FnOnce(&mut wasmtime::Store<crate::Data>) -> Instance,
    name: &str,
) -> String {
    let mut store = host.store();
    let instance = instance(&mut store);
    let fault =
        guard(&mut store, |store| instance.get_typed_func::<(), ()>(&mut *store, name)?.call(store, ()))
            .unwrap_err();
    check_text(&fault);
    let missing: &MissingImport = fault.error().downcast_ref().unwrap();
    assert_eq!(*fault.kind(), FaultKind::MissingImport(missing.clone()));
    format!("{}.{}", missing.module, missing.name)
}

#[test]
fn a_stub_stops_its_caller_by_name_and_nobody_else() {
    let host = Host::new(Limits::untrusted());
    let linked = modules(&host, &[("m", MISSES)]).link(host.store(), &host.linker).unwrap();
    let mut store = host.store();
    let instance = linked.instantiate(&mut store).unwrap()["m"];
    let lucky = instance.get_typed_func::<(), i32>(&mut store, "lucky").unwrap();
    assert_eq!(lucky.call(&mut store, ()).unwrap(), 7);
    let instance = |store: &mut _| linked.instantiate(store).unwrap()["m"];
    assert_eq!(missing(&host, instance, "unlucky"), "wasi.clock");
    assert_eq!(missing(&host, instance, "other"), "env.host_lgo");
    // Only what is missing: the host's own function is there, and the linker is as it was.
    assert_eq!(linked.stubs().count(), 2);
    let error = check_imports(host.store(), &host.linker, &host.module(MISSES)).unwrap_err();
    assert!(error.to_string().starts_with("2 imports"), "{error}");
}

#[test]
fn stubs_stand_beside_imports_from_anywhere() {
    let host = Host::new(Limits::untrusted());
    let library = r#"(module (func (export "f")))"#;
    let stubs = r#"(import "library" "g" (func $g (result i32))) (import "env" "later" (func))
        (func (export "run") (drop (call $g)))"#;
    let from_module = format!(r#"(module (import "library" "f" (func)) {stubs})"#);
    let from_both = format!(
        r#"(module (import "library" "f" (func)) (import "env" "host_log" (func (param i32 i32))) {stubs})"#
    );
    // Another type for the same name: each importer has stubs of its own.
    let other =
        stubs.replace("$g (result i32)", "$g (result f64)").replace("(drop (call $g))", "call $g drop");
    let other = format!(r#"(module {other})"#);
    let all = [("library", library), ("a", &*from_module), ("b", &*from_both), ("c", &*other)];
    let linked = modules(&host, &all).link(host.store(), &host.linker).unwrap();
    for name in ["a", "b", "c"] {
        let instance = |store: &mut _| linked.instantiate(store).unwrap()[name];
        assert_eq!(missing(&host, instance, "run"), "library.g", "{name}");
    }
}

#[test]
fn only_functions_that_are_missing_are_stubbed() {
    let mut host = Host::new(Limits::untrusted());
    let wrong = r#"(module (import "env" "host_log" (func (param i64))) (import "env" "memory" (memory 1))
        (import "env" "missing" (func)) (import "env" "twice" (func)) (import "env" "twice" (func (param i32))))"#;
    let check = |error: LinkError| {
        let LinkError::Imports { problems, .. } = error else { panic!("{error:?}") };
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "`env.host_log` has another type: wanted func(i64), offered func(i32, i32)",
                "`env.memory` is missing: memory of 1 or more pages",
                "`env.twice` has another type: wanted func(i32), offered func()",
            ]
        );
    };
    check(modules(&host, &[("m", wrong)]).link(host.store(), &host.linker).unwrap_err());
    let module = host.module(wrong);
    let mut store = host.store();
    check(stub_missing_imports(&mut store, &mut host.linker, &module).unwrap_err());
    assert_eq!(host.linker.iter(&mut store).count(), 1);
}

#[test]
fn a_single_module_gets_its_stubs_in_the_linker() {
    let mut host = Host::new(Limits::untrusted());
    let module = host.module(MISSES);
    let stubbed = stub_missing_imports(host.store(), &mut host.linker, &module).unwrap();
    let names: Vec<_> =
        stubbed.iter().map(|import| format!("{}.{}", import.module(), import.name())).collect();
    assert_eq!(names, ["env.host_lgo", "wasi.clock"]);
    check_imports(host.store(), &host.linker, &module).unwrap();
    let prepared = host.linker.instantiate_pre(&module).unwrap();
    for _ in 0..2 {
        assert_eq!(missing(&host, |store| prepared.instantiate(store).unwrap(), "unlucky"), "wasi.clock");
    }
    // Nothing is missing any more.
    let again = stub_missing_imports(host.store(), &mut host.linker, &module).unwrap();
    assert!(again.is_empty());
}

#[test]
fn names_of_stubs_stay_short_and_on_one_line() {
    let mut host = Host::new(Limits::untrusted());
    let name = format!("evil\\0a{}", "x".repeat(10_000));
    let wat = format!(r#"(module (import "env" "{name}" (func $f)) (func (export "run") (call $f)))"#);
    let module = host.module(&wat);
    stub_missing_imports(host.store(), &mut host.linker, &module).unwrap();
    let mut store = host.store();
    let instance = host.linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    let error = run.call(&mut store, ()).unwrap_err();
    let text = error.downcast_ref::<MissingImport>().unwrap().to_string();
    assert!(text.len() < 500 && text.contains("env.evil x"), "{text}");
}
