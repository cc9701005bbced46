//! `Caller`: calls on behalf of a tenant, and with options.

use std::sync::Arc;

use serde_json::Value;
use wasmtime::Store;
use wasmtime::component::{Instance, Val};

use crate::bindings::Bindings;
use crate::bundle::CrashBundles;
use crate::call::CallOptions;
use crate::error::CallError;
use crate::host::PluginHost;
use crate::reply::Reply;
use crate::state::State;

/// Calls plugins on behalf of a tenant: from [`PluginHost::tenant`], or [`PluginHost::caller`] for nobody in particular.
///
/// What its calls take is charged to the tenant, they wait in the tenant's own line, and an instance that is kept for the
/// next call is never given to another tenant. Cheap to clone.
#[derive(Clone)]
pub struct Caller {
    host: PluginHost,
    options: CallOptions,
}

impl Caller {
    pub(crate) fn new(host: PluginHost, options: CallOptions) -> Caller {
        Caller { host, options }
    }

    /// The name of its tenant, if it has one.
    pub fn tenant(&self) -> Option<&str> {
        self.options.tenant.name.as_deref()
    }

    /// Makes a call up to so many times, until it goes well. Default, and the least: once.
    ///
    /// Tried again are calls that found no place or an open breaker, and those that ended with a trap, a failure of the host and
    /// the like; not those that were refused for what they are, ran out of a budget, or were cancelled. Between two attempts it
    /// waits 10 ms, then twice that, and so on up to a second. Only for calls that may be done twice: the first attempt may have got
    /// far.
    #[must_use]
    pub fn attempts(mut self, most: u32) -> Caller {
        self.options.attempts = most.max(1);
        self
    }

    /// Writes a crash bundle for each fault of its calls; [`Stopped::bundle`](crate::Stopped::bundle) says where.
    #[must_use]
    pub fn crash_bundles(mut self, bundles: CrashBundles) -> Caller {
        self.options.bundles = Some(Arc::new(bundles));
        self
    }

    /// As [`PluginHost::call`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn call(
        &self,
        plugin: &str,
        export: &str,
        arguments: &[Val],
    ) -> Result<Reply<Vec<Val>>, CallError> {
        self.host.inner.call_values(&self.options, plugin, export, arguments).await
    }

    /// As [`PluginHost::call_json`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn call_json(
        &self,
        plugin: &str,
        export: &str,
        arguments: &Value,
    ) -> Result<Reply<Value>, CallError> {
        self.host.inner.call_json(&self.options, plugin, export, arguments).await
    }

    /// As [`PluginHost::call_wave`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn call_wave(&self, plugin: &str, call: &str) -> Result<Reply<String>, CallError> {
        self.host.inner.call_wave(&self.options, plugin, call).await
    }

    /// As [`PluginHost::call_bytes`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn call_bytes(
        &self,
        plugin: &str,
        export: &str,
        input: &[u8],
    ) -> Result<Reply<Vec<u8>>, CallError> {
        self.host.inner.call_bytes(&self.options, plugin, export, input).await
    }

    /// As [`PluginHost::call_with`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn call_with<R>(
        &self,
        plugin: &str,
        work: impl AsyncFnMut(&mut Store<State>, Instance) -> wasmtime::Result<R>,
    ) -> Result<Reply<R>, CallError> {
        self.host.inner.call_with(&self.options, plugin, work).await
    }

    /// As [`PluginHost::call_typed`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn call_typed<B: Bindings, R>(
        &self,
        plugin: &str,
        work: impl AsyncFnMut(&mut Store<State>, &B) -> wasmtime::Result<R>,
    ) -> Result<Reply<R>, CallError> {
        self.host.inner.call_typed(&self.options, plugin, work).await
    }
}
