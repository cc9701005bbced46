//! Where do lines go that have a level? The interface `my-org:my-plugin/logging@0.2.0`.
//!
//! To the same [`Log`](crate::Log) as those of the older `log`, found by [`HasLog`]; the level stands in front: `warn: late`.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmStr};

pub use crate::bindings::v0_2::sync::my_org::my_plugin::logging::Level;
use crate::log::{self, HasLog};

/// The interface's full name.
pub const NAME: &str = "my-org:my-plugin/logging@0.2.0";

/// Defines the interface's `log: func(level: level, message: string)` so that it writes to the store's [`Log`](crate::Log).
///
/// As with [`log::add_to_linker`], no more of a message is copied than the log's limit.
///
/// # Errors
///
/// When the linker already has this interface's `log` and does not allow shadowing.
pub fn add_to_linker<T: HasLog>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.instance(NAME)?.func_wrap(
        "log",
        |mut store: StoreContextMut<'_, T>, (level, message): (Level, WasmStr)| {
            log::take_from_guest(&mut store, prefix(level), &message)
        },
    )
}

fn prefix(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug: ",
        Level::Info => "info: ",
        Level::Warn => "warn: ",
        Level::Error => "error: ",
    }
}
