//! What it costs to check code before it is compiled.

use criterion::{Criterion, Throughput};
use host_limits::StaticLimits;

pub(crate) fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("admission");
    let limits = StaticLimits::trusted();
    // Functions as a compiler makes them, in a module of some megabytes.
    let body = "(drop (i32.add (i32.load (local.get 0)) (i32.const 123456)))".repeat(50);
    let text = format!("(module (memory 1) {})", format!("(func (param i32) {body})").repeat(10_000));
    let wasm = wat::parse_str(text).expect("the module is right");
    group.throughput(Throughput::Bytes(wasm.len() as u64));
    group.bench_function("check", |bencher| {
        bencher.iter(|| limits.check(&wasm));
    });
}
