//! A plugin changes while it is called: nobody notices but by the answer.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use host_plugins::host_cache::Digest;
use host_plugins::{Event, LoadError, PluginHost};
use tokio::sync::Semaphore;
use wasmtime::component::Val;

use crate::{counting, gate_host, gated, heard, host, limits, policy};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_there_are_a_hundred_reloads() {
    let host = host();
    let versions: Vec<_> = (1..=101).map(counting).collect();
    host.load_bytes("a", &versions[0]).unwrap();
    let digests: Arc<Vec<_>> = Arc::new(versions.iter().map(Digest::of).collect());
    let done = Arc::new(AtomicBool::new(false));
    let calls = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (host, digests) = (host.clone(), Arc::clone(&digests));
            let (done, calls) = (Arc::clone(&done), Arc::clone(&calls));
            tokio::spawn(async move {
                let mut last = 0;
                while !done.load(Ordering::SeqCst) || last < 101 {
                    let reply = host.call("a", "version", &[]).await.unwrap();
                    let version = reply.call.version;
                    assert_eq!(reply.value, [Val::U32(version as u32)]);
                    assert_eq!(reply.call.digest, digests[version as usize - 1]);
                    assert!(version >= last, "{version} after {last}");
                    last = version;
                    calls.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for (number, wasm) in (2..).zip(&versions[1..]) {
        // Each version is called, so that the reloads are under load.
        let before = calls.load(Ordering::SeqCst);
        let (host, wasm) = (host.clone(), wasm.clone());
        let info = tokio::task::spawn_blocking(move || host.reload_bytes("a", &wasm)).await.unwrap().unwrap();
        assert_eq!(info.version, number);
        while calls.load(Ordering::SeqCst) < before + 4 && !tasks.iter().any(|task| task.is_finished()) {
            tokio::task::yield_now().await;
        }
    }
    done.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
    let plugin = &host.snapshot().plugins[0];
    assert_eq!(plugin.calls.good, calls.load(Ordering::SeqCst));
    assert!(plugin.calls.good >= 400 && plugin.calls.faults.is_empty() && plugin.calls.refused == 0);
}

#[tokio::test]
async fn calls_under_way_finish_on_the_version_on_which_they_began() {
    let open = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&open);
    let host = gate_host(policy(limits()), move || {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(7)
        }
    });
    host.load_bytes("a", &gated()).unwrap();
    let call = tokio::spawn({
        let host = host.clone();
        async move { host.call("a", "wait", &[]).await }
    });
    while host.snapshot().underway.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    host.reload_bytes("a", &counting(2)).unwrap();
    assert_eq!(host.call("a", "version", &[]).await.unwrap().value, [Val::U32(2)]);
    // What is unloaded is finished, too.
    host.unload("a");
    open.add_permits(1);
    let reply = call.await.unwrap().unwrap();
    assert_eq!((reply.value, reply.call.version), (vec![Val::U32(7)], 1));
}

#[tokio::test]
async fn a_broken_new_version_is_told_and_the_old_one_stays() {
    let host = host();
    host.load_bytes("a", &counting(1)).unwrap();
    let mut events = host.events();
    let good = counting(2);
    let truncated = host.reload_bytes("a", &good[..good.len() - 9]).unwrap_err();
    assert!(matches!(truncated, LoadError::Invalid { .. }), "{truncated}");
    let imports = host.reload_bytes("a", &gated()).unwrap_err();
    assert!(matches!(imports, LoadError::Imports(_)), "{imports}");
    let text = host.reload_bytes("a", b"hello").unwrap_err();
    assert!(matches!(text, LoadError::Input(_)), "{text}");
    let events = heard(&mut events);
    let told =
        |error: &LoadError| Event::NotReloaded { plugin: "a".into(), version: 1, reason: error.to_string() };
    assert_eq!(events, [told(&truncated), told(&imports), told(&text)]);
    assert_eq!(host.call("a", "version", &[]).await.unwrap().value, [Val::U32(1)]);
    assert!(matches!(host.roll_back("a"), Err(LoadError::NoVersionBefore { .. })));
    assert_eq!(host.reload_bytes("a", &good).unwrap().version, 2);
    assert!(matches!(host.reload("a"), Err(LoadError::NoSource { .. })));
    assert!(matches!(host.reload("b"), Err(LoadError::NotLoaded { .. })));
}

#[tokio::test]
async fn a_manifest_s_health_check_and_name_are_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.toml");
    let write = |text: &str| fs::write(&path, format!("source = 'a.wasm'\n{text}")).unwrap();
    fs::write(directory.path().join("a.wasm"), counting(1)).unwrap();
    write("[health]\nexport = 'version'");
    let host = host();
    assert_eq!(host.load_manifest(&path).unwrap().version, 1);
    let mut events = host.events();
    for check in ["trap", "missing"] {
        write(&format!("[health]\nexport = '{check}'"));
        let error = host.reload("a").unwrap_err();
        assert!(matches!(&error, LoadError::Health { export, .. } if export == check), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }
    write("name = 'b'");
    assert!(matches!(host.reload("a"), Err(LoadError::Renamed { .. })));
    write("wrong = 1");
    assert!(matches!(host.reload("a"), Err(LoadError::Manifest(_))));
    let events = heard(&mut events);
    // A listener has nothing but the words: the cause is among them, once.
    let mut reasons = events.iter().filter_map(|event| match event {
        Event::NotReloaded { reason, .. } => Some(reason),
        _ => None,
    });
    let first = reasons.next().unwrap();
    assert!(first.starts_with("the health check `trap` failed: guest: wasm trap: "), "{first}");
    assert_eq!(first.matches("wasm trap").count(), 1, "{first}");
    let refused = |event: &Event| matches!(event, Event::NotReloaded { version: 1, .. });
    assert_eq!(events.iter().filter(|event| refused(event)).count(), 4);
    assert_eq!(host.get("a").unwrap().version, 1);
    // Another manifest about the same bytes is another version.
    write("[health]\nexport = 'count'");
    assert_eq!(host.reload("a").unwrap().version, 2);
    assert_eq!(host.reload("a").unwrap().version, 2);
}

/// What the health check did is over when the version is in use.
#[tokio::test]
async fn no_call_finds_what_the_health_check_left() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.toml");
    fs::write(directory.path().join("a.wasm"), counting(1)).unwrap();
    fs::write(&path, "source = 'a.wasm'\ninstances = { warm = {} }\n[health]\nexport = 'count'").unwrap();
    let host = host();
    host.load_manifest(&path).unwrap();
    assert_eq!(host.call("a", "count", &[]).await.unwrap().value, [Val::U32(1)]);
}

async fn versions(host: &PluginHost) -> (u64, Val) {
    let reply = host.call("a", "version", &[]).await.unwrap();
    (reply.call.version, reply.value[0].clone())
}

#[tokio::test]
async fn back_to_the_version_before_and_forth() {
    let host = host();
    host.load_bytes("a", &counting(10)).unwrap();
    host.reload_bytes("a", &counting(20)).unwrap();
    let mut events = host.events();
    assert_eq!(host.roll_back("a").unwrap().version, 1);
    assert_eq!(versions(&host).await, (1, Val::U32(10)));
    assert_eq!(host.roll_back("a").unwrap().version, 2);
    assert_eq!(versions(&host).await, (2, Val::U32(20)));
    host.roll_back("a").unwrap();
    let told: Vec<_> = heard(&mut events)
        .into_iter()
        .filter_map(|event| match event {
            Event::RolledBack { version, before, .. } => Some((version, before)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(1, 2), (2, 1), (1, 2)]);
    // A number stands for one version only.
    assert_eq!(host.reload_bytes("a", &counting(30)).unwrap().version, 3);
    assert_eq!(versions(&host).await, (3, Val::U32(30)));
    assert_eq!(host.roll_back("a").unwrap().version, 1);
}

#[tokio::test]
async fn unchanged_bytes_are_no_new_version() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.wasm");
    fs::write(&path, counting(1)).unwrap();
    let host = host();
    host.load_file(&path).unwrap();
    let mut events = host.events();
    assert_eq!(host.reload("a").unwrap().version, 1);
    assert_eq!(heard(&mut events), []);
    fs::write(&path, counting(2)).unwrap();
    assert_eq!(host.reload("a").unwrap().version, 2);
    fs::remove_file(&path).unwrap();
    assert!(matches!(host.reload("a"), Err(LoadError::Read { .. })));
    assert_eq!(versions(&host).await, (2, Val::U32(2)));
}

#[test]
fn reloads_at_the_same_time_come_one_after_the_other() {
    let host = host();
    host.load_bytes("a", &counting(0)).unwrap();
    let mut numbers: Vec<_> = std::thread::scope(|scope| {
        let reload = |number| host.reload_bytes("a", &counting(number)).unwrap().version;
        let threads: Vec<_> = (1..=8).map(|number| scope.spawn(move || reload(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=9).collect::<Vec<_>>());
    assert_eq!(host.get("a").unwrap().version, 9);
}
