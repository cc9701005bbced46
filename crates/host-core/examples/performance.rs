//! One guest under each profile, with and without fuel: what compiling and calling take.
//!
//! The times are this machine's and this moment's; only the results are asserted. What
//! is compiled once and kept is `host-cache`'s.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::time::{Duration, Instant};

use host_core::{EngineSettings, Profile, guard};
use host_limits::{Limits, Meter, Ticker, arm};
use wasmtime::{InstancePre, Linker, Module, Store};

/// Counts the primes below a number by trial division.
const GUEST: &str = r#"(module (memory 1) (func (export "primes") (param $below i32) (result i32)
    (local $n i32) (local $d i32) (local $count i32)
    (local.set $n (i32.const 2))
    (loop $next
        (if (i32.lt_u (local.get $n) (local.get $below)) (then
            (local.set $d (i32.const 2))
            (block $composite
                (loop $divide
                    (if (i32.le_u (i32.mul (local.get $d) (local.get $d)) (local.get $n)) (then
                        (br_if $composite (i32.eqz (i32.rem_u (local.get $n) (local.get $d))))
                        (local.set $d (i32.add (local.get $d) (i32.const 1)))
                        (br $divide))))
                (local.set $count (i32.add (local.get $count) (i32.const 1))))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br $next))))
    (local.get $count)))"#;

const BELOW: i32 = 50_000;
const PRIMES: i32 = 5_133;
const SHORT_CALLS: u32 = 100;

fn main() -> wasmtime::Result<()> {
    println!(
        "{:<14} {:<12} {:>12} {:>12} {:>18}",
        "profile", "stopped by", "compile", "long call", "start + short call"
    );
    for profile in [Profile::Development, Profile::Untrusted, Profile::Throughput, Profile::Deterministic] {
        for fuel in [Limits::default().fuel, None] {
            // Fuel counts what is executed, and gives the same number each time. Without it the epoch still
            // stops a guest, at its deadline.
            let limits = Limits { fuel, ..Limits::default() };
            let engine = EngineSettings { fuel: false, ..profile.settings() }.engine(&limits)?;
            let ticker = Ticker::start(&engine)?;

            let (compile, module) = timed(|| Module::new(&engine, GUEST))?;
            // Imports are resolved once, not with every instance.
            let program = Linker::new(&engine).instantiate_pre(&module)?;

            let (long, spent) = timed(|| call(&program, &ticker, &limits, BELOW, PRIMES))?;
            assert_eq!(spent.is_some(), fuel.is_some());
            assert_eq!(spent, call(&program, &ticker, &limits, BELOW, PRIMES)?, "fuel is the same each time");
            let (short, ()) = timed(|| {
                (0..SHORT_CALLS).try_for_each(|_| call(&program, &ticker, &limits, 10, 4).map(drop))
            })?;

            let stopped_by = if fuel.is_some() { "fuel, epoch" } else { "epoch" };
            println!(
                "{:<14} {stopped_by:<12} {compile:>12.1?} {long:>12.1?} {:>18.1?}",
                format!("{profile:?}"),
                short / SHORT_CALLS
            );
        }
    }
    Ok(())
}

/// One call in a store of its own; gives the fuel it took.
fn call(
    program: &InstancePre<Meter>,
    ticker: &Ticker,
    limits: &Limits,
    below: i32,
    expected: i32,
) -> wasmtime::Result<Option<u64>> {
    let mut store = Store::new(program.module().engine(), Meter::new(limits.clone()));
    arm(&mut store, ticker)?;
    let outcome = guard(&mut store, |store| {
        let instance = program.instantiate(&mut *store)?;
        instance.get_typed_func::<i32, i32>(&mut *store, "primes")?.call(store, below)
    })?;
    assert_eq!(outcome.value, expected);
    Ok(outcome.usage.fuel)
}

fn timed<R>(work: impl FnOnce() -> wasmtime::Result<R>) -> wasmtime::Result<(Duration, R)> {
    let start = Instant::now();
    let result = work()?;
    Ok((start.elapsed(), result))
}
