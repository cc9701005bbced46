//! The plugin host on the built guests, good and hostile.

mod blocking;
mod bundle; // everything about one fault, written and read again
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
mod spawned; // every form of a call, on any thread
mod world_versions; // what plugins of either version import, and configuration values

use std::time::Duration;

use host_plugins::host_limits::{Bytes, Limits};
use host_plugins::{PluginHost, Policy};
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
