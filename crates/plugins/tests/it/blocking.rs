//! Blocking calls, also from several threads at a time.

use std::time::Duration;

use host_plugins::blocking::PluginHost;
use host_plugins::host_core::FaultKind;
use host_plugins::host_limits::{Exceeded, Limits};

use crate::{limits, load, ok, policy, string};

fn host(limits: Limits) -> PluginHost {
    PluginHost::new(host_plugins::PluginHost::new(policy(limits), None).unwrap()).unwrap()
}

#[test]
fn threads_call_side_by_side() {
    let host = host(limits());
    load(host.host(), "shout");
    std::thread::scope(|scope| {
        for index in 0..4 {
            let host = &host;
            scope.spawn(move || {
                let outcome = host.call("shout", "process", &[string(&format!("n{index}"))]).unwrap();
                assert_eq!(outcome.value, [ok(&format!("N{index}"))]);
            });
        }
    });
}

#[test]
fn a_deadline_ends_a_guest_that_waits_in_the_host() {
    let deadline = Duration::from_millis(100);
    let host = host(Limits { deadline, ..limits() });
    load(host.host(), "sleeper");
    let error = host.call("sleeper", "process", &[string("x")]).unwrap_err();
    let kind = error.fault().unwrap().kind();
    assert_eq!(*kind, FaultKind::Budget(Exceeded::Deadline { allowed: deadline }));
}

#[tokio::test]
async fn it_may_be_dropped_within_an_async_runtime() {
    drop(host(limits()));
}
