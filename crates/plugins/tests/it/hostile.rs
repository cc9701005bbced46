//! Each hostile plugin is stopped for its own reason, and nobody else pays.

use std::sync::Arc;
use std::time::Duration;

use host_plugins::host_core::{AllocationStrategy, EngineSettings, Fault, FaultKind, PoolSettings};
use host_plugins::host_limits::{Bytes, Exceeded, Limits};
use host_plugins::{CallError, PluginHost};
use wasmtime::Trap;

use crate::{host, limits, load, ok, policy, string};

/// Calls `process` of a plugin that does not survive it.
async fn stopped(host: &PluginHost, name: &str) -> (FaultKind, CallError) {
    let error = host.call(name, "process", &[string("x")]).await.unwrap_err();
    let kind = error.fault().map(Fault::kind).unwrap_or_else(|| panic!("{name}: {error}")).clone();
    (kind, error)
}

async fn kind(limits: Limits, name: &str) -> FaultKind {
    let host = PluginHost::new(policy(limits), None).unwrap();
    load(&host, name);
    stopped(&host, name).await.0
}

#[tokio::test]
async fn budgets() {
    let limits = limits();
    let fuel = FaultKind::Budget(Exceeded::Fuel { allowed: limits.fuel.unwrap() });
    assert_eq!(kind(limits.clone(), "endless-loop").await, fuel);
    assert_eq!(kind(limits.clone(), "endless-start").await, fuel);
    let stack = FaultKind::Budget(Exceeded::Stack { allowed: limits.stack });
    assert_eq!(kind(limits.clone(), "deep-recursion").await, stack);
    let output = FaultKind::Budget(Exceeded::Output { allowed: limits.output });
    assert_eq!(kind(limits.clone(), "output-flood").await, output);
    // The limit holds where the grant says more.
    let less = Limits { output: Bytes::kibi(1), ..limits.clone() };
    let output = FaultKind::Budget(Exceeded::Output { allowed: Bytes::kibi(1) });
    assert_eq!(kind(less, "output-flood").await, output);
    let memory = kind(limits.clone(), "memory-bomb").await;
    assert!(
        matches!(memory, FaultKind::Budget(Exceeded::Memory { allowed, asked })
            if allowed == limits.memory && asked > allowed),
        "{memory:?}"
    );
    let table = kind(limits, "table-bomb").await;
    assert!(matches!(table, FaultKind::Budget(Exceeded::TableElements { allowed: 10_000, .. })), "{table:?}");
}

/// A pool bounds memories and tables, too, and is not what stops a guest.
#[tokio::test]
async fn budgets_in_a_pool() {
    let mut policy = policy(limits());
    let pool = PoolSettings { guests: 2, ..PoolSettings::default() };
    policy.profile = EngineSettings { allocation: AllocationStrategy::Pool(pool), ..policy.profile };
    let host = PluginHost::new(policy, None).unwrap();
    for name in ["memory-bomb", "table-bomb", "deep-recursion"] {
        load(&host, name);
        let (kind, _) = stopped(&host, name).await;
        assert!(
            matches!(
                kind,
                FaultKind::Budget(
                    Exceeded::Memory { .. }
                        | Exceeded::TableElements { allowed: 10_000, .. }
                        | Exceeded::Stack { .. }
                )
            ),
            "{name}: {kind:?}"
        );
    }
}

#[tokio::test]
async fn deadlines_reach_a_loop_a_start_function_and_a_sleeping_guest() {
    let deadline = Duration::from_millis(100);
    let limits = Limits { deadline, fuel: None, ..limits() };
    for name in ["endless-loop", "endless-start", "sleeper"] {
        let kind = kind(limits.clone(), name).await;
        assert_eq!(kind, FaultKind::Budget(Exceeded::Deadline { allowed: deadline }), "{name}");
    }
}

#[tokio::test]
async fn traps_by_kind() {
    let host = host();
    for (name, trap) in [
        ("trap", Trap::UnreachableCodeReached),
        ("out-of-bounds", Trap::MemoryOutOfBounds),
        ("panics", Trap::UnreachableCodeReached),
    ] {
        load(&host, name);
        let (kind, error) = stopped(&host, name).await;
        assert_eq!(kind, FaultKind::Trap(trap), "{name}");
        assert!(!error.fault().unwrap().backtrace().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn what_a_guest_said_before_it_was_stopped_is_kept() {
    let host = host();
    load(&host, "panics");
    let (_, error) = stopped(&host, "panics").await;
    let CallError::Fault(stopped) = error else { panic!("{error}") };
    let stderr = String::from_utf8(stopped.captured.stderr).unwrap();
    assert!(stderr.contains("panicked at"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_plugins_are_unharmed_by_hostile_ones_in_the_same_process() {
    let host = Arc::new(
        PluginHost::new(policy(Limits { memory: Bytes::mebi(16), fuel: Some(50_000_000), ..limits() }), None)
            .unwrap(),
    );
    let loaded = host.load_directory(fixtures::plugins()).unwrap();
    assert!(loaded.failed.is_empty(), "{:?}", loaded.failed);
    let mut calls = tokio::task::JoinSet::new();
    for round in 0..4 {
        for plugin in &loaded.plugins {
            // It would sleep until its deadline, which is long here; it has a test of its own.
            if plugin.name == "sleeper" {
                continue;
            }
            let (host, name) = (Arc::clone(&host), plugin.name.clone());
            calls.spawn(async move {
                let result = host.call(&name, "process", &[string("Ada")]).await;
                (name, round, result)
            });
        }
    }
    let mut good = 0;
    for (name, round, result) in calls.join_all().await {
        match name.as_str() {
            "greeter" => assert_eq!(result.unwrap().value, [ok("Hello, Ada!")], "round {round}"),
            "shout" => assert_eq!(result.unwrap().value, [ok("ADA")], "round {round}"),
            _ => {
                assert!(result.unwrap_err().fault().is_some(), "{name}, round {round}");
                continue;
            }
        }
        good += 1;
    }
    assert_eq!(good, 8);
}
