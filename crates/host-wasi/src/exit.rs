//! Did the guest end by itself, and with which code?

use wasmtime_wasi::I32Exit;

/// The exit code, if `error` says that the guest asked to end; `None` if something else ended it. Zero counts, too:
/// a guest that calls `exit(0)` comes back as an error, though nothing went wrong.
///
/// A WASI 0.1 module passes its code on, as long as it is from 0 to 125. A WASI 0.2 component can only say that it
/// went well or did not, so that whatever it exits with arrives as 0 or 1; one of WASI 0.3 may also pass on a code from 0 to
/// 255. The result of a component's `wasi:cli/run` is another thing again: its `Err(())` is no error of the call.
pub fn exit_code(error: &wasmtime::Error) -> Option<i32> {
    error.downcast_ref::<I32Exit>().map(|exit| exit.0)
}
