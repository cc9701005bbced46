//! A host that ends: what is finished, what is cancelled, and that nothing is left.

use std::process::Command;
use std::time::Duration;

use host_plugins::host_core::FaultKind;
use host_plugins::host_limits::Exceeded;
use host_plugins::{CallError, Event, LoadError, PluginHost, Shutdown, WatchSettings};

use crate::{counting, gate_host, gated, heard, host, limits, policy, policy_with};

/// A host on which a call of `wait` is under way that takes so long.
async fn waiting(time: Duration) -> (PluginHost, tokio::task::JoinHandle<Result<(), CallError>>) {
    let host = gate_host(policy(limits()), move || async move {
        tokio::time::sleep(time).await;
        Ok(1)
    });
    host.load_bytes("a", &gated()).unwrap();
    let call = tokio::spawn({
        let host = host.clone();
        async move { host.call("a", "wait", &[]).await.map(drop) }
    });
    while host.snapshot().underway.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (host, call)
}

fn ended(finished: usize, cancelled: usize) -> String {
    format!("Shutdown {{ finished: {finished}, cancelled: {cancelled}, left: 0 }}")
}

#[tokio::test]
async fn calls_have_time_to_finish() {
    let (host, call) = waiting(Duration::from_millis(100)).await;
    let mut events = host.events();
    assert_eq!(format!("{:?}", host.shutdown(Duration::from_secs(30)).await), ended(1, 0));
    call.await.unwrap().unwrap();
    assert!(matches!(heard(&mut events)[0], Event::ShuttingDown { .. }));
    assert_eq!(host.shutdown(Duration::ZERO).await, Shutdown::default());
    assert!(matches!(
        host.call("a", "wait", &[]).await,
        Err(CallError::ShuttingDown | CallError::UnknownPlugin { .. })
    ));
    assert!(matches!(host.load_bytes("b", &counting(1)), Err(LoadError::ShuttingDown)));
    let directory = tempfile::tempdir().unwrap();
    assert!(host.watch(directory.path(), WatchSettings::default()).is_err());
    assert!(host.list().is_empty() && host.snapshot().shutting_down);
}

#[tokio::test]
async fn calls_that_take_longer_are_cancelled() {
    let (host, call) = waiting(Duration::from_secs(3600)).await;
    assert_eq!(format!("{:?}", host.shutdown(Duration::from_millis(50)).await), ended(0, 1));
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.fault().map(|fault| fault.kind().clone()), Some(FaultKind::Budget(Exceeded::Cancelled)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_is_sent_away() {
    let host = PluginHost::new(policy_with("queue = { concurrency = 1, wait = '60s' }"), None).unwrap();
    host.load_bytes("a", &counting(1)).unwrap();
    let call = |export| {
        let host = host.clone();
        tokio::spawn(async move { host.call("a", export, &[]).await.map(drop) })
    };
    let spin = call("spin");
    while host.snapshot().underway.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let waiting: Vec<_> = (0..3).map(|_| call("count")).collect();
    while host.snapshot().queue.waiting < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let shutdown = host.shutdown(Duration::from_millis(50)).await;
    assert_eq!(format!("{shutdown:?}"), ended(0, 1));
    for call in waiting {
        assert!(matches!(call.await.unwrap(), Err(CallError::ShuttingDown)));
    }
    assert!(spin.await.unwrap().is_err());
}

/// Set in the process in which the test below does its work: in the one of all tests, others have threads and files.
#[cfg(target_os = "linux")]
const ALONE: &str = "HOST_PLUGINS_TEST_ALONE";

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_a_host() {
    if std::env::var_os(ALONE).is_none() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "shutdown::nothing_is_left_of_a_host", "--nocapture", "--test-threads=1"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let plugins = temporary.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    std::fs::write(plugins.join("a.wasm"), counting(1)).unwrap();
    std::fs::write(plugins.join("broken.wasm"), b"nothing").unwrap();
    let count = |of: &str| std::fs::read_dir(format!("/proc/self/{of}")).unwrap().count();
    let temporaries = || std::fs::read_dir(std::env::temp_dir()).unwrap().count();
    let round = || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let text = "instances = { warm = {} }\nprofile = { allocation = { pool = { guests = 8 } } }";
            let host = PluginHost::new(policy_with(text), None).unwrap();
            host.watch(&plugins, WatchSettings::default()).unwrap();
            host.call("a", "count", &[]).await.unwrap();
            host.reload_bytes("a", &counting(2)).unwrap();
            host.call("a", "count", &[]).await.unwrap();
            host.call("a", "trap", &[]).await.unwrap_err();
            let spin = host.clone();
            let spin = tokio::spawn(async move { spin.call("a", "spin", &[]).await.map(drop) });
            while host.snapshot().underway.is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            host.shutdown(Duration::from_millis(20)).await;
            spin.await.unwrap().unwrap_err();
        });
    };
    // What the process makes once, it makes now.
    round();
    let before = (count("fd"), temporaries());
    let threads = count("task");
    round();
    // A thread is there a moment longer than its work.
    crate::until("threads are left", || count("task") <= threads);
    assert_eq!((count("fd"), temporaries()), before);
}

/// A version that is built while the host is shut down does not come afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_loaded_by_a_load_that_had_begun() {
    for _ in 0..20 {
        let host = host();
        let load = host.clone();
        let load = tokio::task::spawn_blocking(move || load.load_bytes("a", &counting(1)).map(drop));
        tokio::time::sleep(Duration::from_micros(500)).await;
        host.shutdown(Duration::ZERO).await;
        let _ = load.await.unwrap();
        assert!(host.list().is_empty());
    }
}
