//! WASI 0.1 ("preview 1") for core modules.

mod files;
mod functions;
mod link;
mod rules;

use wasmtime::Linker;
use wasmtime_wasi::p1::wasi_snapshot_preview1;

use crate::HasWasi;

/// Adds the functions of `wasi_snapshot_preview1` to `linker`, for stores called with `call`.
///
/// A function that waits (a sleep, a read of inherited standard input) blocks the thread, and no fuel or epoch ends
/// the wait; where that matters take [`add_to_linker_async`] and a timeout around the call.
///
/// # Errors
///
/// One of the functions is defined already.
///
/// # Panics
///
/// Not here, but in a guest's call: wasmtime-wasi waits for what is not ready in a Tokio runtime of its own, which
/// panics on a thread that is driving one already. From asynchronous code take [`add_to_linker_async`], or
/// `spawn_blocking`.
pub fn add_to_linker_sync<T: HasWasi + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    link::add_to_linker_sync(linker)
}

/// Adds the functions of `wasi_snapshot_preview1` to `linker`, for stores called with `call_async` in a Tokio
/// runtime.
///
/// # Errors
///
/// One of the functions is defined already.
pub fn add_to_linker_async<T: HasWasi + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasi_snapshot_preview1::add_to_linker(linker, |data: &mut T| &mut data.wasi().guarded)
}
