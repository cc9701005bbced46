//! The same through `PluginHost`.

use host_plugins::wasmtime::component::Val;
use host_plugins::{PluginHost, Policy};

use crate::bindings::Echo;

/// An operator's policy: the default limits, and a pool.
const POLICY: &str = r#"
    [profile]
    allocation = { pool = {} }
    [grants]
    stdout = { capture = 65536 }
    stderr = { capture = 65536 }
"#;

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

    /// Through `bindgen!`, in an instance of its own.
    pub(crate) async fn typed(&self, text: &str) -> String {
        let work = async |store: &mut _, instance| {
            let plugin = Echo::new(&mut *store, &instance)?;
            plugin.call_process(store, text).await
        };
        self.host.call_with("echo", work).await.expect("it works").value
    }

    /// By the name of the export, in an instance of its own.
    pub(crate) async fn untyped(&self, text: &str) -> String {
        let arguments = [Val::String(text.to_owned())];
        let mut outcome = self.host.call("echo", "process", &arguments).await.expect("it works");
        match outcome.value.pop() {
            Some(Val::String(text)) => text,
            other => panic!("`process` gives a string, and not {other:?}"),
        }
    }
}
