//! Plugins that keep failing are left alone for a while; calls that may be made twice are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use host_plugins::{BreakerState, CallError, Event, PluginHost};

use crate::{counting, gate_host, gated, heard, policy_with};

fn host(breaker: &str) -> PluginHost {
    let host = PluginHost::new(policy_with(&format!("[breaker]\n{breaker}")), None).unwrap();
    host.load_bytes("a", &counting(1)).unwrap();
    host
}

fn states(events: Vec<Event>) -> Vec<BreakerState> {
    let state = |event| match event {
        Event::Breaker { state, .. } => Some(state),
        _ => None,
    };
    events.into_iter().filter_map(state).collect()
}

#[tokio::test]
async fn a_breaker_opens_is_tried_and_closes() {
    let host = host("faults = 3\nopen = '100ms'\nlongest-open = '10s'");
    let mut events = host.events();
    for _ in 0..3 {
        assert!(matches!(host.call("a", "trap", &[]).await, Err(CallError::Fault(_))));
    }
    let refused = host.call("a", "count", &[]).await.unwrap_err();
    let CallError::Open { plugin, tenant, retry_after } = refused else { panic!("{refused}") };
    assert_eq!((&*plugin, tenant), ("a", None));
    assert!(retry_after <= Duration::from_millis(100) && !retry_after.is_zero(), "{retry_after:?}");
    let snapshot = host.snapshot();
    assert_eq!(snapshot.plugins[0].breaker, BreakerState::Open);
    assert_eq!((snapshot.plugins[0].breakers.len(), snapshot.plugins[0].calls.refused), (1, 1));
    // The call that tries it goes wrong: twice as long.
    tokio::time::sleep(Duration::from_millis(120)).await;
    assert!(matches!(host.call("a", "trap", &[]).await, Err(CallError::Fault(_))));
    let again = host.breakers("a").unwrap()[0].retry_after.unwrap();
    assert!(again > 0.1, "{again}");
    tokio::time::sleep(Duration::from_millis(220)).await;
    host.call("a", "count", &[]).await.unwrap();
    assert_eq!(host.snapshot().plugins[0].breaker, BreakerState::Closed);
    use BreakerState::{Closed, HalfOpen, Open};
    assert_eq!(states(heard(&mut events)), [Open, HalfOpen, Open, HalfOpen, Closed]);
}

#[tokio::test]
async fn one_tenant_s_faults_are_nobody_else_s_unless_it_is_said() {
    for (scope, others) in [("tenant", true), ("plugin", false)] {
        let host = host(&format!("faults = 2\nopen = '60s'\nscope = '{scope}'"));
        let (acme, other) = (host.tenant("acme").unwrap(), host.tenant("other").unwrap());
        for _ in 0..2 {
            acme.call("a", "trap", &[]).await.unwrap_err();
        }
        assert!(matches!(acme.call("a", "count", &[]).await, Err(CallError::Open { .. })), "{scope}");
        assert_eq!(other.call("a", "count", &[]).await.is_ok(), others, "{scope}");
        assert_eq!(host.call("a", "count", &[]).await.is_ok(), others, "{scope}");
        // A new version is judged anew.
        host.reload_bytes("a", &counting(2)).unwrap();
        acme.call("a", "count", &[]).await.unwrap();
    }
}

/// Cancels the next call of `spin`.
async fn cancelled(host: &PluginHost) {
    let spin = host.clone();
    let spin = tokio::spawn(async move { spin.call("a", "spin", &[]).await });
    let id = loop {
        tokio::time::sleep(Duration::from_millis(1)).await;
        if let Some(call) = host.snapshot().underway.first() {
            break call.id;
        }
    };
    assert!(host.cancel(id));
    let error = spin.await.unwrap().unwrap_err();
    assert_eq!(error.call().unwrap().id, id);
    assert!(!host.cancel(id));
}

#[tokio::test]
async fn what_somebody_else_decided_speaks_neither_for_nor_against_a_plugin() {
    let host = host("faults = 2\nopen = '50ms'\nlongest-open = '60s'");
    for _ in 0..3 {
        cancelled(&host).await;
    }
    assert_eq!(host.snapshot().plugins[0].breaker, BreakerState::Closed);
    for _ in 0..2 {
        host.call("a", "trap", &[]).await.unwrap_err();
    }
    tokio::time::sleep(Duration::from_millis(60)).await;
    // The call that tries it never says how it went.
    cancelled(&host).await;
    assert_eq!(host.snapshot().plugins[0].breaker, BreakerState::HalfOpen);
}

#[tokio::test]
async fn a_call_that_may_be_made_twice_is() {
    let left = Arc::new(AtomicU32::new(2));
    let failing = Arc::clone(&left);
    let host = gate_host(policy_with(""), move || {
        let fails =
            failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        async move { if fails { Err(wasmtime::Error::msg("not now")) } else { Ok(5) } }
    });
    host.load_bytes("a", &gated()).unwrap();
    let caller = host.caller().attempts(3);
    let reply = caller.call("a", "wait", &[]).await.unwrap();
    assert_eq!(reply.call.attempt, 3);
    assert!(reply.call.id.0 >= 3);
    left.store(5, Ordering::SeqCst);
    let error = caller.call("a", "wait", &[]).await.unwrap_err();
    assert_eq!((error.call().unwrap().attempt, left.load(Ordering::SeqCst)), (3, 2));
    // What is wrong with the call itself is not tried again.
    caller.call("a", "wait", &[wasmtime::component::Val::U32(1)]).await.unwrap_err();
    assert_eq!(left.load(Ordering::SeqCst), 2);
}
