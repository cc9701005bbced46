//! The same through `PluginHost`.

use host_plugins::wasmtime::component::{Instance, Val};
use host_plugins::wasmtime::{self, Store};
use host_plugins::{Bindings, PluginHost, Policy, State};

use crate::bindings::Echo;

/// An operator's policy: the default limits, and a pool.
const POLICY: &str = r#"
    [profile]
    allocation = { pool = {} }
    [grants]
    stdout = { capture = 65536 }
    stderr = { capture = 65536 }
"#;

impl Bindings for Echo {
    fn new(store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Echo> {
        Echo::new(store, instance)
    }
}

pub(crate) struct Host {
    host: PluginHost,
}

pub(crate) fn policy() -> Policy {
    Policy::from_toml(POLICY).expect("the policy is right")
}

impl Host {
    pub(crate) fn new(wasm: &[u8]) -> Host {
        let host = PluginHost::new(policy(), None).expect("the policy fits");
        host.load_bytes("echo", wasm).expect("it is a plugin");
        Host { host }
    }

    /// The same, which keeps an instance for the next call.
    pub(crate) fn warm(wasm: &[u8]) -> Host {
        let mut policy = policy();
        let warm = "instances = { warm = { max-calls = 4_000_000_000, max-age = '1h' } }";
        policy.instances = Policy::from_toml(warm).expect("the policy is right").instances;
        let host = PluginHost::new(policy, None).expect("the policy fits");
        host.load_bytes("echo", wasm).expect("it is a plugin");
        Host { host }
    }

    /// Through `bindgen!`.
    pub(crate) async fn typed(&self, text: &str) -> String {
        let work = async |store: &mut _, plugin: &Echo| plugin.call_process(store, text).await;
        self.host.call_typed("echo", work).await.expect("it works").value
    }

    /// By the name of the export.
    pub(crate) async fn untyped(&self, text: &str) -> String {
        let arguments = [Val::String(text.to_owned())];
        let mut outcome = self.host.call("echo", "process", &arguments).await.expect("it works");
        match outcome.value.pop() {
            Some(Val::String(text)) => text,
            other => panic!("`process` gives a string, and not {other:?}"),
        }
    }
}
