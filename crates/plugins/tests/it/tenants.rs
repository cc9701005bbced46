//! Tenants: whose turn it is, what each may take, and their names.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use host_plugins::{BusyReason, CallError, Caller, PluginHost, TenantError};
use wasmtime::component::Val;

use crate::{counting, host, policy_with};

fn host_with(text: &str) -> PluginHost {
    let host = PluginHost::new(policy_with(text), None).unwrap();
    host.load_bytes("a", &counting(1)).unwrap();
    host
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_line_that_is_too_long_or_too_slow_is_busy() {
    let mut policy = policy_with("queue = { concurrency = 1, waiting = 1, wait = '100ms' }");
    // The one that has the place must have it for as long as the test takes.
    policy.limits.fuel = None;
    let host = PluginHost::new(policy, None).unwrap();
    host.load_bytes("a", &counting(1)).unwrap();
    let acme = host.tenant("acme").unwrap();
    let spin = acme.clone();
    let spin = tokio::spawn(async move { spin.call("a", "spin", &[]).await.map(drop) });
    while host.snapshot().underway.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let waiting = acme.clone();
    let waiting = tokio::spawn(async move { waiting.call("a", "count", &[]).await });
    while host.snapshot().queue.waiting == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let busy = |result| match result {
        Err(CallError::Busy(busy)) => busy,
        other => panic!("{other:?}"),
    };
    let full = busy(acme.call("a", "count", &[]).await);
    assert_eq!((full.why, full.tenant.as_deref()), (BusyReason::QueueFull, Some("acme")));
    // Another tenant has a line of its own.
    assert_eq!(busy(host.call("a", "count", &[]).await).why, BusyReason::Waited);
    let waited = busy(waiting.await.unwrap());
    assert!(waited.why == BusyReason::Waited && waited.waited >= Duration::from_millis(100), "{waited}");
    spin.abort();
    assert!(spin.await.unwrap_err().is_cancelled());
    acme.call("a", "count", &[]).await.unwrap();
    assert_eq!((host.snapshot().queue.running, host.snapshot().queue.waiting), (0, 0));
}

/// Makes calls without a pause, `at_once` at a time, and counts those that went well.
fn load(caller: &Caller, at_once: usize, done: &Arc<AtomicBool>) -> Arc<AtomicU64> {
    let good = Arc::new(AtomicU64::new(0));
    for _ in 0..at_once {
        let (caller, done, good) = (caller.clone(), Arc::clone(done), Arc::clone(&good));
        tokio::spawn(async move {
            while !done.load(Ordering::SeqCst) {
                if caller.call("a", "work", &[Val::U32(20_000)]).await.is_ok() {
                    good.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
    }
    good
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_are_as_the_weights() {
    let host = host_with("queue = { concurrency = 2, wait = '60s' }\ntenants.heavy.weight = 3");
    let done = Arc::new(AtomicBool::new(false));
    let heavy = load(&host.tenant("heavy").unwrap(), 16, &done);
    let light = load(&host.tenant("light").unwrap(), 16, &done);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (heavy, light) = (heavy.load(Ordering::SeqCst), light.load(Ordering::SeqCst));
    done.store(true, Ordering::SeqCst);
    let share = heavy as f64 / light as f64;
    assert!(light > 20 && (1.8..5.0).contains(&share), "{heavy} to {light}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_greedy_tenant_slows_only_itself() {
    let host = host_with("queue = { concurrency = 2, waiting = 2000, wait = '60s' }");
    let done = Arc::new(AtomicBool::new(false));
    let greedy = load(&host.tenant("greedy").unwrap(), 1_000, &done);
    while host.snapshot().queue.waiting < 500 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let modest = host.tenant("modest").unwrap();
    let mut times = Vec::new();
    for _ in 0..50 {
        let begun = Instant::now();
        modest.call("a", "work", &[Val::U32(20_000)]).await.unwrap();
        times.push(begun.elapsed());
    }
    let in_greedy = greedy.load(Ordering::SeqCst);
    done.store(true, Ordering::SeqCst);
    times.sort_unstable();
    // In one line with a thousand others, it would take as long as a thousand calls.
    assert!(in_greedy < 2_500, "{in_greedy} calls of the greedy one for 50 of the modest one");
    assert!(times[25] < Duration::from_secs(1), "{:?}", times[25]);
}

#[tokio::test]
async fn fuel_is_counted_for_a_tenant_and_refused_when_it_is_gone() {
    let host = host_with("[tenants.poor]\nlimits = { fuel = 1_000_000, fuel-window = '1h' }");
    let poor = host.tenant("poor").unwrap();
    let mut last = None;
    for _ in 0..100 {
        last = poor.call("a", "work", &[Val::U32(20_000)]).await.err();
        if last.is_some() {
            break;
        }
    }
    let error = last.expect("its fuel ends some time");
    assert!(format!("{error}").contains("poor"), "{error}");
    let rich = host.tenant("rich").unwrap();
    for _ in 0..20 {
        rich.call("a", "work", &[Val::U32(20_000)]).await.unwrap();
    }
    assert_eq!(host.snapshot().plugins[0].breakers.len(), 0);
    // Whoever is forgotten begins anew.
    assert!(host.forget_tenant("poor"));
    host.tenant("poor").unwrap().call("a", "count", &[]).await.unwrap();
}

#[test]
fn a_tenant_has_a_name_that_can_be_told() {
    let host = host();
    for (name, is_control) in [("", false), ("a\nb", true), (&*"x".repeat(129), false)] {
        let error = host.tenant(name).err().unwrap();
        assert_eq!(error, TenantError::Name { bytes: name.len(), control: is_control });
    }
    assert_eq!(host.tenant(&"ü".repeat(64)).unwrap().tenant().unwrap().chars().count(), 64);
    assert_eq!(host.caller().tenant(), None);
    assert_eq!(host.snapshot().tenants.len(), 1);
    for number in 1..host_plugins::MAX_TENANTS {
        host.tenant(&number.to_string()).unwrap();
    }
    assert_eq!(host.tenant("more").err(), Some(TenantError::TooMany));
    assert!(host.forget_tenant("7") && host.tenant("more").is_ok());
}
