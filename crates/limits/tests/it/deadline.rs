//! Deadlines and cancellation, of sync and async calls.

use std::time::Duration;

use host_limits::{Exceeded, Limits, Meter, Ticker, arm_async, usage};
use wasmtime::{Config, Engine, Linker, Module, Store};

use crate::{Host, run, run_in};

const LOOP: &str = r#"(module (func (export "run") (result i32) (loop (br 0)) (i32.const 0)))"#;
const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(3600);

fn limits(deadline: Duration) -> Limits {
    Limits { deadline, fuel: None, ..Limits::default() }
}

#[test]
pub(crate) fn an_endless_loop_is_stopped() {
    let run = run(limits(SHORT), LOOP);
    assert_eq!(run.reason, Some(Exceeded::Deadline { allowed: SHORT }));
    assert!(run.usage.elapsed >= SHORT);
}

#[test]
fn an_endless_start_function_is_stopped() {
    let wat = r#"(module (func $start (loop (br 0))) (start $start)
        (func (export "run") (result i32) (i32.const 0)))"#;
    assert_eq!(run(limits(SHORT), wat).reason, Some(Exceeded::Deadline { allowed: SHORT }));
}

#[test]
fn a_loop_of_host_calls_is_stopped() {
    let wat = r#"(module (import "host" "call" (func $call))
        (func (export "run") (result i32) (loop (call $call) (br 0)) (i32.const 0)))"#;
    let run = run(limits(SHORT), wat);
    assert_eq!(run.reason, Some(Exceeded::Deadline { allowed: SHORT }));
    assert!(run.calls > 0);
}

#[test]
fn another_thread_cancels() {
    let host = Host::new(limits(LONG));
    let mut store = host.store();
    let handle = store.data().meter.deadline().unwrap().cancel_handle();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(SHORT);
        handle.cancel();
    });
    assert_eq!(run_in(&host, &mut store, LOOP).reason, Some(Exceeded::Cancelled));
    thread.join().unwrap();
}

#[test]
fn a_store_armed_again_starts_anew() {
    let host = Host::new(limits(SHORT));
    let mut store = host.store();
    assert_eq!(run_in(&host, &mut store, LOOP).reason, Some(Exceeded::Deadline { allowed: SHORT }));
    host_limits::arm(&mut store, &host.ticker).unwrap();
    let fine = r#"(module (func (export "run") (result i32) (i32.const 3)))"#;
    assert_eq!(run_in(&host, &mut store, fine).result.unwrap(), 3);
}

/// An async host with a host function that waits for ever.
struct Blocking {
    engine: Engine,
    ticker: Ticker,
    linker: Linker<Meter>,
}

impl Blocking {
    fn new(limits: &Limits) -> Blocking {
        let mut config = Config::new();
        limits.configure(&mut config);
        let engine = Engine::new(&config).unwrap();
        let ticker = Ticker::start(&engine).unwrap();
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap_async("host", "wait", |_: wasmtime::Caller<'_, Meter>, ()| {
                Box::new(std::future::pending::<()>())
            })
            .unwrap();
        Blocking { engine, ticker, linker }
    }

    /// Calls `run`, with the deadline over the whole of it; gives what ended it.
    async fn run(&self, limits: Limits, wat: &str, cancel_after: Option<Duration>) -> (Exceeded, u64) {
        let mut store = Store::new(&self.engine, Meter::new(limits));
        arm_async(&mut store, &self.ticker).unwrap();
        let deadline = store.data().deadline().unwrap().clone();
        if let Some(after) = cancel_after {
            let handle = deadline.cancel_handle();
            std::thread::spawn(move || {
                std::thread::sleep(after);
                handle.cancel();
            });
        }
        let module = Module::new(&self.engine, wat).unwrap();
        let result = deadline
            .bound(async {
                let instance = self.linker.instantiate_async(&mut store, &module).await?;
                let run = instance.get_typed_func::<(), i32>(&mut store, "run")?;
                run.call_async(&mut store, ()).await
            })
            .await;
        let reason = match result {
            Err(exceeded) => exceeded,
            Ok(result) => store.data().explain(&result.unwrap_err()).unwrap(),
        };
        (reason, usage(&mut store).yields)
    }
}

const WAIT: &str = r#"(module (import "host" "wait" (func $wait))
    (func (export "run") (result i32) (call $wait) (i32.const 0)))"#;

#[tokio::test]
async fn an_async_call_blocked_in_the_host_is_stopped() {
    let limits = limits(SHORT);
    let (reason, _) = Blocking::new(&limits).run(limits, WAIT, None).await;
    assert_eq!(reason, Exceeded::Deadline { allowed: SHORT });
}

#[tokio::test]
async fn an_async_call_blocked_in_the_host_is_cancelled() {
    let limits = limits(LONG);
    let (reason, _) = Blocking::new(&limits).run(limits, WAIT, Some(SHORT)).await;
    assert_eq!(reason, Exceeded::Cancelled);
}

#[tokio::test]
async fn a_busy_async_guest_yields_to_its_neighbours_and_is_stopped() {
    let limits = limits(Duration::from_millis(200));
    let host = Blocking::new(&limits);
    // On this one-threaded runtime the neighbour only gets its turns if the guest yields.
    let turns = std::sync::atomic::AtomicU64::new(0);
    let neighbour = async {
        loop {
            turns.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    };
    let (reason, yields) = tokio::select! {
        ended = host.run(limits.clone(), LOOP, None) => ended,
        () = neighbour => unreachable!("the neighbour never ends"),
    };
    assert_eq!(reason, Exceeded::Deadline { allowed: limits.deadline });
    assert!(yields > 1 && turns.into_inner() > 1);
}

#[tokio::test]
async fn a_cancellation_reaches_the_outer_of_two_bound_calls() {
    let blocking = Blocking::new(&limits(LONG));
    let mut store = Store::new(&blocking.engine, Meter::new(limits(LONG)));
    arm_async(&mut store, &blocking.ticker).unwrap();
    let deadline = store.data().deadline().unwrap().clone();
    let handle = deadline.cancel_handle();
    let both = deadline.bound(async {
        deadline.bound(tokio::task::yield_now()).await.unwrap();
        tokio::task::spawn_blocking(move || handle.cancel());
        std::future::pending::<()>().await;
    });
    let result = tokio::time::timeout(Duration::from_secs(60), both).await;
    assert_eq!(result.expect("nobody woke the outer call"), Err(Exceeded::Cancelled));
}
