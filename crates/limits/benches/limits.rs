//! What limits cost: `cargo bench -p host-limits`.
//!
//! Each group begins with its baseline, the same without limits: compare within one run only.

#![expect(clippy::print_stdout, reason = "a benchmark talks to the person who runs it")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use host_limits::{Bytes, Ledger, LedgerLimits, Limits, Meter, StaticLimits, Ticker, arm, arm_async, disarm};
use wasmtime::{Config, Engine, Instance, Module, ResourceLimiter, Store, TypedFunc};

/// Counts the primes below a hundred thousand, in memory.
const SIEVE: &str = r#"(module (memory 2)
    (func (export "run") (result i32) (local $n i32) (local $m i32) (local $found i32)
        (memory.fill (i32.const 0) (i32.const 0) (i32.const 100000))
        (local.set $n (i32.const 2))
        (loop $next
            (if (i32.eqz (i32.load8_u (local.get $n))) (then
                (local.set $found (i32.add (local.get $found) (i32.const 1)))
                (local.set $m (i32.add (local.get $n) (local.get $n)))
                (block $done (loop $mark
                    (br_if $done (i32.ge_u (local.get $m) (i32.const 100000)))
                    (i32.store8 (local.get $m) (i32.const 1))
                    (local.set $m (i32.add (local.get $m) (local.get $n)))
                    (br $mark)))))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $n) (i32.const 100000))))
        (local.get $found)))"#;

/// An FNV-1a hash of a mebibyte.
const HASH: &str = r#"(module (memory 16)
    (func (export "run") (result i32) (local $at i32) (local $hash i32)
        (local.set $hash (i32.const 0x811c9dc5))
        (loop $next
            (local.set $hash (i32.mul
                (i32.xor (local.get $hash) (i32.load8_u (local.get $at))) (i32.const 0x01000193)))
            (br_if $next (i32.lt_u
                (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 1048576))))
        (local.get $hash)))"#;

/// Many calls of a small function.
const CALLS: &str = r#"(module
    (func $fib (param i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0)) (else (i32.add
            (call $fib (i32.sub (local.get 0) (i32.const 1)))
            (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "run") (result i32) (call $fib (i32.const 24))))"#;

/// Asks for memory it has: the check of a growth, and what is around it.
const GROW: &str = r#"(module (memory 1)
    (func (export "run") (result i32) (local $times i32)
        (loop $next
            (drop (memory.grow (i32.const 0)))
            (br_if $next (i32.lt_u
                (local.tee $times (i32.add (local.get $times) (i32.const 1))) (i32.const 1000))))
        (local.get $times)))"#;

const GUESTS: [(&str, &str); 3] = [("sieve", SIEVE), ("hash", HASH), ("calls", CALLS)];

fn limits(fuel: bool) -> Limits {
    Limits { fuel: fuel.then_some(u64::MAX), deadline: Duration::from_secs(24 * 3600), ..Limits::default() }
}

fn engine(configure: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::new();
    configure(&mut config);
    Engine::new(&config).expect("the settings fit together")
}

fn run(store: &mut Store<Meter>, text: &str) -> TypedFunc<(), i32> {
    let module = Module::new(store.engine(), text).expect("the guest is right");
    let instance = Instance::new(&mut *store, &module, &[]).expect("the guest needs nothing");
    instance.get_typed_func(store, "run").expect("the guest exports `run`")
}

/// Whether the guest is interrupted by epochs, metered by fuel, and limited in memory.
const KINDS: [(&str, bool, bool); 4] = [
    ("unmetered", false, false),
    ("epochs", true, false),
    ("fuel", false, true),
    ("epochs+fuel", true, true),
];

fn computing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("computing");
    for (guest, text) in GUESTS {
        for (kind, epochs, fuel) in KINDS {
            let engine = engine(|config| _ = config.epoch_interruption(epochs).consume_fuel(fuel));
            let ticker = Ticker::start(&engine).expect("there is a thread to be had");
            let mut store = Store::new(&engine, Meter::new(limits(fuel)));
            if epochs {
                arm(&mut store, &ticker).expect("the engine can hold the limits");
            } else if fuel {
                store.set_fuel(u64::MAX).expect("the engine meters");
            }
            let run = run(&mut store, text);
            group.bench_function(BenchmarkId::new(guest, kind), |bencher| {
                bencher.iter(|| {
                    if fuel {
                        store.set_fuel(u64::MAX).expect("the engine meters");
                    }
                    run.call(&mut store, ()).expect("the guest returns")
                });
            });
        }
    }
}

fn stores(criterion: &mut Criterion) {
    let engine = engine(|config| _ = limits(true).configure(config));
    let ticker = Ticker::start(&engine).expect("there is a thread to be had");
    // As on a host that is in use: another store is armed.
    let mut busy = Store::new(&engine, Meter::new(limits(true)));
    arm(&mut busy, &ticker).expect("the engine can hold the limits");
    let limits = limits(true);
    let ledger = Ledger::new("process", LedgerLimits { fuel: None, ..LedgerLimits::default() });
    let tenant = ledger.child("tenant", LedgerLimits { fuel: None, ..LedgerLimits::default() });

    let mut group = criterion.benchmark_group("store");
    group.bench_function("new+drop", |bencher| {
        bencher.iter(|| Store::new(&engine, Meter::new(limits.clone())));
    });
    group.bench_function("new+arm+drop", |bencher| {
        bencher.iter(|| {
            let mut store = Store::new(&engine, Meter::new(limits.clone()));
            arm(&mut store, &ticker).expect("the engine can hold the limits");
            store
        });
    });
    group.bench_function("new+arm_async+drop", |bencher| {
        bencher.iter(|| {
            let mut store = Store::new(&engine, Meter::new(limits.clone()));
            arm_async(&mut store, &ticker).expect("the engine can hold the limits");
            store
        });
    });
    group.bench_function("new+arm+drop, two ledgers", |bencher| {
        bencher.iter(|| {
            let meter = Meter::charged_to(&tenant, limits.clone()).expect("the ledgers are wide");
            let mut store = Store::new(&engine, meter);
            arm(&mut store, &ticker).expect("the engine can hold the limits");
            store
        });
    });
    let mut kept = Store::new(&engine, Meter::new(limits.clone()));
    group.bench_function("arm+disarm of one that is kept", |bencher| {
        bencher.iter(|| {
            arm(&mut kept, &ticker).expect("the engine can hold the limits");
            disarm(&mut kept)
        });
    });
}

fn growth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("growth");
    let ledger = Ledger::new("process", LedgerLimits::default());
    let tenant = ledger.child("tenant", LedgerLimits::default());
    let limits = Limits { memory: Bytes::new(u64::MAX), ..Limits::default() };
    group.bench_function("check", |bencher| {
        let mut meter = Meter::new(limits.clone());
        let limiter: &mut dyn ResourceLimiter = &mut meter;
        bencher.iter(|| black_box(&mut *limiter).memory_growing(black_box(0), black_box(1), None));
    });
    group.bench_function("check, two ledgers", |bencher| {
        // One byte at a time: more than the ledgers have would take hours.
        let mut meter = Meter::charged_to(&tenant, limits.clone()).expect("the ledger is wide");
        let limiter: &mut dyn ResourceLimiter = &mut meter;
        bencher.iter(|| black_box(&mut *limiter).memory_growing(black_box(0), black_box(1), None));
    });
    let engine = engine(|config| _ = limits.configure(config));
    let ticker = Ticker::start(&engine).expect("there is a thread to be had");
    for (name, limited) in [("1000 by a guest, no limiter", false), ("1000 by a guest, with the meter", true)]
    {
        let mut store = Store::new(&engine, Meter::new(Limits { fuel: Some(u64::MAX), ..limits.clone() }));
        if limited {
            arm(&mut store, &ticker).expect("the engine can hold the limits");
        } else {
            store.set_epoch_deadline(u64::MAX / 2);
            store.set_fuel(u64::MAX).expect("the engine meters");
        }
        let run = run(&mut store, GROW);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                store.set_fuel(u64::MAX).expect("the engine meters");
                run.call(&mut store, ()).expect("the guest returns")
            });
        });
    }
}

fn admission(criterion: &mut Criterion) {
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

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let started = Instant::now();
    computing(&mut criterion);
    stores(&mut criterion);
    growth(&mut criterion);
    admission(&mut criterion);
    criterion.final_summary();
    println!("measured in {:.0?}", started.elapsed());
}
