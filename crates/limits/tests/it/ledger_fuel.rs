//! Fuel that many stores share: reserved, given back, and new with each window.

use std::time::{Duration, Instant};

use host_limits::{ArmError, Exceeded, Ledger, LedgerLimits, Limits, Meter, arm, disarm};
use wasmtime::Store;

use crate::ledger::{FINE, LOOP, store, wide};
use crate::{Data, Host, run_in};

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
        disarm(&mut store, run.result.as_ref().err());
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
    assert_eq!(spent.to_string(), "ledger `acme`: fuel budget of 25000 in 1h exceeded (`fuel`)");
}

#[test]
pub(crate) fn fuel_window() {
    let patience = Instant::now() + Duration::from_secs(60);
    let host = Host::new(Limits { fuel: Some(10_000), ..Limits::default() });
    let limits = LedgerLimits {
        fuel: Some(10_000),
        fuel_window: Duration::from_millis(50),
        ..LedgerLimits::default()
    };
    let ledger = Ledger::new("acme", limits);
    let burn = || {
        let mut store = store(&host, &ledger);
        arm(&mut store, &host.ticker)?;
        Ok::<_, ArmError>(run_in(&host, &mut store, LOOP).reason)
    };
    assert_eq!(burn(), Ok(Some(Exceeded::Fuel { allowed: 10_000 })));
    // One call is all that fits, and nothing is given back: another one waits for the next window.
    let mut refused = 0;
    while refused == 0 || burn().is_err() {
        assert!(Instant::now() < patience, "refused {refused} times");
        if matches!(burn(), Err(ArmError::Exceeded(Exceeded::LedgerFuel { .. }))) {
            refused += 1;
        }
    }
}

#[test]
fn a_tenant_without_a_limit_on_fuel_does_not_keep_others_from_their_calls() {
    let host = Host::new(Limits::default());
    let process = Ledger::new("process", LedgerLimits::default());
    let (one, another) = (process.child("one", wide()), process.child("another", wide()));
    let unlimited = Meter::charged_to(&one, Limits { fuel: None, ..Limits::default() }).unwrap();
    let mut greedy = Store::new(&host.engine, Data { calls: 0, meter: unlimited });
    arm(&mut greedy, &host.ticker).unwrap();
    let mut modest = store(&host, &another);
    arm(&mut modest, &host.ticker).unwrap();
    let reserved = host.limits.fuel.unwrap();
    assert_eq!(another.usage().fuel, reserved);
    assert_eq!(run_in(&host, &mut modest, FINE).result.unwrap(), 7);

    // The default is enough for all the calls that there may be.
    assert!(u64::from(process.limits().calls) * reserved * 4 <= process.limits().fuel.unwrap());
}

#[test]
fn who_is_cut_short_without_a_limit_of_its_own_is_told_whose_it_was() {
    let host = Host::new(Limits::default());
    let limits = LedgerLimits { fuel: Some(800_000), fuel_window: Duration::from_secs(3600), ..wide() };
    let ledger = Ledger::new("acme", limits);
    let meter = Meter::charged_to(&ledger, Limits { fuel: None, ..Limits::default() }).unwrap();
    let mut store = Store::new(&host.engine, Data { calls: 0, meter });
    arm(&mut store, &host.ticker).unwrap();
    let run = run_in(&host, &mut store, LOOP);
    assert_eq!(run.usage.fuel, Some(100_000));
    let Some(Exceeded::LedgerFuel { ledger, allowed: 800_000, .. }) = run.reason else {
        panic!("{:?}", run.reason)
    };
    assert_eq!(&*ledger, "acme");
}

#[test]
fn a_ledger_with_fuel_needs_an_engine_that_meters() {
    let host = Host::new(Limits { fuel: None, ..Limits::default() });
    let ledger = Ledger::new("acme", LedgerLimits::default());
    assert_eq!(arm(&mut store(&host, &ledger), &host.ticker), Err(ArmError::NoFuel));
}
