//! The plugin host for programs that are not async.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use wasmtime::component::Val;

use crate::error::CallError;
use crate::reply::Reply;
use crate::shutdown::Shutdown;

/// A [`PluginHost`](crate::PluginHost) whose calls block the calling thread.
///
/// It has an async runtime of its own, so a deadline ends a call that is blocked in a host function here too. Do not
/// call it from within an async runtime; use the host itself there.
pub struct PluginHost {
    host: crate::PluginHost,
    /// Taken only when it is dropped.
    runtime: Option<Runtime>,
}

impl PluginHost {
    /// Puts blocking calls before a host.
    ///
    /// # Errors
    ///
    /// The operating system refuses what an async runtime needs.
    pub fn new(host: crate::PluginHost) -> std::io::Result<PluginHost> {
        // Not `current_thread`: several threads may call at the same time.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(PluginHost { host, runtime: Some(runtime) })
    }

    /// The host behind it, for loading, listing and unloading, which block anyway.
    pub fn host(&self) -> &crate::PluginHost {
        &self.host
    }

    /// As [`PluginHost::call`](crate::PluginHost::call), until it is done.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// Within an async runtime.
    pub fn call(&self, plugin: &str, export: &str, arguments: &[Val]) -> Result<Reply<Vec<Val>>, CallError> {
        self.block_on(self.host.call(plugin, export, arguments))
    }

    /// As [`PluginHost::call_json`](crate::PluginHost::call_json), until it is done.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// Within an async runtime.
    pub fn call_json(
        &self,
        plugin: &str,
        export: &str,
        arguments: &Value,
    ) -> Result<Reply<Value>, CallError> {
        self.block_on(self.host.call_json(plugin, export, arguments))
    }

    /// As [`PluginHost::call_wave`](crate::PluginHost::call_wave), until it is done.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// Within an async runtime.
    pub fn call_wave(&self, plugin: &str, call: &str) -> Result<Reply<String>, CallError> {
        self.block_on(self.host.call_wave(plugin, call))
    }

    /// As [`PluginHost::call_bytes`](crate::PluginHost::call_bytes), until it is done.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// Within an async runtime.
    pub fn call_bytes(&self, plugin: &str, export: &str, input: &[u8]) -> Result<Reply<Vec<u8>>, CallError> {
        self.block_on(self.host.call_bytes(plugin, export, input))
    }

    /// As [`PluginHost::shutdown`](crate::PluginHost::shutdown), until it is done.
    ///
    /// # Panics
    ///
    /// Within an async runtime.
    pub fn shutdown(&self, within: Duration) -> Shutdown {
        self.block_on(self.host.shutdown(within))
    }

    /// Waits for any future of the host, such as one of
    /// [`PluginHost::call_with`](crate::PluginHost::call_with).
    ///
    /// # Panics
    ///
    /// Within an async runtime.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.as_ref().expect("it is there until the drop").block_on(future)
    }
}

/// Waits for nothing: a guest that was stopped may have left a thread that opens a pipe nobody writes, and within an async
/// runtime nobody may wait.
impl Drop for PluginHost {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
