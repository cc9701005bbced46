//! `PluginHost`: loads plugins under one policy, and calls them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use host_cache::Cache;
use host_component::World;
use serde_json::Value;
use wasmtime::Store;
use wasmtime::component::{Instance, Val};

use crate::active::Active;
use crate::bindings::Bindings;
use crate::call::CallOptions;
use crate::caller::Caller;
use crate::error::CallError;
use crate::events::{Event, Events, Teller};
use crate::plugin::{Plugin, PluginInfo};
use crate::policy::Policy;
use crate::queue::FairQueue;
use crate::reply::{CallId, Reply};
use crate::runtime::{CacheGrantError, Runtime, SetupError};
use crate::state::State;
use crate::tenants::{TenantError, Tenants};
use crate::watch::Watcher;

/// Loads plugins under one policy, and calls them.
///
/// Each call gets a store of its own, with the policy's limits and grants, or those that the plugin's manifest narrows: no
/// plugin sees what another left behind, nor what it left behind itself unless its [`InstancePolicy`](crate::InstancePolicy) says
/// so, and what stops one call stops no other. Cheap to clone; clones are the same host.
///
/// Calls are async, and need a runtime of tokio with its timer; [`blocking::PluginHost`](crate::blocking::PluginHost) is for
/// programs that are not async. Loading blocks, because compiling does.
#[derive(Clone)]
pub struct PluginHost {
    pub(crate) inner: Arc<Inner>,
}

/// What all clones of a host share.
pub(crate) struct Inner {
    pub(crate) runtime: Runtime,
    pub(crate) policy: Policy,
    pub(crate) queue: FairQueue,
    pub(crate) tenants: Tenants,
    pub(crate) active: Active,
    pub(crate) teller: Teller,
    pub(crate) watchers: Mutex<BTreeMap<PathBuf, Watcher>>,
    pub(crate) worlds: RwLock<BTreeMap<String, World>>,
    plugins: RwLock<BTreeMap<String, Arc<Plugin>>>,
    /// How calls are made that nobody says anything of.
    pub(crate) options: CallOptions,
    closing: AtomicBool,
}

impl PluginHost {
    /// A host without plugins. Compiled code is kept in `cache`, if there is one.
    ///
    /// # Errors
    ///
    /// [`SetupError`]: the policy's limits and profile contradict each other, it grants a directory from which guests reach the
    /// cache, or the machine refuses.
    pub fn new(policy: Policy, cache: Option<Cache>) -> Result<PluginHost, SetupError> {
        let runtime = Runtime::new(policy.profile.clone(), &policy.engine_limits(), cache)?;
        match runtime.check_grants(&policy.grants) {
            // One that is not there yet may come before the first call, which looks again.
            Ok(()) | Err(CacheGrantError::Unknown { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(PluginHost::on(runtime, policy))
    }

    /// A host on a runtime of your making, for example one whose linker offers interfaces of your own.
    ///
    /// The runtime's engine must be able to hold the policy's limits; a call fails if it cannot. What the runtime compiles is
    /// under the policy's static limits from now on.
    pub fn on(runtime: Runtime, policy: Policy) -> PluginHost {
        let runtime = runtime.with_static_limits(policy.static_limits.clone());
        let (queue, tenants) = policy.tenants(runtime.pool);
        let options = CallOptions { tenant: tenants.unnamed(), attempts: 1, bundles: None };
        let inner = Inner {
            runtime,
            policy,
            queue,
            tenants,
            active: Active::default(),
            teller: Teller::new(),
            watchers: Mutex::default(),
            worlds: RwLock::default(),
            plugins: RwLock::default(),
            options,
            closing: AtomicBool::new(false),
        };
        PluginHost { inner: Arc::new(inner) }
    }

    /// The policy that all plugins are under.
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// The runtime that they run on.
    pub fn runtime(&self) -> &Runtime {
        &self.inner.runtime
    }

    /// Makes a world known by `name`, so that manifests can say that their plugin is of it: a component that is not is refused
    /// when it is loaded, with all that does not fit. One that was known by this name is replaced.
    pub fn register_world(&self, name: impl Into<String>, world: World) {
        self.inner.worlds.write().unwrap_or_else(PoisonError::into_inner).insert(name.into(), world);
    }

    /// Unloads a plugin; calls under way finish. `false` if no plugin of that name was loaded.
    pub fn unload(&self, name: &str) -> bool {
        self.inner.unload(name)
    }

    /// The loaded plugins, by name.
    pub fn list(&self) -> Vec<PluginInfo> {
        self.inner.read().values().map(|plugin| plugin.info()).collect()
    }

    /// A loaded plugin.
    pub fn get(&self, name: &str) -> Option<PluginInfo> {
        self.inner.read().get(name).map(|plugin| plugin.info())
    }

    /// Calls on behalf of a tenant. What they take is charged to the tenant's [`Ledger`](host_limits::Ledger), and they wait in
    /// a line of their own: tenants take turns by the time that they use, in proportion to their weight.
    ///
    /// Tenants that the policy does not name are made at their first use.
    ///
    /// # Errors
    ///
    /// [`TenantError`]: it has no name that can be told, or there are too many.
    pub fn tenant(&self, name: &str) -> Result<Caller, TenantError> {
        let tenant = self.inner.tenants.tenant(name)?;
        Ok(Caller::new(self.clone(), CallOptions { tenant, ..self.inner.options.clone() }))
    }

    /// Forgets a tenant and what its ledger has counted; its calls under way go on, and instances that wait for its next call are
    /// never used again. `false` if there was none of that name.
    pub fn forget_tenant(&self, name: &str) -> bool {
        let Some(tenant) = self.inner.tenants.forget(name) else { return false };
        let plugins: Vec<_> = self.inner.read().values().cloned().collect();
        for plugin in plugins {
            plugin.now().idle.give_up_of(tenant.id);
        }
        true
    }

    /// Calls for nobody in particular, with options: several attempts, crash bundles.
    pub fn caller(&self) -> Caller {
        Caller::new(self.clone(), self.inner.options.clone())
    }

    /// Cancels one call, whose [`CallId`] is in the [snapshot](PluginHost::snapshot) and in events. `false` if it is not under way.
    pub fn cancel(&self, call: CallId) -> bool {
        self.inner.active.cancel(call)
    }

    /// What happens from now on. Who is slow loses the oldest, and learns how many.
    pub fn events(&self) -> Events {
        self.inner.teller.listen()
    }

    /// Calls an export of a component by name: `process`, or in full `my-org:my-plugin/plugin-api@0.1.0#process`.
    ///
    /// The arguments are checked against the export's type before it is entered.
    ///
    /// # Errors
    ///
    /// [`CallError`]; a guest that was stopped is [`CallError::Fault`], which says why.
    pub async fn call(
        &self,
        plugin: &str,
        export: &str,
        arguments: &[Val],
    ) -> Result<Reply<Vec<Val>>, CallError> {
        self.inner.call_values(&self.inner.options, plugin, export, arguments).await
    }

    /// As [`call`](PluginHost::call), with the arguments as an array of JSON, and the result as JSON: `null`, or the one value.
    ///
    /// # Errors
    ///
    /// As [`call`](PluginHost::call), and [`CallError::Json`].
    pub async fn call_json(
        &self,
        plugin: &str,
        export: &str,
        arguments: &Value,
    ) -> Result<Reply<Value>, CallError> {
        self.inner.call_json(&self.inner.options, plugin, export, arguments).await
    }

    /// As [`call`](PluginHost::call), written in WAVE: `process("Ada")`, which gives `ok("Hello, Ada!")`.
    ///
    /// # Errors
    ///
    /// As [`call`](PluginHost::call), and [`CallError::Wave`].
    pub async fn call_wave(&self, plugin: &str, call: &str) -> Result<Reply<String>, CallError> {
        self.inner.call_wave(&self.inner.options, plugin, call).await
    }

    /// Calls an export of a core module with bytes, which gives bytes.
    ///
    /// The export has the type `(i32, i32) -> i64`: it takes the address and the length of the input, and gives the address of
    /// its output in the upper half of the number and the length in the lower. The input lies where the module's export `alloc(size)`
    /// says, and is given back with `dealloc(address, size)` afterwards ([`AllocDealloc`](host_core::AllocDealloc)). The output
    /// stays the module's; it is copied before anything else is called. No more than [`Limits::lifted`](host_limits::Limits::lifted) of it.
    ///
    /// # Errors
    ///
    /// As [`call`](PluginHost::call), and [`CallError::NoFunction`] or [`CallError::BytesType`].
    pub async fn call_bytes(
        &self,
        plugin: &str,
        export: &str,
        input: &[u8],
    ) -> Result<Reply<Vec<u8>>, CallError> {
        self.inner.call_bytes(&self.inner.options, plugin, export, input).await
    }

    /// Does `work` with an instance of a component: the way to several calls of one instance. All of it is under the plugin's
    /// limits together. It is done again if the call has [several attempts](Caller::attempts).
    ///
    /// ```no_run
    /// # async fn example(host: &host_plugins::PluginHost) -> Result<(), host_plugins::CallError> {
    /// use host_plugins::host_component::bindings::asynchronous::MyPlugin;
    ///
    /// let greeting = host
    ///     .call_with("greeter", async |store, instance| {
    ///         let plugin = MyPlugin::new(&mut *store, &instance)?;
    ///         plugin.my_org_my_plugin_plugin_api().call_process(store, "Ada").await
    ///     })
    ///     .await?;
    /// assert_eq!(greeting.value, Ok("Hello, Ada!".to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`call`](PluginHost::call).
    pub async fn call_with<R>(
        &self,
        plugin: &str,
        work: impl AsyncFnMut(&mut Store<State>, Instance) -> wasmtime::Result<R>,
    ) -> Result<Reply<R>, CallError> {
        self.inner.call_with(&self.inner.options, plugin, work).await
    }

    /// Calls a component by the [`Bindings`] of its world, which are looked up once for each instance.
    ///
    /// ```no_run
    /// # async fn example(host: &host_plugins::PluginHost) -> Result<(), host_plugins::CallError> {
    /// use host_plugins::host_component::bindings::asynchronous::MyPlugin;
    ///
    /// let greeting = host
    ///     .call_typed("greeter", async |store, plugin: &MyPlugin| {
    ///         plugin.my_org_my_plugin_plugin_api().call_process(store, "Ada").await
    ///     })
    ///     .await?;
    /// assert_eq!(greeting.value, Ok("Hello, Ada!".to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`call`](PluginHost::call), and [`CallError::World`].
    pub async fn call_typed<B: Bindings, R>(
        &self,
        plugin: &str,
        work: impl AsyncFnMut(&mut Store<State>, &B) -> wasmtime::Result<R>,
    ) -> Result<Reply<R>, CallError> {
        self.inner.call_typed(&self.inner.options, plugin, work).await
    }
}

impl Inner {
    pub(crate) fn unload(&self, name: &str) -> bool {
        let Some(plugin) = self.write().remove(name) else { return false };
        plugin.now().idle.close();
        self.teller.tell(|| Event::Unloaded { plugin: Arc::clone(&plugin.name) });
        true
    }

    pub(crate) fn plugin(&self, name: &str) -> Result<Arc<Plugin>, CallError> {
        let plugins = self.read();
        plugins.get(name).cloned().ok_or_else(|| CallError::UnknownPlugin {
            name: name.to_owned(),
            loaded: plugins.keys().cloned().collect(),
        })
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Takes no calls any more; whether it did until now.
    pub(crate) fn begin_closing(&self) -> bool {
        !self.closing.swap(true, Ordering::SeqCst)
    }

    /// The map is whole at every moment, so a panic elsewhere is no reason to distrust it.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Plugin>>> {
        self.plugins.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<Plugin>>> {
        self.plugins.write().unwrap_or_else(PoisonError::into_inner)
    }
}
