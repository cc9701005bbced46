//! The forms in which a plugin is called: values, JSON, WAVE, bytes, bindings.

use std::marker::PhantomData;

use host_component::{json, wave};
use serde_json::Value;
use wasmtime::Store;
use wasmtime::component::{Instance, Val};

use super::work::{Bytes, Typed, Values, With};
use super::{Arguments, CallOptions, Called};
use crate::bindings::Bindings;
use crate::error::CallError;
use crate::host::Inner;
use crate::reply::Reply;
use crate::state::State;

impl Inner {
    pub(crate) async fn call_values(
        &self,
        options: &CallOptions,
        plugin: &str,
        export: &str,
        arguments: &[Val],
    ) -> Result<Reply<Vec<Val>>, CallError> {
        self.values(options, plugin, Called { export, arguments: Arguments::Values(arguments) }).await
    }

    pub(crate) async fn call_json(
        &self,
        options: &CallOptions,
        plugin: &str,
        export: &str,
        arguments: &Value,
    ) -> Result<Reply<Value>, CallError> {
        let called = Called { export, arguments: Arguments::Json(arguments) };
        let reply = self.values(options, plugin, called).await?;
        let value = json::results(&reply.value)?;
        Ok(reply.map(|_| value))
    }

    pub(crate) async fn call_wave(
        &self,
        options: &CallOptions,
        plugin: &str,
        call: &str,
    ) -> Result<Reply<String>, CallError> {
        let (export, list) = wave::split_call(call)?;
        let called = Called { export, arguments: Arguments::Wave(list) };
        let reply = self.values(options, plugin, called).await?;
        let text = wave::results(&reply.value)?;
        Ok(reply.map(|_| text))
    }

    async fn values(
        &self,
        options: &CallOptions,
        plugin: &str,
        called: Called<'_>,
    ) -> Result<Reply<Vec<Val>>, CallError> {
        let reply = self.call(options, plugin, called, Values(called)).await?;
        reply.transpose().map_err(CallError::Arguments)
    }

    pub(crate) async fn call_bytes(
        &self,
        options: &CallOptions,
        plugin: &str,
        export: &str,
        input: &[u8],
    ) -> Result<Reply<Vec<u8>>, CallError> {
        let called = Called { export, arguments: Arguments::Bytes(input) };
        self.call(options, plugin, called, Bytes { export, input }).await
    }

    pub(crate) async fn call_with<R>(
        &self,
        options: &CallOptions,
        plugin: &str,
        work: impl AsyncFnMut(&mut Store<State>, Instance) -> wasmtime::Result<R>,
    ) -> Result<Reply<R>, CallError> {
        self.call(options, plugin, Called::BY_CODE, With { work, value: PhantomData }).await
    }

    pub(crate) async fn call_typed<B: Bindings, R>(
        &self,
        options: &CallOptions,
        plugin: &str,
        work: impl AsyncFnMut(&mut Store<State>, &B) -> wasmtime::Result<R>,
    ) -> Result<Reply<R>, CallError> {
        let reply = self.call(options, plugin, Called::BY_CODE, Typed { work, types: PhantomData }).await?;
        reply.transpose().map_err(|source| CallError::World { source })
    }
}
