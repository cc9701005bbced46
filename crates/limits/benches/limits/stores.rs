//! What it costs to make a store, to arm it, and to drop it.

use std::hint::black_box;

use criterion::Criterion;
use host_limits::{Ledger, LedgerLimits, Limits, Meter, Ticker, arm, arm_async, disarm};
use wasmtime::Store;

use crate::comparison::Comparison;

pub(crate) fn measure(criterion: &mut Criterion, table: &mut String) {
    let limits = crate::limits(true);
    let engine = crate::engine(|config| _ = limits.configure(config));
    let ticker = Ticker::start(&engine).expect("there is a thread to be had");
    let meter = || Meter::new(limits.clone());
    let armed = |meter, ticker| {
        let mut store = Store::new(&engine, meter);
        arm(&mut store, ticker).expect("the engine can hold the limits");
        store
    };
    // As on a host that is in use.
    let _busy = armed(meter(), &ticker);
    let another = Ticker::start(&engine).expect("there is a thread to be had");
    let wide = LedgerLimits { fuel: Some(u64::MAX), ..LedgerLimits::default() };
    let tenant = Ledger::new("process", wide.clone()).child("tenant", wide);
    // A store that is dropped has burnt all its fuel, which should last for as long as it is measured.
    let thrifty = Limits { fuel: Some(1_000), ..limits.clone() };

    let mut made = Comparison::new("a store, made and dropped");
    made.add("plain", || _ = black_box(Store::new(&engine, ())));
    made.add("with a meter", || _ = black_box(Store::new(&engine, meter())));
    made.add("armed", || _ = black_box(armed(meter(), &ticker)));
    made.add("armed, and no other is", || _ = black_box(armed(meter(), &another)));
    made.add("armed, charged to two ledgers", || {
        let meter = Meter::charged_to(&tenant, thrifty.clone()).expect("the ledgers are wide");
        black_box(armed(meter, &ticker));
    });
    made.add("armed async", || {
        let mut store = Store::new(&engine, meter());
        arm_async(&mut store, &ticker).expect("the engine can hold the limits");
        black_box(store);
    });
    made.measure(criterion, table);

    let [mut plain, mut again, mut disarmed] = [(); 3].map(|()| Store::new(&engine, meter()));
    let mut kept = Comparison::new("a store that is kept");
    kept.add("set_fuel, set_epoch_deadline", || {
        plain.set_fuel(black_box(u64::MAX)).expect("the engine meters");
        plain.set_epoch_deadline(black_box(1));
    });
    kept.add("armed again", || arm(&mut again, &ticker).expect("the engine can hold the limits"));
    kept.add("armed, then disarmed", || {
        arm(&mut disarmed, &ticker).expect("the engine can hold the limits");
        black_box(disarm(&mut disarmed, None));
    });
    kept.measure(criterion, table);
}
