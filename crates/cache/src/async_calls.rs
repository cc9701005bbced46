//! The calls of a `ModuleCache` for async code: the same, on threads of their own.

use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::Module;
use wasmtime::component::Component;

use crate::{CompileError, Digest, Input, Loaded, ModuleCache, background};

/// An [`Input`] that can be handed to another thread: shared bytes, with their digest if that is known already.
#[derive(Clone, Debug)]
pub struct SharedInput {
    wasm: Arc<[u8]>,
    digest: Option<Digest>,
}

impl SharedInput {
    /// As [`Input::with_digest`].
    pub fn with_digest(wasm: impl Into<Arc<[u8]>>, digest: Digest) -> Self {
        Self { wasm: wasm.into(), digest: Some(digest) }
    }

    fn borrow(&self) -> Input<'_> {
        match self.digest {
            Some(digest) => Input::with_digest(&self.wasm, digest),
            None => Input::from(&*self.wasm),
        }
    }
}

impl From<Arc<[u8]>> for SharedInput {
    fn from(wasm: Arc<[u8]>) -> Self {
        Self { wasm, digest: None }
    }
}

impl From<Vec<u8>> for SharedInput {
    fn from(wasm: Vec<u8>) -> Self {
        Arc::<[u8]>::from(wasm).into()
    }
}

impl From<&[u8]> for SharedInput {
    fn from(wasm: &[u8]) -> Self {
        Arc::<[u8]>::from(wasm).into()
    }
}

/// These run on threads of their own, and need no async runtime. If a future is dropped, the work goes on, and the next call finds
/// what it made.
impl ModuleCache {
    /// As [`module`](Self::module), for async code.
    ///
    /// # Errors
    ///
    /// As [`module`](Self::module).
    pub async fn module_async(&self, input: impl Into<SharedInput>) -> Result<Loaded<Module>, CompileError> {
        let (this, input) = (self.clone(), input.into());
        background::run(move || this.module(input.borrow())).await
    }

    /// As [`component`](Self::component), for async code.
    ///
    /// # Errors
    ///
    /// As [`component`](Self::component).
    pub async fn component_async(
        &self,
        input: impl Into<SharedInput>,
    ) -> Result<Loaded<Component>, CompileError> {
        let (this, input) = (self.clone(), input.into());
        background::run(move || this.component(input.borrow())).await
    }

    /// As [`module_file`](Self::module_file), for async code.
    ///
    /// # Errors
    ///
    /// As [`module_file`](Self::module_file).
    pub async fn module_file_async(&self, path: impl Into<PathBuf>) -> Result<Loaded<Module>, CompileError> {
        let (this, path) = (self.clone(), path.into());
        background::run(move || this.module_file(path)).await
    }

    /// As [`component_file`](Self::component_file), for async code.
    ///
    /// # Errors
    ///
    /// As [`component_file`](Self::component_file).
    pub async fn component_file_async(
        &self,
        path: impl Into<PathBuf>,
    ) -> Result<Loaded<Component>, CompileError> {
        let (this, path) = (self.clone(), path.into());
        background::run(move || this.component_file(path)).await
    }
}
