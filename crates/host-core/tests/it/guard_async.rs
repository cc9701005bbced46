//! Outcomes and faults of async calls, and what only they can do.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use host_core::{Fault, FaultKind, MemoryError, Outcome, Profile, guard, guard_async};
use host_limits::{Bytes, Exceeded, Limits};
use wasmtime::{Caller, Linker, Module, Store, Trap};

use crate::{Data, Host, check_text};

const SEVEN: &str = r#"(module (func (export "run") (result i32) (i32.const 7)))"#;
const SPIN: &str = r#"(module (func (export "run") (result i32) (loop (br 0)) unreachable))"#;
const CALL: &str = r#"(module (import "host" "call" (func $call))
    (func (export "run") (result i32) (call $call) (i32.const 1)))"#;

fn host(deadline: Duration) -> Host {
    Host::new(Limits { deadline, fuel: None, ..Limits::untrusted() })
}

async fn run_in(
    linker: &Linker<Data>,
    store: &mut Store<Data>,
    module: &Module,
) -> Result<Outcome<i32>, Fault> {
    guard_async(store, async |store| {
        let instance = linker.instantiate_async(&mut *store, module).await?;
        instance.get_typed_func::<(), i32>(&mut *store, "run")?.call_async(store, ()).await
    })
    .await
}

async fn run(host: &Host, wat: &str) -> Result<Outcome<i32>, Fault> {
    let result = run_in(&host.linker, &mut host.async_store(), &host.module(wat)).await;
    if let Err(fault) = &result {
        check_text(fault);
    }
    result
}

#[tokio::test]
async fn a_good_call_gives_its_value_and_what_it_spent() {
    let outcome = run(&Host::new(Limits::untrusted()), SEVEN).await.unwrap();
    assert_eq!(outcome.value, 7);
    assert!(outcome.usage.fuel.unwrap() > 0);
}

#[tokio::test]
async fn faults_of_guests_are_told_as_in_sync_calls() {
    let host = Host::new(Limits { fuel: Some(100_000), memory: Bytes::mebi(1), ..Limits::untrusted() });
    let unreachable = r#"(module (func $culprit (export "run") (result i32) unreachable))"#;
    let fault = run(&host, unreachable).await.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Trap(Trap::UnreachableCodeReached));
    assert_eq!(fault.backtrace()[0].function.as_deref(), Some("culprit"));

    let fault = run(&host, SPIN).await.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Fuel { allowed: 100_000 }));
    assert_eq!(fault.usage().fuel, Some(100_000));

    let large = r#"(module (memory 17) (func (export "run") (result i32) (i32.const 1)))"#;
    let fault = run(&host, large).await.unwrap_err();
    let asked = Bytes::kibi(17 * 64);
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Memory { allowed: Bytes::mebi(1), asked }));

    let log = r#"(module (import "env" "host_log" (func $log (param i32 i32))) (memory (export "memory") 1)
        (func (export "run") (result i32) (call $log (i32.const -1) (i32.const -1)) (i32.const 1)))"#;
    let fault = run(&host, log).await.unwrap_err();
    let (address, size) = (u64::from(u32::MAX), 65_536);
    let outside = MemoryError::OutOfBounds { address, length: address, size };
    assert_eq!(*fault.kind(), FaultKind::BadArgument(outside));

    let host = Host::new(Limits { fuel: None, ..Limits::untrusted() });
    let deep = r#"(module (func $deep (export "run") (result i32) (call $deep)))"#;
    let fault = run(&host, deep).await.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Stack { allowed: Bytes::kibi(512) }));
}

#[tokio::test]
async fn a_host_function_that_never_returns_ends_at_the_deadline() {
    let deadline = Duration::from_millis(50);
    let mut host = host(deadline);
    let dropped = Arc::new(AtomicBool::new(false));
    let mark = Mark(Arc::clone(&dropped));
    host.linker
        .func_wrap_async("host", "call", move |_: Caller<'_, Data>, ()| {
            let mark = mark.clone();
            Box::new(async move {
                let _mark = mark;
                pending::<()>().await;
            })
        })
        .unwrap();
    let fault = run(&host, CALL).await.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Deadline { allowed: deadline }));
    assert!(fault.usage().elapsed >= deadline);
    assert!(dropped.load(Ordering::Acquire), "what the host function held is let go");
}

fn no_such_user() {
    panic!("no such user");
}

/// Says when it is dropped.
#[derive(Clone)]
struct Mark(Arc<AtomicBool>);

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[tokio::test]
async fn a_busy_loop_leaves_the_thread_to_others_until_its_deadline() {
    let deadline = Duration::from_millis(200);
    let host = host(deadline);
    // One thread for both: the other task gets on only because the guest yields.
    let others = Arc::new(AtomicU32::new(0));
    let turns = Arc::clone(&others);
    let task = tokio::spawn(async move {
        loop {
            turns.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let fault = run(&host, SPIN).await.unwrap_err();
    task.abort();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Deadline { allowed: deadline }));
    assert!(fault.usage().yields >= 2, "{:?}", fault.usage());
    assert!(others.load(Ordering::Relaxed) >= 2);
}

#[tokio::test]
async fn a_cancelled_call_says_so() {
    let mut host = host(Duration::from_secs(600));
    host.linker.func_wrap_async("host", "call", |_: Caller<'_, Data>, ()| Box::new(pending::<()>())).unwrap();
    for wat in [SPIN, CALL] {
        let (mut store, module) = (host.async_store(), host.module(wat));
        let cancel = store.data().meter.deadline().unwrap().cancel_handle();
        let (result, ()) = tokio::join!(run_in(&host.linker, &mut store, &module), async {
            tokio::task::yield_now().await;
            cancel.cancel();
        });
        assert_eq!(*result.unwrap_err().kind(), FaultKind::Budget(Exceeded::Cancelled));
    }
}

#[tokio::test]
async fn a_panic_in_an_async_host_function_ends_its_own_call_only() {
    let mut host = host(Duration::from_secs(60));
    host.linker
        .func_wrap_async("host", "call", |_: Caller<'_, Data>, ()| {
            Box::new(async {
                tokio::task::yield_now().await;
                no_such_user();
            })
        })
        .unwrap();
    let mut neighbour = host.async_store();
    let module = host.module(SEVEN);
    let (neighbours, fault) = tokio::join!(run_in(&host.linker, &mut neighbour, &module), run(&host, CALL));
    assert_eq!(*fault.unwrap_err().kind(), FaultKind::Panic("no such user".into()));
    assert_eq!(neighbours.unwrap().value, 7);
    assert_eq!(run_in(&host.linker, &mut neighbour, &module).await.unwrap().value, 7);
    assert_eq!(run(&host, SEVEN).await.unwrap().value, 7);
}

#[tokio::test]
async fn the_hosts_own_error_comes_back_as_it_was() {
    let mut host = host(Duration::from_secs(60));
    host.linker
        .func_wrap_async("host", "call", |_: Caller<'_, Data>, ()| {
            Box::new(async { Err::<(), _>(std::io::Error::other("disk on fire").into()) })
        })
        .unwrap();
    let fault = run(&host, CALL).await.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Host);
    assert_eq!(fault.error().downcast_ref::<std::io::Error>().unwrap().to_string(), "disk on fire");
    assert_eq!(fault.to_string(), "host: disk on fire");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guarded_calls_run_as_tasks_of_several_threads() {
    let host = Arc::new(Host::with_profile(Profile::Untrusted, Limits::untrusted()));
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let host = Arc::clone(&host);
            // Compiles only if the whole future is `Send`.
            tokio::spawn(async move {
                let module = host.module(&SEVEN.replace('7', &number.to_string()));
                let mut store = host.async_store();
                guard_async(&mut store, async |store| {
                    let instance = host.linker.instantiate_async(&mut *store, &module).await?;
                    instance.get_typed_func::<(), i32>(&mut *store, "run")?.call_async(store, ()).await
                })
                .await
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap().unwrap().value, i32::try_from(number).unwrap());
    }
}

#[tokio::test]
async fn a_store_that_was_never_armed_runs_nothing() {
    let host = host(Duration::from_secs(60));
    let mut store = host.unarmed();
    let fault = run_in(&host.linker, &mut store, &host.module(SEVEN)).await.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Host);
    assert!(fault.to_string().contains("not armed"), "{fault}");
}

#[test]
fn a_store_armed_for_async_calls_refuses_sync_ones_with_a_reason() {
    let host = host(Duration::from_secs(60));
    // At its first tick: it cannot yield to anybody.
    let fault = host.run_in(&mut host.async_store(), &host.module(SPIN)).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Host);
    assert!(fault.to_string().contains("async"), "{fault}");
    check_text(&fault);
    // And nothing else breaks for it.
    assert_eq!(guard(&mut host.store(), |_| Ok(3)).unwrap().value, 3);
}

#[tokio::test]
async fn a_call_that_was_cancelled_before_does_not_begin() {
    let host = host(Duration::from_secs(60));
    let mut store = host.async_store();
    store.data().meter.deadline().unwrap().cancel_handle().cancel();
    let fault = run_in(&host.linker, &mut store, &host.module(SEVEN)).await.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Cancelled));
}

/// Panics when it is dropped.
struct Sharp;

impl Drop for Sharp {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[tokio::test]
async fn a_host_function_that_panics_when_the_deadline_drops_it_ends_its_own_call_only() {
    let deadline = Duration::from_millis(50);
    let mut host = host(deadline);
    host.linker
        .func_wrap_async("host", "call", |_: Caller<'_, Data>, ()| {
            Box::new(async {
                let _sharp = Sharp;
                pending::<()>().await;
            })
        })
        .unwrap();
    let fault = run(&host, CALL).await.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Deadline { allowed: deadline }));
}
