//! Instances that serve several calls: of one tenant, and for no longer than they may. And what happens when the pool is full.

use std::sync::Arc;
use std::time::Duration;

use host_plugins::host_limits::Limits;
use host_plugins::{BusyReason, CallError, Caller, PluginHost};
use tokio::sync::Semaphore;
use wasmtime::component::Val;

use crate::{counting, gate_host, gated, limits, load, policy_with};

fn warm(text: &str) -> PluginHost {
    let host = PluginHost::new(policy_with(text), None).unwrap();
    host.load_bytes("a", &counting(1)).unwrap();
    host
}

async fn count(caller: &Caller) -> u32 {
    match caller.call("a", "count", &[]).await.unwrap().value[..] {
        [Val::U32(count)] => count,
        ref other => panic!("{other:?}"),
    }
}

fn idle(host: &PluginHost) -> usize {
    host.snapshot().plugins.iter().map(|plugin| plugin.idle).sum()
}

#[tokio::test]
async fn state_stays_with_its_tenant() {
    let host = warm("instances = { warm = {} }");
    let (acme, other, nobody) = (host.tenant("acme").unwrap(), host.tenant("other").unwrap(), host.caller());
    for round in 1..=3 {
        assert_eq!(count(&acme).await, round);
        assert_eq!(count(&other).await, round);
        assert_eq!(count(&nobody).await, round);
    }
    assert_eq!((idle(&host), host.snapshot().plugins[0].calls.warm), (3, 6));

    let fresh = warm("");
    for _ in 0..3 {
        assert_eq!(count(&fresh.tenant("acme").unwrap()).await, 1);
    }
    assert_eq!(idle(&fresh), 0);
}

#[tokio::test]
async fn a_tenant_that_was_forgotten_leaves_nothing_to_the_next_of_its_name() {
    let host = warm("instances = { warm = {} }");
    let old = host.tenant("acme").unwrap();
    assert_eq!((count(&old).await, count(&old).await), (1, 2));
    assert!(host.forget_tenant("acme") && !host.forget_tenant("acme"));
    assert_eq!(count(&host.tenant("acme").unwrap()).await, 1);
    // Whoever still has the old one finds nothing of the new one either.
    assert_eq!(count(&old).await, 1);
}

#[tokio::test]
async fn an_instance_is_retired_by_a_fault_and_by_a_call_that_is_dropped() {
    let host = warm("instances = { warm = {} }");
    let acme = host.tenant("acme").unwrap();
    assert_eq!((count(&acme).await, count(&acme).await), (1, 2));
    acme.call("a", "trap", &[]).await.unwrap_err();
    assert_eq!((idle(&host), count(&acme).await), (0, 1));
    let spin = acme.call("a", "spin", &[]);
    assert!(tokio::time::timeout(Duration::from_millis(20), spin).await.is_err());
    assert_eq!((idle(&host), count(&acme).await), (0, 1));
    assert_eq!(host.snapshot().plugins[0].calls.dropped, 1);
    // Refused arguments are no fault of the instance.
    acme.call("a", "count", &[Val::U32(1)]).await.unwrap_err();
    assert_eq!(count(&acme).await, 2);
}

#[tokio::test]
async fn no_instance_serves_longer_than_it_may() {
    let host = warm("instances = { warm = { max-calls = 2 } }");
    let caller = host.caller();
    assert_eq!((count(&caller).await, count(&caller).await, count(&caller).await), (1, 2, 1));

    let host = warm("instances = { warm = { max-age = '50ms' } }");
    let caller = host.caller();
    count(&caller).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!((idle(&host), count(&caller).await), (0, 1));
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let open = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&open);
    let host = gate_host(policy_with("instances = { warm = { max-idle = 2 } }"), move || {
        let gate = Arc::clone(&gate);
        async move { Ok(gate.acquire().await.map(|permit| permit.forget()).map(|()| 1)?) }
    });
    host.load_bytes("a", &gated()).unwrap();
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { host.call("a", "wait", &[]).await })
        })
        .collect();
    while host.snapshot().underway.len() < 5 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    open.add_permits(5);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(idle(&host), 2);
}

#[tokio::test]
async fn every_call_has_its_own_budgets_and_output() {
    let host = PluginHost::new(policy_with("instances = { warm = {} }"), None).unwrap();
    host.load_bytes("a", &counting(1)).unwrap();
    // Several calls together burn more than one may.
    let rounds = [Val::U32(20_000_000)];
    for _ in 0..6 {
        let fuel = host.call("a", "work", &rounds).await.unwrap().usage.fuel.unwrap();
        assert!((20_000_000..limits().fuel.unwrap()).contains(&fuel), "{fuel}");
    }
    let little = host.call("a", "count", &[]).await.unwrap().usage.fuel.unwrap();
    assert!(little < 1_000, "{little}");
    host.load_bytes("tally", &fixtures::bytes("plugins-0.2/tally")).unwrap();
    for word in ["one", "two"] {
        let reply = host.call("tally", "plugin-api#process", &[Val::String(word.into())]).await.unwrap();
        assert_eq!(reply.captured.log, [format!("info: counting {word}")]);
    }
    assert_eq!(host.snapshot().plugins[1].calls.warm, 1);
}

#[tokio::test]
async fn deadlines_begin_anew() {
    let mut policy = policy_with("instances = { warm = {} }");
    policy.limits = Limits { deadline: Duration::from_millis(300), fuel: None, ..limits() };
    let host = PluginHost::new(policy, None).unwrap();
    host.load_bytes("a", &counting(1)).unwrap();
    for _ in 0..5 {
        host.call("a", "count", &[]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(count(&host.caller()).await, 6);
}

#[tokio::test]
async fn a_new_version_has_new_instances() {
    let host = warm("instances = { warm = {} }");
    let caller = host.caller();
    assert_eq!((count(&caller).await, count(&caller).await), (1, 2));
    host.reload_bytes("a", &counting(2)).unwrap();
    assert_eq!((idle(&host), count(&caller).await), (0, 1));
    host.roll_back("a").unwrap();
    assert_eq!((count(&caller).await, count(&caller).await), (1, 2));
}

#[tokio::test]
async fn whoever_waits_idle_makes_room_for_a_call() {
    for text in [
        "instances = { warm = {} }\nqueue.wait = '100ms'\nprofile = { allocation = { pool = { guests = 2 } } }",
        "instances = { warm = {} }\nqueue.wait = '100ms'\nprocess.stores = 2",
    ] {
        let host = warm(text);
        for tenant in 0..10 {
            let tenant = host.tenant(&tenant.to_string()).unwrap();
            assert_eq!((count(&tenant).await, count(&tenant).await), (1, 2), "{text}");
            assert!((1..=2).contains(&idle(&host)), "{text}");
        }
    }
}

/// They have more places in a pool than components, but as few stacks, and keep them while they wait.
#[tokio::test]
async fn core_modules_that_wait_idle_make_room_as_components_do() {
    let host = warm(
        "instances = { warm = {} }\nqueue.wait = '100ms'\nprofile = { allocation = { pool = { guests = 2 } } }",
    );
    let module = r#"(module
        (memory (export "memory") 1)
        (func (export "alloc") (param i32) (result i32) (i32.const 8))
        (func (export "dealloc") (param i32 i32))
        (func (export "empty") (param i32 i32) (result i64) (i64.const 0)))"#;
    host.load_bytes("module", &wat::parse_str(module).unwrap()).unwrap();
    for tenant in 0..10 {
        let tenant = host.tenant(&tenant.to_string()).unwrap();
        assert_eq!(tenant.call_bytes("module", "empty", b"x").await.unwrap().value, b"");
        assert_eq!(count(&tenant).await, 1);
        assert!((1..=2).contains(&idle(&host)));
    }
}

/// What a tenant has too much of is taken from nobody else.
#[tokio::test]
async fn a_tenant_at_its_limit_takes_no_instance_from_another() {
    let host = warm("instances = { warm = {} }\nqueue.wait = '50ms'\ntenant.limits.stores = 1");
    load(&host, "greeter");
    let (acme, other) = (host.tenant("acme").unwrap(), host.tenant("other").unwrap());
    assert_eq!(count(&other).await, 1);
    // A call of its own under way has its only store.
    let spin = acme.clone();
    let spin = tokio::spawn(async move { spin.call("a", "spin", &[]).await.map(drop) });
    while host.snapshot().underway.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let refused = acme.call("a", "count", &[]).await.unwrap_err();
    assert!(!matches!(refused, CallError::Fault(_)), "{refused}");
    spin.abort();
    assert_eq!(count(&other).await, 2);
}

#[tokio::test]
async fn a_full_pool_is_busy_after_a_while() {
    for text in ["profile = { allocation = { pool = { guests = 2 } } }", "process.stores = 2"] {
        let open = Arc::new(Semaphore::new(0));
        let gate = Arc::clone(&open);
        let host = gate_host(policy_with(&format!("queue.wait = '100ms'\n{text}")), move || {
            let gate = Arc::clone(&gate);
            async move { Ok(gate.acquire().await.map(|permit| permit.forget()).map(|()| 1)?) }
        });
        host.load_bytes("a", &gated()).unwrap();
        let call = || {
            let host = host.clone();
            tokio::spawn(async move { host.call("a", "wait", &[]).await })
        };
        let calls = [call(), call()];
        while host.snapshot().underway.len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        match host.call("a", "wait", &[]).await {
            Err(CallError::Busy(busy)) => {
                assert_eq!(
                    busy.why,
                    if text.contains("pool") { BusyReason::Pool } else { BusyReason::Stores }
                );
                assert!(
                    (Duration::from_millis(100)..Duration::from_secs(20)).contains(&busy.waited),
                    "{busy}"
                );
            }
            other => panic!("{text}: {other:?}"),
        }
        // Room that comes in time is used.
        let third = call();
        tokio::time::sleep(Duration::from_millis(10)).await;
        open.add_permits(3);
        for call in calls.into_iter().chain([third]) {
            call.await.unwrap().unwrap();
        }
        assert_eq!(host.snapshot().plugins[0].calls.refused, 1);
    }
}
