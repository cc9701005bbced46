//! Fresh calls a second, on one thread and on two that begin at the same time.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::{Job, runtime};
use crate::compare::Comparison;
use crate::report::{Aim, Unit};
use crate::rivals::extism::Extism;
use crate::rivals::host::Host;
use crate::rivals::raw;
use crate::rivals::wasmer::Wasmer;

/// So long is a sample.
const TURN: Duration = Duration::from_millis(200);
/// So many calls before the clock is looked at.
const CALLS: u32 = 16;

pub(super) fn jobs() -> Vec<Job> {
    let does = "Fresh calls of 16 bytes for 200 ms, on one thread or on two that begin at the same time, all together.";
    vec![
        Job::new("throughput, string through a component", does, component).share(2.0),
        Job::new("throughput, bytes through a core module", does, module).share(2.0),
    ]
}

fn component() -> Comparison {
    let text: Arc<str> = "x".repeat(16).into();
    let (raw, host, extism) = (Arc::new(raw::Component::new()), Host::component(), Arc::new(Extism::echo()));
    let mut comparison = Comparison::of(Unit::PerSecond);
    for (threads, name) in [(1, "raw Wasmtime, 1 thread"), (2, "raw Wasmtime, 2 threads")] {
        let (raw, text) = (Arc::clone(&raw), Arc::clone(&text));
        comparison.sample(name, move || rate(threads, async || drop(raw.fresh(&text).await)));
    }
    for (threads, name) in [(1, HOST_ONE), (2, "PluginHost, 2 threads")] {
        let (host, text) = (host.clone(), Arc::clone(&text));
        comparison.sample(name, move || rate(threads, async || drop(host.typed(&text).await)));
    }
    comparison.aim(Aim::at_least_of(1.8, HOST_ONE));
    for (threads, name) in [(1, "Extism, 1 thread"), (2, "Extism, 2 threads")] {
        let (extism, text) = (Arc::clone(&extism), Arc::clone(&text));
        comparison.sample(name, move || rate(threads, async || drop(extism.fresh(&text))));
    }
    comparison
}

fn module() -> Comparison {
    let (raw, host, wasmer) = (Arc::new(raw::Module::new()), Host::module(), Arc::new(Wasmer::echo()));
    let mut comparison = Comparison::of(Unit::PerSecond);
    for (threads, name) in [(1, "raw Wasmtime, 1 thread"), (2, "raw Wasmtime, 2 threads")] {
        let raw = Arc::clone(&raw);
        comparison.sample(name, move || rate(threads, async || drop(raw.fresh(&[7; 16]).await)));
    }
    for (threads, name) in [(1, HOST_ONE), (2, "PluginHost, 2 threads")] {
        let host = host.clone();
        comparison.sample(name, move || rate(threads, async || drop(host.bytes(&[7; 16]).await)));
    }
    comparison.aim(Aim::at_least_of(1.8, HOST_ONE));
    for (threads, name) in [(1, "wasmer, 1 thread"), (2, "wasmer, 2 threads")] {
        let wasmer = Arc::clone(&wasmer);
        comparison.sample(name, move || rate(threads, async || drop(wasmer.fresh(&[7; 16]))));
    }
    comparison
}

const HOST_ONE: &str = "PluginHost, 1 thread";

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
                        for _ in 0..CALLS {
                            runtime.block_on(call());
                        }
                        calls += CALLS;
                    }
                    f64::from(calls) / begun.elapsed().as_secs_f64()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no call panics")).sum()
    })
}
