//! Clocks that are the same in every run, and how long a guest then sleeps.

use std::time::{Duration, Instant, SystemTime};

use host_wasi::{Clocks, GrantError, Grants, Output, Time, Wasi, p1, p2};
use tokio::time::timeout;
use wasmtime::component::{Component, Linker as ComponentLinker};
use wasmtime::{Linker, Module};

use crate::command::{ENGINE, run_module, store};

const START: &str = "2026-01-01T00:00:00Z";

fn start() -> u64 {
    let start: SystemTime = START.parse::<Time>().unwrap().into();
    start.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos().try_into().unwrap()
}

fn stepped(step: Duration) -> Clocks {
    Clocks::Stepped { start: START.parse().unwrap(), step }
}

/// What a module reads of the wall clock, the monotonic clock, and the wall clock again.
fn p1_readings(clocks: Clocks) -> Vec<u64> {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\10\00\00\00\18\00\00\00")
        (func (export "_start")
            (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 16)))
            (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 24)))
            (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 32)))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;
    let grants = Grants::default().clocks(clocks).stdout(Output::Capture(24));
    let ended = run_module(&Module::new(&ENGINE, module).unwrap(), Wasi::new(&grants).unwrap());
    ended.result.unwrap();
    let bytes = ended.wasi.stdout();
    bytes.chunks(8).map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap())).collect()
}

/// What a component reads of the wall clock, the monotonic clock, and the wall clock again.
fn p2_readings(clocks: Clocks) -> Vec<u64> {
    let component = r#"(component
        (import "wasi:clocks/monotonic-clock@0.2.0" (instance $monotonic (export "now" (func (result u64)))))
        (import "wasi:clocks/wall-clock@0.2.0" (instance $wall
            (type $time (record (field "seconds" u64) (field "nanoseconds" u32)))
            (export "datetime" (type $datetime (eq $time)))
            (export "now" (func (result $datetime)))))
        (core module $memory-module (memory (export "memory") 1))
        (core instance $memory (instantiate $memory-module))
        (core func $monotonic-now (canon lower (func $monotonic "now")))
        (alias core export $memory "memory" (core memory $m))
        (core func $wall-now (canon lower (func $wall "now") (memory $m)))
        (core module $main
            (import "host" "wall" (func $wall (param i32)))
            (import "host" "memory" (memory 1))
            (func (export "wall") (result i64)
                (call $wall (i32.const 16))
                (i64.add (i64.mul (i64.load (i32.const 16)) (i64.const 1000000000))
                    (i64.load32_u (i32.const 24)))))
        (core instance $program (instantiate $main (with "host" (instance
            (export "wall" (func $wall-now)) (export "memory" (memory $m))))))
        (func (export "monotonic") (result u64) (canon lift (core func $monotonic-now)))
        (func (export "wall") (result u64) (canon lift (core func $program "wall"))))"#;
    let component = Component::new(&ENGINE, component).unwrap();
    let mut linker = ComponentLinker::new(&ENGINE);
    p2::add_to_linker_sync(&mut linker).unwrap();
    let mut store = store(Wasi::new(&Grants::default().clocks(clocks)).unwrap());
    let instance = linker.instantiate(&mut store, &component).unwrap();
    ["wall", "monotonic", "wall"]
        .map(|name| {
            let function = instance.get_typed_func::<(), (u64,)>(&mut store, name).unwrap();
            function.call(&mut store, ()).unwrap().0
        })
        .to_vec()
}

#[test]
fn a_fixed_clock_stands_still() {
    let clocks = Clocks::Fixed(START.parse().unwrap());
    assert_eq!(p1_readings(clocks), [start(); 3]);
    assert_eq!(p2_readings(clocks), [start(); 3]);
}

#[test]
fn a_stepped_clock_moves_when_it_is_read() {
    let expect = [start(), start() + 1_000_000, start() + 2_000_000];
    assert_eq!(p1_readings(stepped(Duration::from_millis(1))), expect);
    assert_eq!(p2_readings(stepped(Duration::from_millis(1))), expect);
}

#[test]
fn a_real_clock_is_that_of_the_machine() {
    for readings in [p1_readings(Clocks::Real), p2_readings(Clocks::Real)] {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let read = Duration::from_nanos(readings[0]);
        assert!(now.abs_diff(read) < Duration::from_secs(3600), "{readings:?}");
        assert!(readings[1] < 3_600_000_000_000, "the monotonic clock begins with the store: {readings:?}");
    }
}

#[test]
fn a_step_of_nothing_is_refused() {
    let error = Wasi::new(&Grants::default().clocks(stepped(Duration::ZERO))).unwrap_err();
    assert!(matches!(error, GrantError::ClockStep), "{error:?}");
    assert!(error.to_string().starts_with("clocks.stepped.step: "), "{error}");
}

/// Sleeps once, on the clock CLOCK (0: wall, 1: monotonic), until NANOSECONDS after what it shows.
const SLEEP_UNTIL: &str = r#"(module
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")
        (drop (call $clock (i32.const CLOCK) (i64.const 1) (i32.const 0)))
        (i32.store (i32.const 80) (i32.const CLOCK))
        (i64.store (i32.const 88) (i64.add (i64.load (i32.const 0)) (i64.const NANOSECONDS)))
        (i32.store16 (i32.const 104) (i32.const 1))
        (if (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 4)) (then unreachable))))"#;

async fn sleep_until(clocks: Clocks, clock: u32, sleep: Duration) -> wasmtime::Result<()> {
    let nanoseconds = sleep.as_nanos().to_string();
    let module = SLEEP_UNTIL.replace("CLOCK", &clock.to_string()).replace("NANOSECONDS", &nanoseconds);
    let module = Module::new(&ENGINE, module)?;
    let mut store = store(Wasi::new(&Grants::default().clocks(clocks))?);
    let mut linker = Linker::new(&ENGINE);
    p1::add_to_linker_async(&mut linker)?;
    let instance = linker.instantiate_async(&mut store, &module).await?;
    instance.get_typed_func::<(), ()>(&mut store, "_start")?.call_async(&mut store, ()).await
}

#[tokio::test]
async fn a_sleep_ends_though_the_clock_stands_still() {
    for clocks in [Clocks::Fixed(START.parse().unwrap()), stepped(Duration::from_nanos(1))] {
        for clock in [0, 1] {
            let begun = Instant::now();
            sleep_until(clocks, clock, Duration::from_millis(20)).await.unwrap();
            assert!(begun.elapsed() >= Duration::from_millis(19), "{clocks:?} {clock}");
        }
    }
}

#[tokio::test]
async fn a_long_sleep_under_a_fixed_clock_can_be_given_up() {
    let end_of_time: Time = "2554-07-21T23:34:33Z".parse().unwrap();
    for (clocks, sleep) in [
        (Clocks::Fixed(START.parse().unwrap()), Duration::from_secs(3600)),
        (Clocks::Fixed(START.parse().unwrap()), Duration::from_nanos(u64::MAX - start())),
        (Clocks::Fixed("1970-01-01T00:00:00Z".parse().unwrap()), Duration::from_nanos(u64::MAX)),
        (Clocks::Stepped { start: end_of_time, step: Duration::MAX }, Duration::ZERO),
    ] {
        for clock in [0, 1] {
            let given_up =
                timeout(Duration::from_millis(30), sleep_until(clocks, clock, sleep)).await.is_err();
            assert_eq!(given_up, !sleep.is_zero(), "{clocks:?} {clock}");
        }
    }
}
