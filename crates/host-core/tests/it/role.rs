//! Commands and reactors: `_initialize` before anything else, `_start` only when asked, and modules that are neither
//! properly.

use std::error::Error;

use host_core::{
    FaultKind, LinkError, ModuleRole, Modules, RoleError, guard, initialize, initialize_async, run_command,
    run_command_async,
};
use host_limits::Limits;
use wasmtime::{Instance, Trap};

use crate::{Data, Host, check_text};

fn host() -> Host {
    let mut host = Host::new(Limits::untrusted());
    let mark = |mut caller: wasmtime::Caller<'_, Data>, number: i32| {
        caller.data_mut().lines.push(number.to_string());
    };
    host.linker.func_wrap("env", "mark", mark).unwrap();
    host
}

/// Counts how often it is initialised, after its start function.
const REACTOR: &str = r#"(module (import "env" "mark" (func $mark (param i32)))
    (global $ready (mut i32) (i32.const 0))
    (func $start (call $mark (i32.const 1))) (start $start)
    (func (export "_initialize") (call $mark (i32.const 2))
        (global.set $ready (i32.add (global.get $ready) (i32.const 1))))
    (func (export "ready") (result i32) (global.get $ready)))"#;

/// Uses the reactor in its own start function already.
const COMMAND: &str = r#"(module (import "env" "mark" (func $mark (param i32)))
    (import "reactor" "ready" (func $ready (result i32)))
    (func $start (call $mark (i32.add (i32.const 10) (call $ready)))) (start $start)
    (func (export "_start") (call $mark (i32.const 20))))"#;

#[test]
fn a_reactor_is_initialised_once_before_others_use_it_and_a_command_runs_when_asked() {
    let host = host();
    // By the alphabet, the command would be first.
    let modules = Modules::new()
        .add("command", host.module(COMMAND))
        .unwrap()
        .add("reactor", host.module(REACTOR))
        .unwrap();
    let linked = modules.link(host.store(), &host.linker).unwrap();
    let order: Vec<_> = linked.order().collect();
    assert_eq!(order, [("reactor", ModuleRole::Reactor), ("command", ModuleRole::Command)]);
    for _ in 0..2 {
        let mut store = host.store();
        let instances = linked.instantiate(&mut store).unwrap();
        assert_eq!(store.data().lines, ["1", "2", "11"]);
        run_command(&mut store, &instances["command"]).unwrap();
        assert_eq!(store.data().lines, ["1", "2", "11", "20"]);
        let error = run_command(&mut store, &instances["reactor"]).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&RoleError::NoCommand));
    }
}

#[tokio::test]
async fn the_same_in_an_async_store() {
    let host = host();
    let modules = Modules::new()
        .add("command", host.module(COMMAND))
        .unwrap()
        .add("reactor", host.module(REACTOR))
        .unwrap();
    let mut store = host.async_store();
    let instances = modules.instantiate_async(&mut store, &host.linker).await.unwrap();
    run_command_async(&mut store, &instances["command"]).await.unwrap();
    assert_eq!(store.data().lines, ["1", "2", "11", "20"]);

    let prepared = host.linker.instantiate_pre(&host.module(REACTOR)).unwrap();
    let instance = prepared.instantiate_async(&mut store).await.unwrap();
    initialize_async(&mut store, &instance).await.unwrap();
    assert_eq!(store.data().lines[4..], ["1", "2"]);
}

#[test]
fn a_single_module_is_initialised_by_hand() {
    let host = host();
    let mut store = host.store();
    let instance = host.linker.instantiate(&mut store, &host.module(REACTOR)).unwrap();
    initialize(&mut store, &instance).unwrap();
    assert_eq!(store.data().lines, ["1", "2"]);
    // Nothing to do for others; a command is not run by it.
    let module = host.module(r#"(module (func (export "_start") unreachable))"#);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    initialize(&mut store, &instance).unwrap();
    let error = run_command(&mut store, &instance).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Trap::UnreachableCodeReached));
}

#[test]
fn a_module_that_is_no_proper_command_or_reactor_is_refused_before_anything_runs() {
    let host = host();
    let entry = |export, found: &str| RoleError::EntryPoint { export, found: found.to_owned() };
    let cases = [
        (r#"(func (export "_start")) (func (export "_initialize"))"#, RoleError::Both),
        (r#"(func (export "_start") (param i32))"#, entry("_start", "func(i32)")),
        (
            r#"(func (export "_initialize") (result i32) (i32.const 0))"#,
            entry("_initialize", "func() -> i32"),
        ),
        (r#"(memory (export "_initialize") 1)"#, entry("_initialize", "memory of 1 or more pages")),
        (r#"(global (export "_start") i32 (i32.const 0))"#, entry("_start", "global of i32")),
    ];
    for (wat, expected) in cases {
        let module = host.module(&format!("(module {wat})"));
        assert_eq!(ModuleRole::of(&module), Err(expected.clone()));
        let modules = Modules::new().add("a", host.module(REACTOR)).unwrap().add("bad", module).unwrap();
        let mut store = host.store();
        let error = modules.instantiate(&mut store, &host.linker).unwrap_err();
        assert_eq!(error.to_string(), "module `bad` is no proper command or reactor");
        assert_eq!(error.source().unwrap().to_string(), expected.to_string());
        let LinkError::Role { name, error } = error else { panic!("{error:?}") };
        assert_eq!((&*name, error), ("bad", expected));
        assert!(store.data().lines.is_empty(), "{wat}");
    }
    for (wat, role) in [
        ("(module)", ModuleRole::Library),
        (r#"(module (func (export "_initialize")))"#, ModuleRole::Reactor),
        (r#"(module (func (export "_start")))"#, ModuleRole::Command),
    ] {
        assert_eq!(ModuleRole::of(&host.module(wat)), Ok(role));
    }
}

#[test]
fn a_reactor_that_traps_is_told_with_its_module_and_its_cause() {
    let host = host();
    let module = host.module(r#"(module (func $setup (export "_initialize") unreachable))"#);
    let modules = Modules::new().add("a", module).unwrap();
    let linked = modules.link(host.store(), &host.linker).unwrap();
    let fault = guard(&mut host.store(), |store| Ok(linked.instantiate(store)?)).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Trap(Trap::UnreachableCodeReached));
    assert_eq!(fault.backtrace()[0].function.as_deref(), Some("setup"));
    check_text(&fault);
    let error: &LinkError = fault.error().downcast_ref().unwrap();
    assert!(matches!(error, LinkError::Initialize { name, .. } if name == "a"), "{error:?}");
    assert_eq!(error.to_string(), "module `a` cannot be initialised by its `_initialize`");
}
