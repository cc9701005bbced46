//! `CodePin`: compiled code that stays, on disk and in memory.

use std::sync::Arc;

use wasmtime::Module;
use wasmtime::component::Component;

use crate::compile::kind_of;
use crate::known::Known;
use crate::module_cache::ModuleCache;
use crate::{CompileError, Digest, Input, Key, Kind, Pin};

/// Keeps compiled code from being removed for as long as it lives; see [`ModuleCache::pin`].
#[derive(Debug)]
#[must_use = "code is pinned for as long as this lives"]
pub struct CodePin {
    input: Digest,
    memory: PinnedMemory,
    _entry: Pin,
}

#[derive(Debug)]
enum PinnedMemory {
    Modules(Arc<Known<Module>>),
    Components(Arc<Known<Component>>),
}

impl ModuleCache {
    /// The key under which the code of `input` is kept if it is a `kind`: for [`Cache::pin`](crate::Cache::pin) and
    /// [`Cache::remove`](crate::Cache::remove).
    ///
    /// What [`Cache::put`](crate::Cache::put) puts under it is never run: it is of another kind, which is a miss, and the
    /// next compile takes its place.
    pub fn key_for<'a>(&self, input: impl Into<Input<'a>>, kind: Kind) -> Key {
        self.key(kind, &input.into().digest())
    }

    /// Keeps the code of `input` while the pin lives: on disk from [`Cache::gc`](crate::Cache::gc), as `Cache::pin` does, and
    /// in the memory that [`with_memory`](Self::with_memory) gives from making room for other code, even if it alone is more than
    /// the bound. It need not be there yet, and is not loaded by this.
    ///
    /// Pins are those of this process: the collections of others do not know of them, and may remove the entry from disk. What
    /// is in memory stays.
    ///
    /// # Errors
    ///
    /// If the input is neither a module nor a component.
    pub fn pin<'a>(&self, input: impl Into<Input<'a>>) -> Result<CodePin, CompileError> {
        let input = input.into();
        let (kind, digest) = (kind_of(input.wasm())?, input.digest());
        let memory = match kind {
            Kind::Component => PinnedMemory::Components(self.share_components()),
            _ => PinnedMemory::Modules(self.share_modules()),
        };
        match &memory {
            PinnedMemory::Modules(known) => known.pin(digest),
            PinnedMemory::Components(known) => known.pin(digest),
        }
        let entry = self.cache().pin(&self.key(kind, &digest));
        Ok(CodePin { input: digest, memory, _entry: entry })
    }
}

impl Drop for CodePin {
    fn drop(&mut self) {
        match &self.memory {
            PinnedMemory::Modules(known) => known.unpin(&self.input),
            PinnedMemory::Components(known) => known.unpin(&self.input),
        }
    }
}
