//! Single instructions that take long: hundreds of MiB filled and copied, and start functions that do it.

use std::time::Duration;

use host_limits::{Bytes, Exceeded, Limits, Meter, Ticker, arm_async};
use wasmtime::{Config, Engine, Linker, Module, Store};

use crate::run;

/// 256 MiB, filled or copied again and again.
fn module(instruction: &str) -> String {
    format!(
        r#"(module (memory 4096)
            (func (export "run") (result i32) (loop {instruction} (br 0)) (i32.const 0)))"#
    )
}

const FILL: &str = "(memory.fill (i32.const 0) (i32.const 1) (i32.const 268435456))";
const COPY: &str = "(memory.copy (i32.const 0) (i32.const 134217728) (i32.const 134217728))";
const SHORT: Duration = Duration::from_millis(30);
/// One operation takes some tenths of a second; what takes this long went on.
const PATIENCE: Duration = Duration::from_secs(60);

fn limits() -> Limits {
    Limits { memory: Bytes::mebi(256), deadline: SHORT, ..Limits::default() }
}

#[test]
fn a_loop_of_bulk_operations_is_stopped_by_its_deadline() {
    for instruction in [FILL, COPY] {
        let stopped = run(Limits { fuel: None, ..limits() }, &module(instruction));
        assert_eq!(stopped.reason, Some(Exceeded::Deadline { allowed: SHORT }), "{instruction}");
        assert!(stopped.usage.elapsed < PATIENCE, "{instruction}: {:?}", stopped.usage);
    }
}

#[test]
fn a_bulk_operation_burns_fuel_by_its_size_before_it_begins() {
    for instruction in [FILL, COPY] {
        let limits = Limits { fuel: Some(100_000_000), deadline: Duration::from_secs(3600), ..limits() };
        let stopped = run(limits, &module(instruction));
        assert_eq!(stopped.reason, Some(Exceeded::Fuel { allowed: 100_000_000 }), "{instruction}");
        assert!(stopped.usage.elapsed < PATIENCE, "{instruction}: {:?}", stopped.usage);
    }
}

#[test]
fn a_start_function_of_bulk_operations_is_stopped() {
    let wat = format!(
        r#"(module (memory 4096) (func $start (loop {FILL} (br 0))) (start $start)
            (func (export "run") (result i32) (i32.const 0)))"#
    );
    let stopped = run(Limits { fuel: None, ..limits() }, &wat);
    assert_eq!(stopped.reason, Some(Exceeded::Deadline { allowed: SHORT }));
    assert!(stopped.usage.elapsed < PATIENCE, "{:?}", stopped.usage);
}

#[tokio::test]
async fn a_long_start_function_of_an_async_store_is_stopped() {
    let limits = Limits { fuel: None, ..limits() };
    let mut config = Config::new();
    let engine = Engine::new(limits.configure(&mut config)).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let module = Module::new(&engine, "(module (func $start (loop (br 0))) (start $start))").unwrap();
    let mut store = Store::new(&engine, Meter::new(limits));
    arm_async(&mut store, &ticker).unwrap();
    let error = Linker::new(&engine).instantiate_async(&mut store, &module).await.unwrap_err();
    assert_eq!(store.data().explain(&error), Some(Exceeded::Deadline { allowed: SHORT }));
}
