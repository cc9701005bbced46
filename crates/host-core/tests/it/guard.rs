//! Outcomes and faults of sync calls.

use std::time::Duration;

use host_core::{Fault, FaultKind, MemoryError, guard};
use host_limits::{Bytes, Exceeded, Limits, OnRefusal};
use wasmtime::{Engine, Trap};

use crate::{Host, check_text};

const SEVEN: &str = r#"(module (memory 2) (func (export "run") (result i32) (i32.const 7)))"#;

/// What a guest that calls `host.call` runs into.
fn calling(host: &Host) -> Fault {
    let fault = host
        .run(
            r#"(module (import "host" "call" (func $call))
                (func $caller (call $call))
                (func (export "run") (result i32) (call $caller) (i32.const 1)))"#,
        )
        .unwrap_err();
    check_text(&fault);
    fault
}

#[test]
fn a_good_call_gives_its_value_and_what_it_spent() {
    let outcome = Host::new(Limits::untrusted()).run(SEVEN).unwrap();
    assert_eq!(outcome.value, 7);
    let fuel = outcome.usage.fuel.unwrap();
    assert!((1..100).contains(&fuel), "{fuel}");
    assert_eq!(outcome.usage.memory, Bytes::kibi(128));
    assert_eq!(outcome.usage.refusals, 0);
    assert!(outcome.usage.elapsed > Duration::ZERO);
}

#[test]
fn every_trap_is_the_guests_and_names_the_function() {
    let host = Host::new(Limits::untrusted());
    for (body, trap) in [
        ("unreachable", Trap::UnreachableCodeReached),
        ("(i32.load (i32.const 65533))", Trap::MemoryOutOfBounds),
        ("(i32.div_s (i32.const 1) (i32.const 0))", Trap::IntegerDivisionByZero),
        ("(i32.div_s (i32.const 0x80000000) (i32.const -1))", Trap::IntegerOverflow),
        ("(i32.trunc_f32_s (f32.const nan))", Trap::BadConversionToInteger),
        ("(call_indirect (type $other) (i32.const 9))", Trap::TableOutOfBounds),
        ("(call_indirect (type $other) (i32.const 1))", Trap::IndirectCallToNull),
        ("(call_indirect (type $other) (i32.const 0))", Trap::BadSignature),
    ] {
        let wat = format!(
            r#"(module (memory 1) (type $other (func (result i32)))
                (table 2 funcref) (elem (i32.const 0) $target) (func $target)
                (func $culprit (result i32) {body})
                (func $innocent (export "run") (result i32) (call $culprit)))"#
        );
        let fault = host.run(&wat).unwrap_err();
        assert_eq!(*fault.kind(), FaultKind::Trap(trap), "{body}");
        assert_eq!(fault.trap(), Some(trap));
        assert_eq!(fault.kind().who(), "guest");
        let stack: Vec<_> = fault.backtrace().iter().map(|frame| frame.function.as_deref()).collect();
        assert_eq!(stack, [Some("culprit"), Some("innocent")], "{body}");
        assert!(fault.to_string().contains(", in culprit"), "{fault}");
        check_text(&fault);
    }
}

#[test]
fn every_budget_is_named_with_what_was_allowed() {
    let limits = Limits {
        memory: Bytes::mebi(1),
        fuel: Some(100_000),
        deadline: Duration::from_secs(60),
        ..Limits::untrusted()
    };
    let spin = "(loop (br 0)) unreachable";
    let deep = "(call 0)";
    let grow = "(memory.grow (i32.const 16))";
    let give_up =
        "(if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable)) (i32.const 0)";
    let memory = Exceeded::Memory { allowed: Bytes::mebi(1), asked: Bytes::kibi(1088) };
    let deadline = Duration::from_millis(50);
    for (limits, body, exceeded) in [
        (limits.clone(), spin, Exceeded::Fuel { allowed: 100_000 }),
        (Limits { fuel: None, ..limits.clone() }, deep, Exceeded::Stack { allowed: Bytes::kibi(512) }),
        (Limits { on_refusal: OnRefusal::Trap, ..limits.clone() }, grow, memory.clone()),
        (limits.clone(), give_up, memory),
        (Limits { fuel: None, deadline, ..limits.clone() }, spin, Exceeded::Deadline { allowed: deadline }),
    ] {
        let wat = format!(r#"(module (memory 1) (func (export "run") (result i32) {body}))"#);
        let fault = Host::new(limits).run(&wat).unwrap_err();
        assert_eq!(*fault.kind(), FaultKind::Budget(exceeded.clone()), "{body}");
        assert_eq!(fault.to_string(), format!("budget: {exceeded}"));
        check_text(&fault);
    }
}

#[test]
fn a_fault_tells_what_was_spent_until_then() {
    let limits = Limits { fuel: Some(10_000), ..Limits::untrusted() };
    let wat = r#"(module (memory 3) (func (export "run") (result i32) (loop (br 0)) unreachable))"#;
    let fault = Host::new(limits).run(wat).unwrap_err();
    assert_eq!(fault.usage().fuel, Some(10_000));
    assert_eq!(fault.usage().peak_memory, Bytes::kibi(192));
}

#[test]
fn a_start_function_is_guarded_like_a_call() {
    let host = Host::new(Limits { fuel: Some(10_000), ..Limits::untrusted() });
    let wat = r#"(module (func $init (loop (br 0))) (start $init) (func (export "run") (result i32) (i32.const 1)))"#;
    let fault = host.run(wat).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Fuel { allowed: 10_000 }));
}

#[test]
fn a_guest_without_the_memory_that_a_host_function_reads() {
    let fault = Host::new(Limits::untrusted())
        .run(
            r#"(module (import "env" "host_log" (func $log (param i32 i32)))
                (func (export "run") (result i32) (call $log (i32.const 0) (i32.const 1)) (i32.const 1)))"#,
        )
        .unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::BadArgument(MemoryError::NoExport { name: "memory".into() }));
    assert!(fault.to_string().contains("exports no memory named `memory`"), "{fault}");
    check_text(&fault);
}

#[test]
fn a_host_function_that_panics_ends_its_own_call_only() {
    let mut host = Host::new(Limits::untrusted());
    host.linker.func_wrap("host", "call", || -> () { panic!("no such\nuser: {}", 17) }).unwrap();

    // A store that is in the middle of its life, on the same engine.
    let mut neighbour = host.store();
    let module = host.module(
        r#"(module (global $calls (mut i32) (i32.const 0)) (func (export "run") (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1))) (global.get $calls)))"#,
    );
    let instance = host.linker.instantiate(&mut neighbour, &module).unwrap();
    let mut count = || {
        guard(&mut neighbour, |store| instance.get_typed_func::<(), i32>(&mut *store, "run")?.call(store, ()))
            .unwrap()
            .value
    };
    assert_eq!(count(), 1);

    let fault = calling(&host);
    assert_eq!(*fault.kind(), FaultKind::Panic("no such\nuser: 17".into()));
    assert_eq!(fault.to_string(), "host: a host function panicked: no such user: 17");

    assert_eq!(count(), 2);
    assert_eq!(host.run(SEVEN).unwrap().value, 7);
}

#[test]
fn panics_of_any_kind_of_message() {
    let mut host = Host::new(Limits::untrusted());
    host.linker.allow_shadowing(true);
    host.linker.func_wrap("host", "call", || -> () { panic!("plain") }).unwrap();
    assert_eq!(*calling(&host).kind(), FaultKind::Panic("plain".into()));
    host.linker.func_wrap("host", "call", || -> () { std::panic::panic_any(42) }).unwrap();
    assert_eq!(*calling(&host).kind(), FaultKind::Panic("no message".into()));
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("no user {id}")]
struct NoUser {
    id: u32,
    source: Option<std::num::ParseIntError>,
}

#[test]
fn the_hosts_own_error_comes_back_as_it_was() {
    let mut host = Host::new(Limits::untrusted());
    let no_user = || NoUser { id: 17, source: "x".parse::<i32>().err() };
    host.linker.func_wrap("host", "call", move || Err::<(), _>(no_user().into())).unwrap();
    let fault = calling(&host);
    assert_eq!(*fault.kind(), FaultKind::Host);
    assert_eq!(fault.kind().who(), "host");
    assert_eq!(fault.error().downcast_ref::<NoUser>(), Some(&no_user()));
    assert_eq!(fault.to_string(), "host: no user 17: invalid digit found in string");
    assert_eq!(fault.backtrace()[0].function.as_deref(), Some("caller"));
}

#[test]
fn context_of_a_hosts_error_is_not_lost_and_many_lines_become_one() {
    let mut host = Host::new(Limits::untrusted());
    let error = || wasmtime::Error::msg("line one\nline two").context("cannot ask the database");
    host.linker.func_wrap("host", "call", move || Err::<(), _>(error())).unwrap();
    assert_eq!(calling(&host).to_string(), "host: cannot ask the database: line one line two");
}

#[test]
fn a_trap_that_a_host_function_gives_is_the_guests() {
    let mut host = Host::new(Limits::untrusted());
    host.linker.func_wrap("host", "call", || Err::<(), _>(Trap::HeapMisaligned.into())).unwrap();
    assert_eq!(*calling(&host).kind(), FaultKind::Trap(Trap::HeapMisaligned));
}

#[test]
fn another_layer_can_say_what_an_error_means() {
    let mut host = Host::new(Limits::untrusted());
    let error = || Err::<(), _>(NoUser { id: 3, source: None }.into());
    host.linker.func_wrap("host", "call", error).unwrap();
    let exit = |error: &wasmtime::Error| {
        error.downcast_ref::<NoUser>().map(|no_user| FaultKind::Exit(no_user.id.cast_signed()))
    };
    let fault = calling(&host).reclassify(exit);
    assert_eq!(*fault.kind(), FaultKind::Exit(3));
    assert_eq!(fault.to_string(), "guest: exited with code 3");
    assert_eq!(*fault.reclassify(|_| None).kind(), FaultKind::Exit(3));
}

#[test]
fn an_exception_that_nobody_catches_is_the_guests() {
    let host = Host::with_profile(host_core::Profile::Development, Limits::untrusted());
    let fault = host
        .run(r#"(module (tag $oops) (func $thrower (export "run") (result i32) (throw $oops)))"#)
        .unwrap_err();
    assert_eq!(fault.kind().name(), "exception");
    assert_eq!(fault.kind().who(), "guest");
    check_text(&fault);
}

#[test]
fn a_store_that_was_never_armed_runs_nothing() {
    let host = Host::new(Limits::untrusted());
    let mut store = host.unarmed();
    let fault = guard(&mut store, |_| -> wasmtime::Result<()> { panic!("the work began") }).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Host);
    assert!(fault.to_string().contains("not armed"), "{fault}");
    check_text(&fault);
}

#[test]
fn hostile_names_stay_short_and_on_one_line() {
    // A function named by its guest, in the name section: control characters, and very long.
    let name = format!("evil\\1b[2J\\0a{}", "x".repeat(10_000));
    let wat = format!(r#"(module $mod (func $f (@name "{name}") (export "run") (result i32) unreachable))"#);
    let fault = Host::new(Limits::untrusted()).run(&wat).unwrap_err();
    let function = fault.backtrace()[0].function.as_deref().unwrap();
    assert!(function.starts_with("evil"), "{function}");
    assert!(function.len() < 500, "{}", function.len());
    assert!(!fault.to_string().contains(char::is_control), "{fault:?}");
    check_text(&fault);
}

#[test]
fn faults_can_be_sent_and_kept() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Fault>();
    check::<Engine>();
}

#[test]
fn a_call_that_was_cancelled_before_does_not_begin() {
    let host = Host::new(Limits::untrusted());
    let mut store = host.store();
    store.data().meter.deadline().unwrap().cancel_handle().cancel();
    let fault = host.run_in(&mut store, &host.module(SEVEN)).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Cancelled));

    let deadline = Duration::ZERO;
    let fault = Host::new(Limits { deadline, ..Limits::untrusted() }).run(SEVEN).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Deadline { allowed: deadline }));
}

#[test]
fn a_panic_is_never_taken_for_a_budget() {
    let mut host = Host::new(Limits::untrusted());
    host.linker
        .func_wrap("host", "call", || -> () { panic!("no user `x: store handle limit exceeded") })
        .unwrap();
    let fault = calling(&host);
    assert!(matches!(fault.kind(), FaultKind::Panic(_)), "{fault:?}");
}

/// Panics when it is dropped.
struct Sharp;

impl Drop for Sharp {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_panic_whose_payload_panics_too() {
    let mut host = Host::new(Limits::untrusted());
    host.linker.func_wrap("host", "call", || -> () { std::panic::panic_any(Sharp) }).unwrap();
    assert_eq!(*calling(&host).kind(), FaultKind::Panic("no message".into()));
}

#[test]
fn values_on_the_heap_count_as_memory_and_its_refusal_names_the_budget() {
    let limits = Limits { memory: Bytes::mebi(1), ..Limits::untrusted() };
    let host = Host::with_profile(host_core::Profile::Development, limits);
    let fault = host
        .run(
            r#"(module (type $bytes (array (mut i8))) (table $kept 100 (ref null $bytes))
                (func (export "run") (result i32) (local i32)
                    (loop
                        (table.set $kept (local.get 0) (array.new_default $bytes (i32.const 100000)))
                        (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                        (br_if 0 (i32.lt_u (local.get 0) (i32.const 100))))
                    (i32.const 1)))"#,
        )
        .unwrap_err();
    assert!(matches!(fault.kind(), FaultKind::Budget(Exceeded::Memory { .. })), "{fault}");
}
