//! The plugin host on the built guests, good and hostile.

mod blocking;
mod bundle; // everything about one fault, written and read again
mod bytes; // core modules, and calls of the wrong kind
mod cache; // the second start
mod call; // arguments, exports, typed calls
mod command; // WASI commands on a runtime
mod hostile; // each is stopped for its own reason, and nobody else pays
#[cfg(feature = "http")]
mod http; // requests, each in a fresh store
#[cfg(feature = "http")]
mod http_served;
mod load; // directories, broken plugins, names
mod manifest; // the file of one plugin
#[cfg(feature = "schema")]
mod manifest_schema; // its JSON Schema says the same
#[cfg(feature = "p3")]
mod p3; // commands that wait for several things at a time
mod policy; // the file an operator writes
mod reload; // new versions under load, refused ones, the way back
mod shutdown; // what is finished, cancelled and left
mod spawned; // every form of a call, on any thread
mod supervise; // breakers and attempts
mod tenants; // shares, ledgers, names
mod warm; // instances for several calls, and pools
mod watched; // a directory that is followed
mod world_versions; // what plugins of either version import, and configuration values

use std::time::Duration;

use host_plugins::host_limits::{Bytes, Limits};
use host_plugins::{PluginHost, Policy, Runtime};
use wasmtime::component::Val;

/// Limits that every good guest of the tests stays within, on a slow machine too.
fn limits() -> Limits {
    Limits {
        memory: Bytes::mebi(32),
        table_elements: 10_000,
        fuel: Some(500_000_000),
        deadline: Duration::from_secs(60),
        stack: Bytes::kibi(512),
        output: Bytes::kibi(64),
        ..Limits::untrusted()
    }
}

fn policy(limits: Limits) -> Policy {
    let mut policy =
        Policy::from_toml("grants = { stdout = { capture = 65536 }, stderr = { capture = 65536 } }")
            .expect("the tests' policy is right");
    policy.limits = limits;
    policy
}

fn host() -> PluginHost {
    PluginHost::new(policy(limits()), None).unwrap()
}

fn load(host: &PluginHost, name: &str) {
    host.load_bytes(name, &fixtures::bytes(&format!("plugins/{name}"))).unwrap();
}

fn string(text: &str) -> Val {
    Val::String(text.into())
}

/// `ok(text)` of a `result<string, string>`.
fn ok(text: &str) -> Val {
    Val::Result(Ok(Some(Box::new(string(text)))))
}

/// `err(text)` of a `result<string, string>`.
fn err(text: &str) -> Val {
    Val::Result(Err(Some(Box::new(string(text)))))
}

/// A component that imports the function `name` from nowhere.
fn importing(names: &[&str]) -> Vec<u8> {
    let imports: String =
        names.iter().map(|name| format!("(import \"{name}\" (instance (export \"f\" (func))))")).collect();
    wat::parse_str(format!("(component {imports})")).unwrap()
}

/// A component that counts its calls in a global, is told apart by `version`, and can trap, spin and work.
fn counting(version: u32) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (global $count (mut i32) (i32.const 0))
                (func (export "count") (result i32)
                    (global.set $count (i32.add (global.get $count) (i32.const 1)))
                    (global.get $count))
                (func (export "version") (result i32) (i32.const {version}))
                (func (export "trap") unreachable)
                (func (export "spin") (loop (br 0)))
                (func (export "work") (param i32)
                    (loop
                        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                        (br_if 0 (i32.gt_s (local.get 0) (i32.const 0))))))
            (core instance $i (instantiate $m))
            (func (export "count") (result u32) (canon lift (core func $i "count")))
            (func (export "version") (result u32) (canon lift (core func $i "version")))
            (func (export "trap") (canon lift (core func $i "trap")))
            (func (export "spin") (canon lift (core func $i "spin")))
            (func (export "work") (param "rounds" u32) (canon lift (core func $i "work"))))"#
    ))
    .unwrap()
}

/// A component whose `wait` gives what the host's function `gate` gives.
fn gated() -> Vec<u8> {
    wat::parse_str(
        r#"(component
            (import "gate" (func $gate (result u32)))
            (core func $gate' (canon lower (func $gate)))
            (core module $m
                (import "host" "gate" (func $gate (result i32)))
                (memory (export "memory") 1)
                (func (export "wait") (result i32) (call $gate)))
            (core instance $i (instantiate $m (with "host" (instance (export "gate" (func $gate'))))))
            (func (export "wait") (result u32) (canon lift (core func $i "wait"))))"#,
    )
    .unwrap()
}

/// A host whose linker has `gate`, which does what `gate` says for each call.
fn gate_host<F>(policy: Policy, gate: impl Fn() -> F + Send + Sync + 'static) -> PluginHost
where
    F: Future<Output = wasmtime::Result<u32>> + Send + 'static,
{
    let mut runtime = Runtime::new(policy.profile.clone(), &policy.limits, None).unwrap();
    runtime
        .component_linker()
        .root()
        .func_wrap_async("gate", move |_, (): ()| {
            let answer = gate();
            Box::new(async move { Ok((answer.await?,)) })
        })
        .unwrap();
    PluginHost::on(runtime, policy)
}

/// The policy of the tests with more of it in TOML.
fn policy_with(text: &str) -> Policy {
    let mut policy = Policy::from_toml(text).unwrap();
    policy.limits = limits();
    policy.grants = crate::policy(limits()).grants;
    policy
}

/// The events that were told until now.
fn heard(events: &mut host_plugins::Events) -> Vec<host_plugins::Event> {
    std::iter::from_fn(|| events.try_next())
        .filter_map(|heard| match heard {
            host_plugins::Heard::Event(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// Waits, up to half a minute, until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
