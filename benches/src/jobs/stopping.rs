//! From the deadline to the moment when the caller has its answer.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::extism::{Manifest, PluginBuilder, Wasm};
use host_plugins::{PluginHost, Policy};

use super::{Job, runtime};
use crate::compare::Comparison;
use crate::guests;
use crate::rivals::raw;

const DEADLINE: Duration = Duration::from_millis(20);

pub(super) fn jobs() -> Vec<Job> {
    vec![
        Job::new(
            "stopping a guest that spins",
            "A guest in an endless loop has 20 ms. How much later the caller has its answer.",
            || compare(guests::spins()),
        ),
        Job::new(
            "stopping a guest that waits in a host call",
            "A guest asks WASI to be woken in a second, and has 20 ms. How much later the caller has its answer.",
            || compare(guests::sleeps()),
        )
        .share(1.5),
    ]
}

fn compare(guest: Vec<u8>) -> Comparison {
    let guest: Arc<[u8]> = guest.into();
    let mut comparison = Comparison::of_times().at_most(60);

    let raw = raw::Stopped::new(&guest, DEADLINE);
    let by = runtime();
    comparison
        .sample("raw Wasmtime: epochs every 5 ms, tokio's timeout", move || late(|| by.block_on(raw.call())));

    let policy = format!("[limits]\ndeadline = '{} ms'", DEADLINE.as_millis());
    let mut policy = Policy::from_toml(&policy).expect("the policy is right");
    // Every call is a fault here.
    policy.breaker.faults = u32::MAX;
    let host = PluginHost::new(policy, None).expect("the policy fits");
    host.load_bytes("guest", &guest).expect("it is a plugin");
    let by = runtime();
    comparison.sample("PluginHost", move || {
        late(|| by.block_on(host.call_bytes("guest", "process", &[])).map_err(Box::new))
    });

    let manifest = Manifest::new([Wasm::data(guest.to_vec())]).with_timeout(DEADLINE);
    let builder = PluginBuilder::new(manifest).with_wasi(true).with_cache_disabled();
    let mut plugin = builder.build().expect("the plug-in is right");
    comparison.sample("Extism: timeout", move || late(|| plugin.call::<&str, &str>("run", "").map(drop)));
    comparison
}

/// How long after the deadline a call has ended.
fn late<R, E: Debug>(call: impl FnOnce() -> Result<R, E>) -> f64 {
    let begun = Instant::now();
    let error = call().err();
    let late = begun.elapsed().checked_sub(DEADLINE);
    late.unwrap_or_else(|| panic!("it had until the deadline, but: {error:?}")).as_secs_f64()
}
