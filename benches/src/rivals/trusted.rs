//! What takes native code on trust: the promises are made here, and everything in the folders that this program makes for itself is
//! its own.

use std::path::Path;

use host_cache::{Cache, HostKey};

/// Wasmtime's own way from a file of native code to a module.
#[expect(unsafe_code, reason = "the file is trusted")]
pub(crate) fn wasmtime_module(engine: &wasmtime::Engine, path: &Path) -> wasmtime::Module {
    // SAFETY: this program wrote the file, in a folder of its own.
    unsafe { wasmtime::Module::deserialize_file(engine, path) }.expect("it is for this engine")
}

/// wasmer's.
#[expect(unsafe_code, reason = "the file is trusted")]
pub(crate) fn wasmer_module(engine: &wasmer::Engine, path: &Path) -> wasmer::Module {
    // SAFETY: this program wrote the file, in a folder of its own.
    unsafe { wasmer::Module::deserialize_from_file(engine, path) }.expect("it is for this engine")
}

/// Our cache, which maps what it has verified once.
#[expect(unsafe_code, reason = "the directory is trusted")]
pub(crate) fn mapped_cache(root: &Path, key: HostKey) -> Cache {
    // SAFETY: nobody else writes into the folder, which this program made.
    unsafe { Cache::builder(root, key).open_mapped() }.expect("it is ours")
}
