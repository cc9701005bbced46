//! Fresh calls a second, on one thread and on two.

use std::fmt::Write as _;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::host::Host;
use crate::raw::Raw;
use crate::{guest, runtime};

pub(crate) const NAME: &str = "fresh calls a second, 16 B";

/// In turn, so often; and each for so long.
const ROUNDS: usize = 15;
const TURN: Duration = Duration::from_millis(200);

pub(crate) fn table() -> String {
    let (raw, host) = (Raw::new(&guest()), Host::new(&guest()));
    let text = "x".repeat(16);
    let mut rates = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        for (rates, threads) in rates.iter_mut().zip([1, 2, 1, 2]).take(2) {
            rates.push(rate(threads, async || drop(raw.fresh(&text).await)));
        }
        for (rates, threads) in rates.iter_mut().zip([1, 2, 1, 2]).skip(2) {
            rates.push(rate(threads, async || drop(host.typed(&text).await)));
        }
    }
    let [raw_one, raw_two, host_one, host_two] = rates;
    let mut table = String::new();
    let _ = writeln!(table, "{NAME:<42} {:>10} {:>10} {:>7} {:>7}", "1 thread", "2 threads", "more", "ratio");
    let base = raw_two.clone();
    for (name, one, two) in [
        ("raw Wasmtime with the same guards", raw_one, raw_two),
        ("PluginHost: call_with and bindgen", host_one, host_two),
    ] {
        let more = median(two.iter().zip(&one).map(|(two, one)| two / one));
        let ratio = median(two.iter().zip(&base).map(|(two, base)| two / base));
        let (one, two) = (median(one.iter().copied()), median(two.iter().copied()));
        let _ = writeln!(table, "  {name:<40} {one:>10.0} {two:>10.0} {more:>7.2} {ratio:>7.2}");
    }
    table
}

/// How many calls so many threads do in a second, all together.
fn rate(threads: usize, call: impl AsyncFn() + Sync) -> f64 {
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let runtime = runtime();
                    barrier.wait();
                    let begun = Instant::now();
                    let mut calls = 0;
                    while begun.elapsed() < TURN {
                        for _ in 0..16 {
                            runtime.block_on(call());
                        }
                        calls += 16;
                    }
                    f64::from(calls) / begun.elapsed().as_secs_f64()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no call panics")).sum()
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
