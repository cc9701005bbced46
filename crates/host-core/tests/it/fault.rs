//! Every kind of fault, and how a guest gets there.

use std::time::Duration;

use host_core::{Denied, Exit, Fault, FaultKind, Profile, guard, guard_async, trap_name};
use host_limits::{Bytes, Limits, Meter, Ticker, arm, disarm};
use wasmtime::component::Component;
use wasmtime::{
    Engine, GcHeapOutOfMemory, InstanceAllocationStrategy, PoolingAllocationConfig, Store, Trap, component,
};

use crate::{Host, check_text};

/// What `host.call` gives ends this guest.
const CALLER: &str = r#"(module (import "host" "call" (func $call))
    (func $caller (export "run") (result i32) (call $call) (i32.const 1)))"#;

const SEVEN: &str = r#"(module (memory 1) (func (export "run") (result i32) (i32.const 7)))"#;

/// The fault of a guest that calls a host function which gives this error.
fn of(error: impl Fn() -> wasmtime::Error + Send + Sync + 'static) -> Fault {
    let mut host = Host::new(Limits::untrusted());
    host.linker.func_wrap("host", "call", move || Err::<(), _>(error())).unwrap();
    let fault = host.run(CALLER).unwrap_err();
    check_text(&fault);
    fault
}

/// Each trap of Wasmtime, its name for machines, the kind of fault that it is, and who can act on it.
#[rustfmt::skip]
const TRAPS: [(Trap, &str, &str, &str); 50] = [
    (Trap::StackOverflow, "stack-overflow", "budget", "budget"),
    (Trap::MemoryOutOfBounds, "memory-out-of-bounds", "trap", "guest"),
    (Trap::HeapMisaligned, "heap-misaligned", "trap", "guest"),
    (Trap::TableOutOfBounds, "table-out-of-bounds", "trap", "guest"),
    (Trap::IndirectCallToNull, "indirect-call-to-null", "trap", "guest"),
    (Trap::BadSignature, "bad-signature", "trap", "guest"),
    (Trap::IntegerOverflow, "integer-overflow", "trap", "guest"),
    (Trap::IntegerDivisionByZero, "integer-division-by-zero", "trap", "guest"),
    (Trap::BadConversionToInteger, "bad-conversion-to-integer", "trap", "guest"),
    (Trap::UnreachableCodeReached, "unreachable-code-reached", "trap", "guest"),
    (Trap::Interrupt, "interrupt", "trap", "budget"),
    (Trap::OutOfFuel, "out-of-fuel", "budget", "budget"),
    (Trap::AtomicWaitNonSharedMemory, "atomic-wait-non-shared-memory", "trap", "guest"),
    (Trap::NullReference, "null-reference", "trap", "guest"),
    (Trap::ArrayOutOfBounds, "array-out-of-bounds", "trap", "guest"),
    (Trap::AllocationTooLarge, "allocation-too-large", "trap", "guest"),
    (Trap::CastFailure, "cast-failure", "trap", "guest"),
    (Trap::CannotEnterComponent, "cannot-enter-component", "trap", "guest"),
    (Trap::NoAsyncResult, "no-async-result", "trap", "guest"),
    (Trap::UnhandledTag, "unhandled-tag", "trap", "guest"),
    (Trap::ContinuationAlreadyConsumed, "continuation-already-consumed", "trap", "guest"),
    (Trap::DisabledOpcode, "disabled-opcode", "trap", "host"),
    (Trap::AsyncDeadlock, "async-deadlock", "trap", "guest"),
    (Trap::CannotLeaveComponent, "cannot-leave-component", "trap", "guest"),
    (Trap::CannotBlockSyncTask, "cannot-block-sync-task", "trap", "guest"),
    (Trap::InvalidChar, "invalid-char", "trap", "guest"),
    (Trap::DebugAssertStringEncodingFinished, "debug-assert-string-encoding-finished", "trap", "host"),
    (Trap::DebugAssertEqualCodeUnits, "debug-assert-equal-code-units", "trap", "host"),
    (Trap::DebugAssertPointerAligned, "debug-assert-pointer-aligned", "trap", "host"),
    (Trap::DebugAssertUpperBitsUnset, "debug-assert-upper-bits-unset", "trap", "host"),
    (Trap::StringOutOfBounds, "string-out-of-bounds", "trap", "guest"),
    (Trap::ListOutOfBounds, "list-out-of-bounds", "trap", "guest"),
    (Trap::InvalidDiscriminant, "invalid-discriminant", "trap", "guest"),
    (Trap::UnalignedPointer, "unaligned-pointer", "trap", "guest"),
    (Trap::TaskCancelNotCancelled, "task-cancel-not-cancelled", "trap", "guest"),
    (Trap::TaskCancelOrReturnTwice, "task-cancel-or-return-twice", "trap", "guest"),
    (Trap::SubtaskCancelAfterTerminal, "subtask-cancel-after-terminal", "trap", "guest"),
    (Trap::TaskReturnInvalid, "task-return-invalid", "trap", "guest"),
    (Trap::WaitableSetDropHasWaiters, "waitable-set-drop-has-waiters", "trap", "guest"),
    (Trap::SubtaskDropNotResolved, "subtask-drop-not-resolved", "trap", "guest"),
    (Trap::ThreadNewIndirectInvalidType, "thread-new-indirect-invalid-type", "trap", "guest"),
    (Trap::ThreadNewIndirectUninitialized, "thread-new-indirect-uninitialized", "trap", "guest"),
    (Trap::BackpressureOverflow, "backpressure-overflow", "trap", "guest"),
    (Trap::UnsupportedCallbackCode, "unsupported-callback-code", "trap", "guest"),
    (Trap::CannotResumeThread, "cannot-resume-thread", "trap", "guest"),
    (Trap::ConcurrentFutureStreamOp, "concurrent-future-stream-op", "trap", "guest"),
    (Trap::ReferenceCountOverflow, "reference-count-overflow", "trap", "guest"),
    (Trap::StreamOpTooBig, "stream-op-too-big", "trap", "guest"),
    (Trap::WaitableSyncAndAsync, "waitable-sync-and-async", "trap", "guest"),
    (Trap::UncaughtException, "uncaught-exception", "trap", "guest"),
];

#[test]
fn every_code_of_wasmtime_has_a_kind_and_somebody_who_can_act() {
    let codes: Vec<Trap> = (0..=u8::MAX).filter_map(Trap::from_u8).collect();
    assert_eq!(codes, TRAPS.map(|(trap, ..)| trap), "a new code: give it a row");
    for (trap, name, kind, who) in TRAPS {
        let fault = of(move || trap.into());
        assert_eq!((fault.kind().name(), fault.kind().who()), (kind, who), "{trap:?}");
        assert_eq!(fault.trap(), Some(trap));
        assert_eq!(trap_name(trap), name);
        if kind == "trap" {
            assert_eq!(*fault.kind(), FaultKind::Trap(trap));
            assert!(fault.to_string().contains(", in caller"), "{fault}");
        }
    }
}

/// The traps of proposals; those of the first version stand in `guard`. Atomics and stack switching are not compiled into this
/// build of Wasmtime, so that no guest gets to their traps.
#[test]
fn guests_that_use_proposals_trap_in_their_ways() {
    // Making an array burns fuel by its length, before it is found to be too long.
    let host = Host::with_profile(Profile::Development, Limits { fuel: None, ..Limits::untrusted() });
    for (body, trap) in [
        ("(call_ref $give (ref.null $give))", Trap::NullReference),
        ("(array.get $bytes (array.new_default $bytes (i32.const 2)) (i32.const 2))", Trap::ArrayOutOfBounds),
        ("(array.len (array.new_default $bytes (i32.const -1)))", Trap::AllocationTooLarge),
        ("(struct.get $one 0 (ref.cast (ref $one) (ref.i31 (i32.const 1))))", Trap::CastFailure),
        (
            "(memory.fill (i32.const 0) (i32.const 1) (i32.const 65537)) (i32.const 1)",
            Trap::MemoryOutOfBounds,
        ),
        ("(table.get 0 (i32.const 1)) drop (i32.const 1)", Trap::TableOutOfBounds),
    ] {
        let wat = format!(
            r#"(module (memory 1) (table 1 funcref)
                (type $give (func (result i32))) (type $bytes (array (mut i32))) (type $one (struct (field i32)))
                (func $culprit (export "run") (result i32) {body}))"#
        );
        let fault = host.run(&wat).unwrap_err();
        assert_eq!(*fault.kind(), FaultKind::Trap(trap), "{body}: {fault}");
        assert!(fault.to_string().contains(", in culprit"), "{fault}");
        check_text(&fault);
    }
}

#[test]
fn a_store_that_was_disarmed_meanwhile_is_interrupted() {
    let host = Host::new(Limits { fuel: None, ..Limits::untrusted() });
    let mut store = host.store();
    let module = host.module(r#"(module (func (export "run") (result i32) (loop (br 0)) (i32.const 1)))"#);
    let fault = guard(&mut store, |store| {
        let instance = host.linker.instantiate(&mut *store, &module)?;
        let run = instance.get_typed_func::<(), i32>(&mut *store, "run")?;
        disarm(store, None);
        run.call(store, ())
    })
    .unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Trap(Trap::Interrupt));
    assert_eq!(fault.kind().who(), "budget");
}

#[test]
fn a_host_function_ends_the_guest_with_an_exit_code() {
    for code in [0, 3, -1] {
        let fault = of(move || Exit(code).into());
        assert_eq!(*fault.kind(), FaultKind::Exit(code));
        assert_eq!(fault.to_string(), format!("guest: exited with code {code}"));
        assert_eq!(fault.error().downcast_ref::<Exit>(), Some(&Exit(code)));
    }
}

#[test]
fn what_was_not_granted_names_the_grant() {
    let denied = Denied::new("reading /etc/\npasswd", "files.read");
    let error = denied.clone();
    let fault = of(move || wasmtime::Error::from(error.clone()).context("opening a file"));
    assert_eq!(*fault.kind(), FaultKind::Denied(denied));
    assert_eq!(fault.kind().who(), "denied");
    let text = "denied: reading /etc/ passwd is not granted; it takes the grant `files.read`";
    assert_eq!(fault.to_string(), text);
}

#[test]
fn a_denial_after_a_refusal_is_a_denial() {
    // The guest was refused memory before, and goes on.
    let limits = Limits { memory: Bytes::mebi(1), ..Limits::untrusted() };
    let mut host = Host::new(limits);
    let denied = || Err::<(), _>(Denied::new("asking the time", "clocks").into());
    host.linker.func_wrap("host", "call", denied).unwrap();
    let fault = host
        .run(
            r#"(module (import "host" "call" (func $call)) (memory 1)
                (func (export "run") (result i32) (drop (memory.grow (i32.const 100))) (call $call) (i32.const 1)))"#,
        )
        .unwrap_err();
    assert_eq!(fault.kind().name(), "denied", "{fault}");
    assert_eq!(fault.usage().refusals, 1);
}

/// A component that traps, or divides: `run: func(u32) -> u32`, 100 through the argument.
const DIVIDES: &str = r#"(component
    (core module $m (func (export "run") (param i32) (result i32) (i32.div_u (i32.const 100) (local.get 0))))
    (core instance $i (instantiate $m))
    (func (export "run") (param "by" u32) (result u32) (canon lift (core func $i "run"))))"#;

#[test]
fn a_component_that_trapped_leaves_a_store_that_says_so() {
    let limits = Limits::untrusted();
    let engine = Engine::new(limits.configure(&mut Profile::Untrusted.config())).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let component = Component::new(&engine, DIVIDES).unwrap();
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker).unwrap();
    let linker = component::Linker::new(&engine);
    let instance = guard(&mut store, |store| linker.instantiate(store, &component)).unwrap().value;
    let run = instance.get_typed_func::<(u32,), (u32,)>(&mut store, "run").unwrap();
    assert_eq!(guard(&mut store, |store| run.call(store, (5,))).unwrap().value, (20,));
    let fault = guard(&mut store, |store| run.call(store, (0,))).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Trap(Trap::IntegerDivisionByZero));
    let fault = guard(&mut store, |store| run.call(store, (5,))).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Poisoned);
    assert_eq!((fault.kind().who(), fault.trap()), ("host", Some(Trap::CannotEnterComponent)));
    assert!(fault.to_string().contains("call in a fresh one"), "{fault}");
    check_text(&fault);
}

/// A host whose engine has a pool of one place, of 1 MiB.
fn pool_of_one() -> Host {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(1)
        .total_memories(1)
        .total_tables(1)
        .total_stacks(1)
        .total_gc_heaps(1)
        .max_memory_size(1 << 20);
    let mut config = Profile::Development.config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Host::with_config(config, Limits { memory: Bytes::mebi(64), ..Limits::untrusted() })
}

#[test]
fn a_full_pool_is_busy_and_later_it_is_not() {
    let host = pool_of_one();
    let module = host.module(SEVEN);
    let mut first = host.store();
    assert_eq!(host.run_in(&mut first, &module).unwrap().value, 7);
    let fault = host.run_in(&mut host.store(), &module).unwrap_err();
    assert!(matches!(fault.kind(), FaultKind::Busy(words) if words.contains("limit of 1")), "{fault:?}");
    assert_eq!(fault.kind().who(), "host");
    check_text(&fault);
    drop(first);
    assert_eq!(host.run(SEVEN).unwrap().value, 7);
}

#[tokio::test]
async fn a_pool_without_another_stack_is_busy() {
    let mut host = pool_of_one();
    host.linker
        .func_wrap_async("host", "call", |_, ()| Box::new(tokio::time::sleep(Duration::from_secs(60))))
        .unwrap();
    let (waits, seven) = (host.module(CALLER), host.module(r#"(module (func $start) (start $start))"#));
    let (mut one, mut other) = (host.async_store(), host.async_store());
    let waiting = guard_async(&mut one, async |store| {
        let instance = host.linker.instantiate_async(&mut *store, &waits).await?;
        instance.get_typed_func::<(), i32>(&mut *store, "run")?.call_async(store, ()).await
    });
    let fault = tokio::select! {
        biased;
        _ = waiting => panic!("it waits for a minute"),
        result = guard_async(&mut other, async |store| {
            host.linker.instantiate_async(store, &seven).await.map(|_| ())
        }) => result.unwrap_err(),
    };
    assert!(matches!(fault.kind(), FaultKind::Busy(_)), "{fault:?}");
}

#[test]
fn no_memory_from_the_system_is_busy() {
    let full = || wasmtime::Error::from(std::io::Error::from(std::io::ErrorKind::OutOfMemory));
    assert!(matches!(of(full).kind(), FaultKind::Busy(_)));
    let full = || wasmtime::Error::msg("Cannot allocate memory (os error 12)").context("no memory was made");
    if cfg!(target_os = "linux") {
        assert!(matches!(of(full).kind(), FaultKind::Busy(_)));
    }
    let other = || wasmtime::Error::from(std::io::Error::other("Cannot allocate memory"));
    assert_eq!(*of(other).kind(), FaultKind::Host);
}

#[test]
fn a_heap_that_does_not_fit_into_the_pool_is_too_much_for_the_engine() {
    let fault = pool_of_one()
        .run(
            r#"(module (type $bytes (array (mut i8)))
                (func (export "run") (result i32) (array.len (array.new_default $bytes (i32.const 8000000)))))"#,
        )
        .unwrap_err();
    assert!(fault.error().is::<GcHeapOutOfMemory<()>>(), "{fault:?}");
    assert!(matches!(fault.kind(), FaultKind::Capacity(_)), "{fault:?}");
    assert_eq!(fault.kind().who(), "budget");
    check_text(&fault);
}

#[test]
fn what_a_declared_minimum_is_refused_for_is_the_budget() {
    let limits = Limits { memory: Bytes::mebi(1), table_elements: 100, memories: 1, ..Limits::untrusted() };
    let host = Host::with_profile(Profile::Development, limits);
    for (declared, name) in [
        ("(memory 17)", "Memory"),
        ("(memory i64 17)", "Memory"),
        ("(table 101 funcref)", "TableElements"),
        ("(memory 1) (memory 1)", "Memories"),
    ] {
        let fault =
            host.run(&format!(r#"(module {declared} (func (export "run") (result i32) (i32.const 1)))"#));
        let FaultKind::Budget(exceeded) = fault.unwrap_err().kind().clone() else { panic!("{declared}") };
        assert!(format!("{exceeded:?}").starts_with(&format!("{name} ")), "{declared}: {exceeded}");
    }
}

#[test]
fn an_exception_tells_its_tag_and_values_and_leaves_the_store() {
    let host = Host::with_profile(Profile::Development, Limits::untrusted());
    for (tag, throw, text) in [
        ("", "", "guest: threw an exception that it does not catch, in thrower"),
        (
            "(param i32 f64)",
            "(i32.const 7) (f64.const 1.5)",
            "guest: threw an exception that it does not catch (i32, f64: 7, 1.5), in thrower",
        ),
        (
            "(param externref)",
            "(ref.null extern)",
            "guest: threw an exception that it does not catch ((ref null extern): null externref), in thrower",
        ),
    ] {
        let module = host.module(&format!(
            r#"(module (tag $oops {tag}) (func $thrower (export "run") (result i32) (throw $oops {throw})))"#
        ));
        let mut store = host.store();
        let fault = host.run_in(&mut store, &module).unwrap_err();
        assert!(fault.to_string().starts_with(text), "{fault}");
        assert!(!store.has_pending_exception());
        let FaultKind::Exception(exception) = fault.kind() else { panic!("{fault:?}") };
        assert!(exception.tag.is_some());
        check_text(&fault);
    }
}

#[test]
fn a_start_function_of_a_graph_that_exits_or_is_denied_is_told_as_such() {
    let mut host = Host::new(Limits::untrusted());
    host.linker.func_wrap("host", "call", || Err::<(), _>(Exit(4).into())).unwrap();
    let module = host.module(r#"(module (import "host" "call" (func $call)) (start $call))"#);
    let modules = host_core::Modules::new().add("app", module).unwrap();
    let result = guard(&mut host.store(), |store| Ok(modules.instantiate(store, &host.linker)?.iter().len()));
    assert_eq!(*result.unwrap_err().kind(), FaultKind::Exit(4));
}

#[test]
fn fuel_that_the_embedder_set_himself_is_a_budget_too() {
    let mut host = Host::new(Limits { fuel: None, ..Limits::untrusted() });
    host.linker.func_wrap("host", "call", || Err::<(), _>(Trap::OutOfFuel.into())).unwrap();
    let fault = host.run(CALLER).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Trap(Trap::OutOfFuel));
    assert_eq!(fault.kind().who(), "budget");
}
