//! Through `PluginHost`.

use host_plugins::wasmtime::component::{Instance, Val};
use host_plugins::wasmtime::{self, Store};
use host_plugins::{Bindings, PluginHost, Policy, State};

use crate::guests;
use crate::guests::bindings::Echo;

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

pub(crate) fn policy() -> Policy {
    Policy::from_toml(POLICY).expect("the policy is right")
}

/// The same policy, under which an instance is kept for the next call.
fn warm_policy() -> Policy {
    let warm = "instances = { warm = { max-calls = 4_000_000_000, max-age = '1h' } }";
    let mut policy = policy();
    policy.instances = Policy::from_toml(warm).expect("the policy is right").instances;
    policy
}

/// The plugin `echo`, as a component or as a core module.
#[derive(Clone)]
pub(crate) struct Host(PluginHost);

impl Host {
    pub(crate) fn component() -> Host {
        Host::of(policy(), &guests::read("component-echo"))
    }

    pub(crate) fn warm_component() -> Host {
        Host::of(warm_policy(), &guests::read("component-echo"))
    }

    pub(crate) fn module() -> Host {
        Host::of(policy(), &guests::bytes_echo())
    }

    pub(crate) fn warm_module() -> Host {
        Host::of(warm_policy(), &guests::bytes_echo())
    }

    /// From a pool so small that Valgrind has room for it.
    pub(crate) fn in_small_pool(is_warm: bool, guest: &[u8]) -> Host {
        let mut policy = if is_warm { warm_policy() } else { policy() };
        let small = "profile = { allocation = { pool = { guests = 4 } } }";
        policy.profile = Policy::from_toml(small).expect("the policy is right").profile;
        Host::of(policy, guest)
    }

    fn of(policy: Policy, guest: &[u8]) -> Host {
        let host = PluginHost::new(policy, None).expect("the policy fits");
        host.load_bytes("echo", guest).expect("it is a plugin");
        Host(host)
    }

    /// Through `bindgen!`.
    pub(crate) async fn typed(&self, text: &str) -> String {
        let work = async |store: &mut _, plugin: &Echo| plugin.call_process(store, text).await;
        self.0.call_typed("echo", work).await.expect("it works").value
    }

    /// By the name of the export.
    pub(crate) async fn untyped(&self, text: &str) -> String {
        let arguments = [Val::String(text.to_owned())];
        let mut outcome = self.0.call("echo", "process", &arguments).await.expect("it works");
        match outcome.value.pop() {
            Some(Val::String(text)) => text,
            other => panic!("`process` gives a string, and not {other:?}"),
        }
    }

    /// Of the core module.
    pub(crate) async fn bytes(&self, input: &[u8]) -> Vec<u8> {
        self.0.call_bytes("echo", "process", input).await.expect("it works").value
    }
}
