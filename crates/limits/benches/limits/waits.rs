//! What it costs to bound a future by a deadline, and to tell why a call ended.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use criterion::Criterion;
use host_limits::{Exceeded, Meter, Ticker, arm};
use wasmtime::{Store, Trap};

use crate::comparison::Comparison;

pub(crate) fn measure(criterion: &mut Criterion, table: &mut String) {
    let limits = crate::limits(false);
    let engine = crate::engine(|config| _ = limits.configure(config));
    let ticker = Ticker::start(&engine).expect("there is a thread to be had");
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker).expect("the engine can hold the limits");
    let deadline = store.data().deadline().expect("the store is armed");

    let mut waits = Comparison::new("a future that is ready");
    waits.add("polled", || _ = poll(async { black_box(1) }));
    waits.add("bound and polled", || _ = black_box(poll(deadline.bound(async { black_box(1) }))));
    waits.add("blocked on", || _ = black_box(deadline.block_on(async { black_box(1) })));
    waits.measure(criterion, table);

    let [budget, trap, text] = [
        Exceeded::Cancelled.into(),
        wasmtime::Error::from(Trap::UnreachableCodeReached),
        wasmtime::Error::msg("no such file").context("reading the policy"),
    ];
    let mut explain = Comparison::new("Meter::explain");
    explain.add("of a budget", || _ = black_box(store.data().explain(black_box(&budget))));
    explain.add("of a trap", || _ = black_box(store.data().explain(black_box(&trap))));
    explain.add("of a host function's error", || _ = black_box(store.data().explain(black_box(&text))));
    explain.measure(criterion, table);
}

/// Polls once what is ready.
fn poll<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits for something"),
    }
}
