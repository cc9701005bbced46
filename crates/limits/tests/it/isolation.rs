//! One guest never pays for another, though they share an engine and its ticker; and nothing of them is left.

use std::time::Duration;

use host_limits::{Bytes, Exceeded, Ledger, LedgerLimits, Limits, Meter, OnRefusal, arm};
use wasmtime::Store;

use crate::{Data, Host, run_in};

/// Fills a memory of a megabyte and counts to fifty million: long enough to be still running when the hostile neighbours are
/// stopped.
const GOOD: &str = r#"(module (memory 16) (func (export "run") (result i32) (local i32)
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 1048576))
    (loop (br_if 0 (i32.lt_u
        (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 50000000))))
    (local.get 0)))"#;
const LOOP: &str = r#"(module (func (export "run") (result i32) (loop (br 0)) (i32.const 0)))"#;
const START: &str = r#"(module (func $start (loop (br 0))) (start $start)
    (func (export "run") (result i32) (i32.const 0)))"#;
const CALLS: &str = r#"(module (import "host" "call" (func $call))
    (func (export "run") (result i32) (loop (call $call) (br 0)) (i32.const 0)))"#;
const MEMORY_BOMB: &str = r#"(module (memory 0) (func (export "run") (result i32)
    (loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable))"#;
const TABLE_BOMB: &str = r#"(module (table 0 funcref) (func (export "run") (result i32)
    (loop (br_if 0 (i32.ne (table.grow (ref.null func) (i32.const 100)) (i32.const -1)))) unreachable))"#;
const RECURSION: &str = r#"(module (func $f (export "run") (result i32) (i32.add (call $f) (i32.const 1))))"#;
const TRAP: &str = r#"(module (func (export "run") (result i32) unreachable))"#;

const PATIENT: Duration = Duration::from_secs(600);
const IMPATIENT: Duration = Duration::from_millis(20);

/// What a hostile guest is run under, and what has to end it: a budget, or its own trap.
fn hostile(kind: usize, limits: &Limits) -> (&'static str, Limits, Option<Exceeded>) {
    let impatient = Limits { deadline: IMPATIENT, ..limits.clone() };
    let late = Some(Exceeded::Deadline { allowed: IMPATIENT });
    match kind {
        0 => (LOOP, impatient, late),
        1 => (START, impatient, late),
        2 => (CALLS, impatient, late),
        3 => {
            let refusal = Exceeded::Memory { allowed: Bytes::mebi(4), asked: Bytes::mebi(5) };
            (MEMORY_BOMB, Limits { memory: Bytes::mebi(4), ..limits.clone() }, Some(refusal))
        }
        4 => {
            let limits = Limits { table_elements: 500, on_refusal: OnRefusal::Trap, ..limits.clone() };
            (TABLE_BOMB, limits, Some(Exceeded::TableElements { allowed: 500, asked: 600 }))
        }
        5 => (RECURSION, limits.clone(), Some(Exceeded::Stack { allowed: limits.stack })),
        6 => {
            let limits = Limits { fuel: Some(100_000), ..limits.clone() };
            (LOOP, limits, Some(Exceeded::Fuel { allowed: 100_000 }))
        }
        _ => (TRAP, limits.clone(), None),
    }
}

/// Runs 64 stores at one time on one engine, each second one hostile, all of one ledger; gives it back.
fn run_all() -> Ledger {
    let patient = Limits { deadline: PATIENT, fuel: Some(u64::MAX / 128), ..Limits::default() };
    let host = Host::new(patient.clone());
    let wide = LedgerLimits { memory: Bytes::gibi(1024), fuel: Some(u64::MAX), ..LedgerLimits::default() };
    let ledger = Ledger::new("all", wide);
    let store = |limits| {
        let meter = Meter::charged_to(&ledger, limits).unwrap();
        let mut store = Store::new(&host.engine, Data { calls: 0, meter });
        arm(&mut store, &host.ticker).unwrap();
        store
    };
    let one = |index: usize| {
        if index.is_multiple_of(2) {
            let run = run_in(&host, &mut store(patient.clone()), GOOD);
            assert_eq!(run.result.unwrap(), 50_000_000, "guest {index}");
        } else {
            let (wat, limits, reason) = hostile(index / 2 % 8, &patient);
            let run = run_in(&host, &mut store(limits), wat);
            assert!(run.result.is_err());
            assert_eq!(run.reason, reason, "guest {index}: {wat}");
        }
    };
    std::thread::scope(|scope| {
        for index in 0..64 {
            let one = &one;
            scope.spawn(move || one(index));
        }
    });
    ledger
}

#[test]
fn every_guest_ends_for_its_own_reason_and_gives_all_back() {
    let held = run_all().usage();
    assert_eq!((held.memory, held.stores, held.calls), (Bytes::new(0), 0, 0));
}

/// In a process of its own, for the threads and mappings of other tests come and go.
#[cfg(target_os = "linux")]
#[test]
fn no_thread_and_no_memory_is_left() {
    use std::time::Instant;

    use host_limits::Ticker;
    use wasmtime::Engine;

    const ALONE: &str = "HOST_LIMITS_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let alone = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "isolation::no_thread_and_no_memory_is_left", "--nocapture"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&alone.stdout);
        assert!(alone.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    // Those of the compiler's own pool stay, and are not ours.
    let tickers = || {
        let threads = std::fs::read_dir("/proc/self/task").unwrap();
        let names =
            threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
        names.filter(|name| name.trim_end() == "wasm-ticker").count()
    };
    let mappings = || std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    let resident_mebibytes = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() >> 10
    };
    let soon_has = |count| {
        let patience = Instant::now() + Duration::from_secs(30);
        while tickers() != count {
            assert!(Instant::now() < patience, "{} tickers instead of {count}", tickers());
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let engine = Engine::default();
    let ticker = Ticker::start(&engine).unwrap();
    soon_has(1);
    drop(ticker);
    run_all();
    let (mapped, resident) = (mappings(), resident_mebibytes());
    run_all();
    run_all();
    // A live store takes some four mappings, a compiled module more: 128 of each would show.
    assert!(mappings() < mapped + 64, "{mapped} mappings have become {}", mappings());
    // The memories that 64 good guests filled would show, and a third of a megabyte of the heap for each store. What the
    // allocator keeps for its threads it kept already after the first time.
    let now = resident_mebibytes();
    assert!(now < resident + 40, "{resident} MiB have become {now}");
    soon_has(0);
}
