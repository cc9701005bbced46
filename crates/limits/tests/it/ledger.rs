//! Totals of many stores: charged as they take, given back as they go, and never above what is allowed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use host_limits::{
    ArmError, Bytes, Exceeded, HasMeter as _, Ledger, LedgerLimits, LedgerUsage, Limits, Meter, OnRefusal,
    arm, arm_async, disarm,
};
use wasmtime::{Engine, Linker, Module, Store};

use crate::{Data, Host, run_in};

const GROW: &str = r#"(module (memory 0)
    (func (export "run") (result i32) (local i32)
        (loop (if (i32.ne (memory.grow (i32.const 16)) (i32.const -1))
            (then (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 1))))
        (local.get 0)))"#;
const LOOP: &str = r#"(module (func (export "run") (result i32) (loop (br 0)) (i32.const 0)))"#;
const FINE: &str = r#"(module (func (export "run") (result i32) (i32.const 7)))"#;

fn wide() -> LedgerLimits {
    LedgerLimits { fuel: None, ..LedgerLimits::default() }
}

fn store(host: &Host, ledger: &Ledger) -> Store<Data> {
    let meter = Meter::charged_to(ledger, host.limits.clone()).unwrap();
    Store::new(&host.engine, Data { calls: 0, meter })
}

fn nothing_held(usage: &LedgerUsage) -> bool {
    (usage.memory, usage.stores, usage.calls) == (Bytes::new(0), 0, 0)
}

#[test]
pub(crate) fn memory() {
    let host = Host::new(Limits::default());
    let ledger = Ledger::new("acme", LedgerLimits { memory: Bytes::mebi(10), ..wide() });
    let (mut first, mut second) = (store(&host, &ledger), store(&host, &ledger));
    for store in [&mut first, &mut second] {
        arm(store, &host.ticker).unwrap();
    }
    let fixed = GROW.replace("(memory 0)", "(memory 0 64)");
    assert_eq!(run_in(&host, &mut first, &fixed).result.unwrap(), 4);
    assert_eq!(run_in(&host, &mut second, GROW).result.unwrap(), 6);
    let refusal =
        Exceeded::LedgerMemory { ledger: "acme".into(), allowed: Bytes::mebi(10), asked: Bytes::mebi(11) };
    assert_eq!(second.data().meter.last_refusal(), Some(&refusal));
    assert_eq!((ledger.usage().memory, ledger.usage().refusals), (Bytes::mebi(10), 1));

    drop(first);
    assert_eq!(ledger.usage().memory, Bytes::mebi(6));
    assert_eq!(run_in(&host, &mut second, GROW).result.unwrap(), 4);
    drop(second);
    assert!(nothing_held(&ledger.usage()));
    assert_eq!(ledger.usage().peak_memory, Bytes::mebi(10));
}

#[test]
fn a_refused_charge_ends_the_call_on_request() {
    let host = Host::new(Limits { on_refusal: OnRefusal::Trap, ..Limits::default() });
    let ledger = Ledger::new("acme", LedgerLimits { memory: Bytes::mebi(2), ..wide() });
    let mut store = store(&host, &ledger);
    arm(&mut store, &host.ticker).unwrap();
    let error = run_in(&host, &mut store, GROW).result.unwrap_err();
    let said = Exceeded::find(&error).unwrap().to_string();
    assert_eq!(said, "ledger `acme`: memory budget of 2MiB exceeded: its stores asked for 3MiB in total");
}

#[test]
pub(crate) fn stores() {
    let ledger = Ledger::new("process", LedgerLimits { stores: 2, ..wide() });
    let first = Meter::charged_to(&ledger, Limits::default()).unwrap();
    let second = Meter::charged_to(&ledger, Limits::default()).unwrap();
    let refused = Meter::charged_to(&ledger, Limits::default()).unwrap_err();
    assert_eq!(refused, Exceeded::LedgerStores { ledger: "process".into(), allowed: 2 });
    drop(first);
    let third = Meter::charged_to(&ledger, Limits::default()).unwrap();
    drop((second, third));
    assert!(nothing_held(&ledger.usage()));
}

#[test]
pub(crate) fn calls() {
    let host = Host::new(Limits::default());
    let ledger = Ledger::new("acme", LedgerLimits { calls: 1, ..wide() });
    let (mut first, mut second) = (store(&host, &ledger), store(&host, &ledger));
    arm(&mut first, &host.ticker).unwrap();
    let refused = arm(&mut second, &host.ticker).unwrap_err();
    let full = Exceeded::LedgerCalls { ledger: "acme".into(), allowed: 1 };
    assert_eq!(refused, ArmError::Exceeded(full));

    // Armed again, it is the same call; disarmed, it is none.
    arm(&mut first, &host.ticker).unwrap();
    assert_eq!(ledger.usage().calls, 1);
    disarm(&mut first);
    arm(&mut second, &host.ticker).unwrap();
    assert_eq!(run_in(&host, &mut second, FINE).result.unwrap(), 7);
    drop(second);
    assert_eq!(ledger.usage().calls, 0);
}

#[test]
fn a_store_that_may_not_be_armed_again_runs_nothing() {
    let host = Host::new(Limits { fuel: Some(1_000), ..Limits::default() });
    let ledger = Ledger::new("acme", LedgerLimits { fuel: Some(1_500), ..wide() });
    let mut store = store(&host, &ledger);
    for _ in 0..2 {
        arm(&mut store, &host.ticker).unwrap();
        run_in(&host, &mut store, LOOP).result.unwrap_err();
    }
    let refused = arm(&mut store, &host.ticker).unwrap_err();
    assert!(matches!(refused, ArmError::Exceeded(Exceeded::LedgerFuel { .. })), "{refused}");
    assert_eq!(ledger.usage().calls, 0);
    let error = run_in(&host, &mut store, FINE).result.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&wasmtime::Trap::OutOfFuel));
}

#[test]
pub(crate) fn fuel() {
    let window = Duration::from_secs(3600);
    let host = Host::new(Limits { fuel: Some(10_000), ..Limits::default() });
    let limits = LedgerLimits { fuel: Some(25_000), fuel_window: window, ..wide() };
    let ledger = Ledger::new("acme", limits);
    let call = |wat| {
        let mut store = store(&host, &ledger);
        arm(&mut store, &host.ticker)?;
        let run = run_in(&host, &mut store, wat);
        disarm(&mut store);
        Ok::<_, ArmError>(run.reason)
    };
    // What is not burnt is given back.
    for _ in 0..100 {
        assert_eq!(call(FINE), Ok(None));
    }
    let little = ledger.usage().fuel;
    assert!((100..5_000).contains(&little), "{little}");

    assert_eq!(call(LOOP), Ok(Some(Exceeded::Fuel { allowed: 10_000 })));
    assert_eq!(call(LOOP), Ok(Some(Exceeded::Fuel { allowed: 10_000 })));
    let spent = Exceeded::LedgerFuel { ledger: "acme".into(), allowed: 25_000, window };
    // The third gets what the ledger has left, and is told whose budget it ran into.
    assert_eq!(call(LOOP), Ok(Some(spent.clone())));
    assert_eq!(call(FINE), Err(ArmError::Exceeded(spent.clone())));
    assert_eq!(spent.to_string(), "ledger `acme`: fuel budget of 25000 in 1h exceeded");
}

#[test]
fn a_store_that_is_dropped_armed_has_burnt_its_fuel() {
    let host = Host::new(Limits { fuel: Some(10_000), ..Limits::default() });
    let ledger = Ledger::new("acme", LedgerLimits { fuel: Some(25_000), ..wide() });
    let mut store = store(&host, &ledger);
    arm(&mut store, &host.ticker).unwrap();
    drop(store);
    assert_eq!((ledger.usage().fuel, ledger.usage().calls), (10_000, 0));
}

/// What it burnt in its loop stands in a register when it is stopped, where nobody can read it.
#[test]
fn a_guest_that_is_stopped_by_its_deadline_has_burnt_its_fuel() {
    let deadline = Duration::from_millis(30);
    let host = Host::new(Limits { fuel: Some(u64::MAX / 4), deadline, ..Limits::default() });
    let ledger = Ledger::new("acme", LedgerLimits { fuel: Some(u64::MAX), ..wide() });
    let mut store = store(&host, &ledger);
    arm(&mut store, &host.ticker).unwrap();
    assert_eq!(run_in(&host, &mut store, LOOP).reason, Some(Exceeded::Deadline { allowed: deadline }));
    disarm(&mut store);
    assert_eq!(ledger.usage().fuel, u64::MAX / 4);
    // Armed again, it is settled as well.
    arm(&mut store, &host.ticker).unwrap();
    run_in(&host, &mut store, LOOP).result.unwrap_err();
    arm(&mut store, &host.ticker).unwrap();
    assert_eq!(ledger.usage().fuel, u64::MAX / 4 * 3);
}

#[test]
fn a_ledger_with_fuel_needs_an_engine_that_meters() {
    let host = Host::new(Limits { fuel: None, ..Limits::default() });
    let ledger = Ledger::new("acme", LedgerLimits::default());
    assert_eq!(arm(&mut store(&host, &ledger), &host.ticker), Err(ArmError::NoFuel));
}

#[test]
fn a_refusal_above_is_charged_to_nobody_and_names_who_refused() {
    let process = Ledger::new("process", LedgerLimits { stores: 1, memory: Bytes::mebi(1), ..wide() });
    let (one, another) = (process.child("one", wide()), process.child("another", wide()));
    let meter = Meter::charged_to(&one, Limits::default()).unwrap();
    let refused = Meter::charged_to(&another, Limits::default()).unwrap_err();
    assert_eq!(refused, Exceeded::LedgerStores { ledger: "process".into(), allowed: 1 });
    assert!(nothing_held(&another.usage()));
    assert_eq!(process.usage().stores, 1);
    drop(meter);
    Meter::charged_to(&another, Limits::default()).unwrap();
}

#[tokio::test]
async fn a_store_dropped_in_the_middle_of_a_call_gives_all_back() {
    let limits = Limits { fuel: None, ..Limits::default() };
    let host = Host::new(limits.clone());
    let ledger = Ledger::new("acme", wide());
    let mut linker = Linker::<Meter>::new(&host.engine);
    linker
        .func_wrap_async("host", "wait", |_: wasmtime::Caller<'_, Meter>, ()| {
            Box::new(std::future::pending::<()>())
        })
        .unwrap();
    let wat = r#"(module (import "host" "wait" (func $wait)) (memory 32)
        (func (export "run") (call $wait)))"#;
    let module = Module::new(&host.engine, wat).unwrap();
    let call = async {
        let mut store = Store::new(&host.engine, Meter::charged_to(&ledger, limits).unwrap());
        arm_async(&mut store, &host.ticker).unwrap();
        let instance = linker.instantiate_async(&mut store, &module).await.unwrap();
        let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
        run.call_async(&mut store, ()).await.unwrap();
    };
    let mut call = Box::pin(call);
    assert!(futures_poll_once(call.as_mut()).await, "the guest waits in the host");
    let held = ledger.usage();
    assert_eq!((held.memory, held.stores, held.calls), (Bytes::mebi(2), 1, 1));
    drop(call);
    assert!(nothing_held(&ledger.usage()));
}

/// Polls once. Gives whether the future is still pending.
async fn futures_poll_once(mut future: std::pin::Pin<&mut impl Future<Output = ()>>) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

#[test]
fn many_threads_never_pass_the_total_and_leave_nothing() {
    const THREADS: u64 = 8;
    let process = Ledger::new("process", LedgerLimits { memory: Bytes::mebi(20), stores: 12, ..wide() });
    let tenants: Vec<_> = (0..2)
        .map(|tenant| {
            let limits = LedgerLimits { memory: Bytes::mebi(12), calls: 3, ..wide() };
            process.child(format!("tenant {tenant}"), limits)
        })
        .collect();
    let host = Host::new(Limits { fuel: None, memory: Bytes::mebi(8), ..Limits::default() });
    let (granted, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (host, ledger, process) = (&host, &tenants[thread as usize % 2], &process);
            let (granted, refused) = (&granted, &refused);
            scope.spawn(move || {
                for round in 0..100 {
                    let count = |counter: &AtomicU64| _ = counter.fetch_add(1, Ordering::Relaxed);
                    let Ok(meter) = Meter::charged_to(ledger, host.limits.clone()) else {
                        count(refused);
                        continue;
                    };
                    let mut store = Store::new(&host.engine, Data { calls: 0, meter });
                    if arm(&mut store, &host.ticker).is_err() {
                        count(refused);
                        continue;
                    }
                    let run = run_in(host, &mut store, GROW);
                    assert!(run.result.unwrap() <= 8);
                    count(granted);
                    for (ledger, most) in [(ledger, 12), (process, 20)] {
                        let usage = ledger.usage();
                        assert!(usage.memory <= Bytes::mebi(most) && usage.peak_memory <= Bytes::mebi(most));
                        assert!(usage.stores <= 12 && usage.calls <= 6);
                    }
                    if round % 3 == 0 {
                        disarm(&mut store);
                    }
                }
            });
        }
    });
    assert_eq!(granted.load(Ordering::Relaxed) + refused.load(Ordering::Relaxed), THREADS * 100);
    assert!(granted.load(Ordering::Relaxed) > 0);
    for ledger in tenants.iter().chain([&process]) {
        assert!(nothing_held(&ledger.usage()), "{}: {:?}", ledger.name(), ledger.usage());
    }
}

#[test]
fn a_disarmed_store_is_stopped_until_it_is_armed_again() {
    let host = Host::new(Limits::default());
    let mut store = host.store();
    assert_eq!(run_in(&host, &mut store, FINE).result.unwrap(), 7);
    let spent = disarm(&mut store);
    assert!(spent.fuel.is_some_and(|fuel| fuel > 0));
    assert!(store.data_mut().meter().deadline().is_none());
    let error = run_in(&host, &mut store, FINE).result.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&wasmtime::Trap::Interrupt));
    arm(&mut store, &host.ticker).unwrap();
    assert_eq!(run_in(&host, &mut store, FINE).result.unwrap(), 7);
}

#[test]
fn a_store_that_was_never_armed_can_be_disarmed() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Meter::new(Limits::default()));
    assert_eq!(disarm(&mut store), host_limits::usage(&mut store));
}
