//! How a call ended decides what is known of it: how much fuel it burnt, and whether its store may be used again.

use std::time::Duration;

use host_limits::{
    ArmError, Exceeded, Ledger, LedgerLimits, Limits, Meter, OnRefusal, arm, arm_async, disarm, usage,
};
use wasmtime::{Caller, Linker, Module, Store, Trap};

use crate::{Data, Host, run_in};

const RESERVED: u64 = 100_000_000;

/// Counts to a million, which burns some millions, and then does as `end` says.
fn work(end: &str) -> String {
    format!(
        r#"(module (import "host" "fail" (func $fail)) (memory 1) (table 1 funcref) (func $unreachable unreachable)
            (func (export "run") (result i32) (local i32 i32)
                (loop (br_if 0 (i32.lt_u
                    (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000000))))
                {end} (i32.const 7)))"#
    )
}

fn host(limits: Limits) -> (Host, Ledger) {
    let mut host = Host::new(Limits { fuel: Some(RESERVED), deadline: Duration::from_secs(3600), ..limits });
    host.linker
        .func_wrap("host", "fail", || -> wasmtime::Result<()> { wasmtime::bail!("of the host") })
        .unwrap();
    let limits = LedgerLimits { fuel: Some(10 * RESERVED), ..LedgerLimits::default() };
    (host, Ledger::new("acme", limits))
}

fn store(host: &Host, ledger: &Ledger) -> Store<Data> {
    let meter = Meter::charged_to(ledger, host.limits.clone()).unwrap();
    let mut store = Store::new(&host.engine, Data { calls: 0, meter });
    arm(&mut store, &host.ticker).unwrap();
    store
}

/// What the ledger is charged with after a call that ends as `end` says, and what the store says that it burnt.
fn charged(limits: Limits, end: &str, ended: impl Fn(&wasmtime::Result<i32>) -> bool) -> (u64, u64) {
    let (host, ledger) = host(limits);
    let mut store = store(&host, &ledger);
    let run = run_in(&host, &mut store, &work(end));
    assert!(ended(&run.result), "{end}: {:?}", run.result);
    let spent = disarm(&mut store, run.result.as_ref().err()).fuel.unwrap();
    (ledger.usage().fuel, spent)
}

fn trap(trap: Trap) -> impl Fn(&wasmtime::Result<i32>) -> bool {
    move |result| result.as_ref().is_err_and(|error| error.downcast_ref() == Some(&trap))
}

#[test]
fn what_a_guest_that_ends_by_itself_or_by_the_host_burnt_is_known() {
    let of_host = |result: &wasmtime::Result<i32>| {
        result.as_ref().is_err_and(|error| error.root_cause().to_string() == "of the host")
    };
    for (fuel, spent) in [
        charged(Limits::default(), "", Result::is_ok),
        charged(Limits::default(), "(unreachable)", trap(Trap::UnreachableCodeReached)),
        charged(Limits::default(), "(call $unreachable)", trap(Trap::UnreachableCodeReached)),
        charged(Limits::default(), "(call $fail)", of_host),
    ] {
        assert_eq!(fuel, spent);
        assert!((7_000_000..8_000_000).contains(&fuel), "{fuel}");
    }
    let all = charged(Limits::default(), "(loop (br 0))", trap(Trap::OutOfFuel));
    assert_eq!(all, (RESERVED, RESERVED));
}

/// The processor traps while the count stands in a register, where nobody can read it.
#[test]
fn a_trap_of_the_processor_burns_all() {
    for (end, with) in [
        ("(drop (i32.div_u (i32.const 1) (local.get 1)))", Trap::IntegerDivisionByZero),
        ("(drop (i32.load (i32.mul (local.get 0) (i32.const 100))))", Trap::MemoryOutOfBounds),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", Trap::BadConversionToInteger),
        ("(call_indirect (local.get 1))", Trap::IndirectCallToNull),
        ("(table.set (local.get 0) (ref.null func))", Trap::TableOutOfBounds),
        ("(memory.fill (local.get 0) (i32.const 0) (local.get 0))", Trap::MemoryOutOfBounds),
    ] {
        assert_eq!(charged(Limits::default(), end, trap(with)).0, RESERVED, "{end}");
    }
}

#[test]
fn a_growth_that_is_refused_with_a_trap_burns_all() {
    let limits = || Limits { on_refusal: OnRefusal::Trap, ..Limits::default() };
    let exceeded =
        |result: &wasmtime::Result<i32>| result.as_ref().is_err_and(|error| Exceeded::find(error).is_some());
    for end in
        ["(drop (memory.grow (i32.const 10000)))", "(drop (table.grow (ref.null func) (i32.const 1000000)))"]
    {
        assert_eq!(charged(limits(), end, exceeded).0, RESERVED, "{end}");
    }
}

#[test]
fn a_guest_that_is_stopped_has_burnt_all() {
    let (mut host, _) = host(Limits::default());
    host.limits.deadline = Duration::from_millis(30);
    host.limits.fuel = Some(u64::MAX / 4);
    let ledger = Ledger::new("wide", LedgerLimits { fuel: Some(u64::MAX), ..LedgerLimits::default() });
    let mut store = store(&host, &ledger);
    let run = run_in(&host, &mut store, &work("").replace("1000000", "-1"));
    assert_eq!(run.reason, Some(Exceeded::Deadline { allowed: host.limits.deadline }));
    disarm(&mut store, run.result.as_ref().err());
    assert_eq!(ledger.usage().fuel, u64::MAX / 4);
}

/// A host function may have swallowed the error of a guest that was stopped, and returned well.
#[test]
fn a_call_that_returns_after_it_was_cancelled_has_burnt_all() {
    let (host, ledger) = host(Limits::default());
    let mut store = store(&host, &ledger);
    let run = run_in(&host, &mut store, &work(""));
    store.data().meter.deadline().unwrap().cancel_handle().cancel();
    disarm(&mut store, run.result.as_ref().err());
    assert_eq!((run.result.unwrap(), ledger.usage().fuel), (7, RESERVED));
}

#[test]
fn a_store_whose_ending_is_not_told_has_burnt_all() {
    let (host, ledger) = host(Limits::default());
    let mut again = store(&host, &ledger);
    assert_eq!(run_in(&host, &mut again, &work("")).result.unwrap(), 7);
    arm(&mut again, &host.ticker).unwrap();
    assert_eq!(ledger.usage().fuel, 2 * RESERVED);
    drop(again);
    assert_eq!((ledger.usage().fuel, ledger.usage().calls), (2 * RESERVED, 0));
}

/// A store with a guest that waits in the host for ever.
async fn waiting(host: &Host, ledger: &Ledger) -> (Store<Meter>, wasmtime::TypedFunc<(), ()>) {
    let mut linker = Linker::<Meter>::new(&host.engine);
    linker
        .func_wrap_async("host", "wait", |_: Caller<'_, Meter>, ()| Box::new(std::future::pending::<()>()))
        .unwrap();
    let wat = r#"(module (import "host" "wait" (func $wait)) (func (export "run") (call $wait)))"#;
    let module = Module::new(&host.engine, wat).unwrap();
    let mut store = Store::new(&host.engine, Meter::charged_to(ledger, host.limits.clone()).unwrap());
    arm_async(&mut store, &host.ticker).unwrap();
    let instance = linker.instantiate_async(&mut store, &module).await.unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    (store, run)
}

#[tokio::test]
async fn a_bound_call_that_is_dropped_half_way_retires_its_store() {
    let (host, ledger) = host(Limits::default());
    // By its owner, at the first wait.
    let (mut store, run) = waiting(&host, &ledger).await;
    let deadline = store.data().deadline().unwrap().clone();
    let mut call = Box::pin(deadline.bound(run.call_async(&mut store, ())));
    std::future::poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    drop(call);
    assert_eq!(arm_async(&mut store, &host.ticker), Err(ArmError::Retired));
    // Whatever is said of its ending.
    disarm(&mut store, None);
    assert_eq!(ledger.usage().fuel, RESERVED);
    assert_eq!(arm(&mut store, &host.ticker), Err(ArmError::Retired));
    assert_eq!(ledger.usage().calls, 0);

    // By a cancellation.
    let (mut store, run) = waiting(&host, &ledger).await;
    let deadline = store.data().deadline().unwrap().clone();
    let cancel = deadline.cancel_handle();
    let canceller = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(20));
        cancel.cancel();
    });
    let ended = deadline.bound(run.call_async(&mut store, ())).await;
    assert_eq!(ended.unwrap_err(), Exceeded::Cancelled);
    canceller.await.unwrap();
    assert_eq!(arm_async(&mut store, &host.ticker), Err(ArmError::Retired));
}

#[tokio::test]
async fn a_bound_call_that_ends_or_never_begins_leaves_its_store_as_it_is() {
    let (host, ledger) = host(Limits::default());
    let (mut store, run) = waiting(&host, &ledger).await;
    let deadline = store.data().deadline().unwrap().clone();
    drop(deadline.bound(run.call_async(&mut store, ())));
    deadline.cancel_handle().cancel();
    assert_eq!(deadline.bound(run.call_async(&mut store, ())).await.unwrap_err(), Exceeded::Cancelled);
    arm_async(&mut store, &host.ticker).unwrap();
    let deadline = store.data().deadline().unwrap().clone();
    assert_eq!(deadline.bound(async { 7 }).await, Ok(7));
    assert_eq!(deadline.bound(tokio::task::yield_now()).await, Ok(()));
    arm_async(&mut store, &host.ticker).unwrap();
    assert!(usage(&mut store).elapsed < Duration::from_secs(3600));
}
