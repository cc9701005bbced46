//! Time that is not the guest's: queued, waited by host functions, and calls nested in calls.

use std::future::{pending, poll_fn};
use std::sync::mpsc::sync_channel;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use host_limits::{Deadline, Exceeded, HasMeter, Limits, Meter, Ticker, Usage, arm, arm_async, usage};
use wasmtime::{Caller, Config, Engine, Extern, Linker, Module, Store};

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(3600);
const WAIT: &str = r#"(module (import "host" "wait" (func $wait)) (func (export "run") (call $wait)))"#;

fn limits(deadline: Duration) -> Limits {
    Limits { deadline, fuel: None, ..Limits::default() }
}

/// A sync host with a host function that waits as `wait` does.
fn run_sync(
    limits: Limits,
    prepare: impl FnOnce(&mut Meter),
    wait: impl Fn(&Deadline) -> Result<(), Exceeded> + Send + Sync + 'static,
) -> (Result<(), Option<Exceeded>>, Usage) {
    let mut config = Config::new();
    let engine = Engine::new(limits.configure(&mut config)).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let mut linker = Linker::<Meter>::new(&engine);
    linker
        .func_wrap("host", "wait", move |caller: Caller<'_, Meter>| {
            Ok(wait(caller.data().deadline().expect("an armed store runs"))?)
        })
        .unwrap();
    let module = Module::new(&engine, WAIT).unwrap();
    let mut store = Store::new(&engine, Meter::new(limits));
    prepare(store.data_mut());
    arm(&mut store, &ticker).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let result = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ());
    (result.map_err(|error| store.data().explain(&error)), usage(&mut store))
}

#[test]
fn a_sync_host_function_that_waits_is_stopped() {
    let stopped = Err(Some(Exceeded::Deadline { allowed: SHORT }));
    let (sleeping, usage) = run_sync(limits(SHORT), |_| {}, |deadline| deadline.sleep(LONG));
    assert_eq!(sleeping, stopped);
    assert!(usage.elapsed >= SHORT && usage.elapsed < LONG);
    assert!(usage.waited > Duration::ZERO && usage.busy() < usage.elapsed);
    let (waiting, _) = run_sync(limits(SHORT), |_| {}, |deadline| deadline.block_on(pending()));
    assert_eq!(waiting, stopped);
    let (for_ever, _) = run_sync(limits(SHORT), |_| {}, |deadline| deadline.sleep(Duration::MAX));
    assert_eq!(for_ever, stopped);
}

#[test]
fn a_sync_host_function_that_waits_is_cancelled() {
    let (sender, receiver) = sync_channel(1);
    let thread = std::thread::spawn(move || {
        let deadline: Deadline = receiver.recv().unwrap();
        deadline.cancel_handle().cancel();
    });
    let (result, _) = run_sync(
        limits(LONG),
        |_| {},
        move |deadline| {
            sender.send(deadline.clone()).unwrap();
            deadline.block_on(pending())
        },
    );
    assert_eq!(result, Err(Some(Exceeded::Cancelled)));
    thread.join().unwrap();
}

#[test]
fn a_wait_that_ends_in_time_goes_on() {
    let (slept, usage) = run_sync(
        limits(LONG),
        |_| {},
        |deadline| {
            let start = Instant::now();
            deadline.sleep(SHORT)?;
            assert!(start.elapsed() >= SHORT);
            assert_eq!(deadline.block_on(async { 7 })?, 7);
            Ok(())
        },
    );
    assert_eq!(slept, Ok(()));
    assert!(usage.waited >= SHORT / 2 && usage.waited <= usage.elapsed);
}

#[test]
fn a_wake_up_is_not_lost_to_others_that_park_the_thread() {
    // The future parks its thread itself, and so takes the token that was meant for the wait around it.
    let (result, _) = run_sync(
        limits(LONG),
        |_| {},
        |deadline| {
            let mut first = true;
            deadline.block_on(poll_fn(|context| {
                if !std::mem::take(&mut first) {
                    return Poll::Ready(());
                }
                let waker: Waker = context.waker().clone();
                std::thread::spawn(move || waker.wake());
                std::thread::park();
                Poll::Pending
            }))
        },
    );
    assert_eq!(result, Ok(()));
}

#[test]
fn time_in_a_queue_counts() {
    let queued = |meter: &mut Meter| meter.queued_since(Instant::now() - 2 * SHORT);
    let (result, usage) = run_sync(limits(SHORT), queued, Deadline::check);
    assert_eq!(result, Err(Some(Exceeded::Deadline { allowed: SHORT })));
    assert!(usage.elapsed >= 2 * SHORT);
    let (result, _) = run_sync(limits(LONG), queued, Deadline::check);
    assert_eq!(result, Ok(()));
}

#[test]
fn time_in_a_queue_counts_once() {
    let mut config = Config::new();
    let engine = Engine::new(limits(LONG).configure(&mut config)).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let mut store = Store::new(&engine, Meter::new(limits(LONG)));
    store.data_mut().queued_since(Instant::now() - LONG);
    arm(&mut store, &ticker).unwrap();
    assert!(store.data().deadline().unwrap().check().is_err());
    arm(&mut store, &ticker).unwrap();
    assert!(store.data().deadline().unwrap().check().is_ok());
}

#[test]
fn a_deadline_outlives_its_engine() {
    let mut config = Config::new();
    let engine = Engine::new(limits(SHORT).configure(&mut config)).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let mut store = Store::new(&engine, Meter::new(limits(SHORT)));
    arm(&mut store, &ticker).unwrap();
    let deadline = store.data().deadline().unwrap().clone();
    drop((store, engine));
    // The thread ends with its engine, some time after; a wait that begins before and one that begins later both end.
    assert_eq!(deadline.block_on(pending::<()>()), Err(Exceeded::Deadline { allowed: SHORT }));
    assert_eq!(ticker_of_a_dead_engine().sleep(LONG), Err(Exceeded::Deadline { allowed: 20 * SHORT }));
}

/// A deadline that is not over, of an engine that is gone and whose thread has had the time to notice.
fn ticker_of_a_dead_engine() -> Deadline {
    let limits = limits(20 * SHORT);
    let mut config = Config::new();
    let engine = Engine::new(limits.configure(&mut config)).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker).unwrap();
    let deadline = store.data().deadline().unwrap().clone();
    drop((store, engine));
    std::thread::sleep(4 * Ticker::PERIOD);
    deadline
}

struct Data {
    meter: Meter,
    deepest: u32,
}

impl HasMeter for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

#[test]
fn an_endless_loop_in_a_host_callback_is_stopped() {
    let mut config = Config::new();
    let engine = Engine::new(limits(SHORT).configure(&mut config)).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let mut linker = Linker::<Meter>::new(&engine);
    linker
        .func_wrap("host", "call-back", |mut caller: Caller<'_, Meter>| {
            let _nested = caller.data().nest()?;
            let Some(Extern::Func(spin)) = caller.get_export("spin") else { wasmtime::bail!("no `spin`") };
            spin.typed::<(), ()>(&caller)?.call(&mut caller, ())
        })
        .unwrap();
    let wat = r#"(module (import "host" "call-back" (func $call_back))
        (func (export "run") (call $call_back)) (func (export "spin") (loop (br 0))))"#;
    let mut store = Store::new(&engine, Meter::new(limits(SHORT)));
    arm(&mut store, &ticker).unwrap();
    let instance = linker.instantiate(&mut store, &Module::new(&engine, wat).unwrap()).unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    let error = run.call(&mut store, ()).unwrap_err();
    assert_eq!(store.data().explain(&error), Some(Exceeded::Deadline { allowed: SHORT }));
}

/// The host function `again` calls the export `run`, which calls `again`, and so on for `depth` times.
async fn call_back(mut caller: Caller<'_, Data>, depth: u32) -> wasmtime::Result<()> {
    let _nested = caller.data_mut().meter().nest()?;
    caller.data_mut().deepest += 1;
    if depth == 0 {
        return Ok(());
    }
    let Some(Extern::Func(run)) = caller.get_export("run") else { wasmtime::bail!("no `run`") };
    run.typed::<u32, ()>(&caller)?.call_async(&mut caller, depth - 1).await
}

async fn recurse(depth: u32) -> (Result<(), Option<Exceeded>>, u32) {
    let limits = Limits { call_depth: 5, ..limits(LONG) };
    let mut config = Config::new();
    let engine = Engine::new(limits.configure(&mut config)).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let mut linker = Linker::<Data>::new(&engine);
    linker
        .func_wrap_async("host", "again", |caller: Caller<'_, Data>, (depth,): (u32,)| {
            Box::new(call_back(caller, depth))
        })
        .unwrap();
    let wat = r#"(module (import "host" "again" (func $again (param i32)))
        (func (export "run") (param i32) (call $again (local.get 0))))"#;
    let module = Module::new(&engine, wat).unwrap();
    let mut store = Store::new(&engine, Data { meter: Meter::new(limits), deepest: 0 });
    arm_async(&mut store, &ticker).unwrap();
    let instance = linker.instantiate_async(&mut store, &module).await.unwrap();
    let run = instance.get_typed_func::<u32, ()>(&mut store, "run").unwrap();
    // Twice: the first call gives back what it took.
    run.call_async(&mut store, 1).await.unwrap();
    store.data_mut().deepest = 0;
    let result = run.call_async(&mut store, depth).await;
    (result.map_err(|error| store.data().meter.explain(&error)), store.data().deepest)
}

#[tokio::test]
pub(crate) async fn call_depth() {
    assert_eq!(recurse(4).await, (Ok(()), 5));
    assert_eq!(recurse(5).await, (Err(Some(Exceeded::CallDepth { allowed: 5 })), 5));
    assert_eq!(recurse(1_000_000).await, (Err(Some(Exceeded::CallDepth { allowed: 5 })), 5));
}

const SPIN: &str = r#"(module (func (export "run") (loop (br 0))))"#;

async fn spin(yield_interval: Duration) -> Usage {
    let limits = Limits { yield_interval, ..limits(Duration::from_millis(300)) };
    let mut config = Config::new();
    let engine = Engine::new(limits.configure(&mut config)).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let mut store = Store::new(&engine, Meter::new(limits));
    arm_async(&mut store, &ticker).unwrap();
    let module = Module::new(&engine, SPIN).unwrap();
    let instance = Linker::new(&engine).instantiate_async(&mut store, &module).await.unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    run.call_async(&mut store, ()).await.unwrap_err();
    let spent = usage(&mut store);
    arm_async(&mut store, &ticker).unwrap();
    assert_eq!(usage(&mut store).yields, 0);
    spent
}

#[tokio::test]
pub(crate) async fn yield_interval() {
    let seldom = spin(Duration::from_millis(100)).await;
    assert!((1..=3).contains(&seldom.yields), "{seldom:?}");
    assert_eq!(spin(LONG).await.yields, 0);
    let often = spin(Duration::ZERO).await;
    assert!(often.yields > seldom.yields, "{often:?}");
}

#[tokio::test]
async fn what_a_bound_call_waits_is_told_apart() {
    let mut config = Config::new();
    let engine = Engine::new(limits(LONG).configure(&mut config)).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let mut store = Store::new(&engine, Meter::new(limits(LONG)));
    arm_async(&mut store, &ticker).unwrap();
    let deadline = store.data().deadline().unwrap().clone();
    // One wait inside of the other is waited once.
    deadline.bound(deadline.bound(tokio::time::sleep(2 * SHORT))).await.unwrap().unwrap();
    let waited = usage(&mut store);
    assert!(waited.waited >= SHORT && waited.waited <= waited.elapsed, "{waited:?}");
    deadline.bound(async { std::thread::sleep(2 * SHORT) }).await.unwrap();
    let worked = usage(&mut store);
    assert_eq!(worked.waited, waited.waited);
    assert!(worked.busy() >= 2 * SHORT);
    // The next one is measured as the first was.
    deadline.bound(tokio::time::sleep(2 * SHORT)).await.unwrap();
    assert!(usage(&mut store).waited >= waited.waited + SHORT);
}
