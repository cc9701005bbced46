//! Totals of many stores: charged as they take, given back as they go, and never above what is allowed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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
pub(crate) const LOOP: &str = r#"(module (func (export "run") (result i32) (loop (br 0)) (i32.const 0)))"#;
pub(crate) const FINE: &str = r#"(module (func (export "run") (result i32) (i32.const 7)))"#;

pub(crate) fn wide() -> LedgerLimits {
    LedgerLimits { fuel: None, ..LedgerLimits::default() }
}

pub(crate) fn store(host: &Host, ledger: &Ledger) -> Store<Data> {
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
    assert_eq!(
        said,
        "ledger `acme`: memory budget of 2MiB exceeded: its stores asked for 3MiB in total (`memory`)"
    );
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
    disarm(&mut first, None);
    arm(&mut second, &host.ticker).unwrap();
    assert_eq!(run_in(&host, &mut second, FINE).result.unwrap(), 7);
    drop(second);
    assert_eq!(ledger.usage().calls, 0);
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

/// For as long as it takes each of them to get something while the others go on asking.
#[test]
fn many_threads_never_pass_the_total_and_none_is_starved() {
    const THREADS: usize = 8;
    const TURNS: u64 = 10;
    let process = Ledger::new("process", LedgerLimits { memory: Bytes::mebi(20), stores: 12, ..wide() });
    let tenants: Vec<_> = (0..2)
        .map(|tenant| {
            let limits = LedgerLimits { memory: Bytes::mebi(12), calls: 3, ..wide() };
            process.child(format!("tenant {tenant}"), limits)
        })
        .collect();
    let host = Host::new(Limits { fuel: None, memory: Bytes::mebi(8), ..Limits::default() });
    let granted: Vec<_> = (0..THREADS).map(|_| AtomicU64::new(0)).collect();
    let patience = Instant::now() + Duration::from_secs(120);
    let turn = |ledger: &Ledger, granted: &AtomicU64| -> Result<(), ArmError> {
        let meter = Meter::charged_to(ledger, host.limits.clone())?;
        let mut store = Store::new(&host.engine, Data { calls: 0, meter });
        arm(&mut store, &host.ticker)?;
        let run = run_in(&host, &mut store, GROW);
        assert!(run.result.unwrap() <= 8);
        for (ledger, most) in [(ledger, 12), (&process, 20)] {
            let usage = ledger.usage();
            assert!(usage.memory <= Bytes::mebi(most) && usage.peak_memory <= Bytes::mebi(most));
            assert!(usage.stores <= 12 && usage.calls <= 6);
        }
        if granted.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
            disarm(&mut store, None);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (turn, granted, ledger) = (&turn, &granted, &tenants[thread % 2]);
            scope.spawn(move || {
                while granted.iter().any(|turns| turns.load(Ordering::Relaxed) < TURNS) {
                    assert!(Instant::now() < patience, "{granted:?}");
                    if turn(ledger, &granted[thread]).is_err() {
                        std::thread::yield_now();
                    }
                }
            });
        }
    });
    for ledger in tenants.iter().chain([&process]) {
        assert!(nothing_held(&ledger.usage()), "{}: {:?}", ledger.name(), ledger.usage());
    }
}

#[test]
fn a_disarmed_store_is_stopped_until_it_is_armed_again() {
    let host = Host::new(Limits::default());
    let mut store = host.store();
    assert_eq!(run_in(&host, &mut store, FINE).result.unwrap(), 7);
    let spent = disarm(&mut store, None);
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
    assert_eq!(disarm(&mut store, None), host_limits::usage(&mut store));
}
