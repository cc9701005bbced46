//! What a growth of memory costs: the meter's check alone, and a thousand of them in a guest.

use std::hint::black_box;

use criterion::Criterion;
use host_limits::{Bytes, Ledger, LedgerLimits, Limits, Meter, Ticker, arm};
use wasmtime::{Engine, ResourceLimiter, Store};

use crate::comparison::Comparison;

pub(crate) fn measure(criterion: &mut Criterion, table: &mut String) {
    let wide = LedgerLimits { fuel: None, ..LedgerLimits::default() };
    let tenant = Ledger::new("process", wide.clone()).child("tenant", wide);
    let limits = Limits { memory: Bytes::new(u64::MAX), ..crate::limits(false) };
    let metered = || Meter::new(limits.clone());
    let charged = || Meter::charged_to(&tenant, limits.clone()).expect("the ledgers are wide");

    let mut check = Comparison::new("the check of a growth");
    // What is asked costs something too, whatever it answers.
    check.add("by a limiter that allows all", || {
        let mut all = AllowsAll;
        let limiter: &mut dyn ResourceLimiter = black_box(&mut all);
        black_box(limiter.memory_growing(black_box(0), black_box(1), None)).expect("it allows all");
    });
    for (name, mut meter) in [("by the meter", metered()), ("by the meter and two ledgers", charged())] {
        check.add(name, move || {
            let limiter: &mut dyn ResourceLimiter = black_box(&mut meter);
            // One byte at a time: more than the ledgers have would take minutes.
            black_box(limiter.memory_growing(black_box(0), black_box(1), None))
                .expect("a refusal is no error");
        });
    }
    check.measure(criterion, table);

    let engine = crate::engine(|config| _ = limits.configure(config));
    let ticker = Ticker::start(&engine).expect("there is a thread to be had");
    let text = a_thousand("(memory 1)", "(i32.const 0)");
    let mut granted = Comparison::new("1,000 growths by a guest");
    granted.add("without limits", guest(&text, unlimited(&engine)));
    granted.add("with the meter", guest(&text, limited(&engine, &ticker, metered())));
    granted.add("with two ledgers", guest(&text, limited(&engine, &ticker, charged())));
    granted.measure(criterion, table);

    let mut refused = Comparison::new("1,000 refusals");
    let little = Meter::new(Limits { memory: Bytes::kibi(64), ..limits.clone() });
    // The memory's own maximum refuses without limits what the meter refuses with them.
    let text = a_thousand("(memory 1 1)", "(i32.const 1)");
    refused.add("without limits", guest(&text, unlimited(&engine)));
    let text = a_thousand("(memory 1)", "(i32.const 1)");
    refused.add("by the meter", guest(&text, limited(&engine, &ticker, little)));
    refused.measure(criterion, table);
}

struct AllowsAll;

impl ResourceLimiter for AllowsAll {
    fn memory_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

fn guest(text: &str, mut store: Store<Meter>) -> impl FnMut() + use<> {
    let run = crate::run(&mut store, text);
    move || _ = run.call(&mut store, ()).expect("the guest returns")
}

fn unlimited(engine: &Engine) -> Store<Meter> {
    let mut store = Store::new(engine, Meter::new(Limits::default()));
    store.set_epoch_deadline(u64::MAX / 2);
    store
}

fn limited(engine: &Engine, ticker: &Ticker, meter: Meter) -> Store<Meter> {
    let mut store = Store::new(engine, meter);
    arm(&mut store, ticker).expect("the engine can hold the limits");
    store
}

/// A guest that asks for memory again and again.
fn a_thousand(memory: &str, more: &str) -> String {
    format!(
        r#"(module {memory}
            (func (export "run") (result i32) (local $times i32)
                (loop $next
                    (drop (memory.grow {more}))
                    (local.set $times (i32.add (local.get $times) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $times) (i32.const 1000))))
                (local.get $times)))"#
    )
}
