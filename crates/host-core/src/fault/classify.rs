//! Which kind of fault is an error of Wasmtime or of a host function?

use std::io;

use host_limits::Meter;
use wasmtime::{GcHeapOutOfMemory, OutOfMemory, PoolConcurrencyLimitError, ThrownException, Trap};

use super::{Denied, Exception, Exit, FaultKind, HostPanic};
use crate::abi;
use crate::imports::LinkError;
use crate::link::MissingImport;
use crate::memory::MemoryError;

/// The error that says what happened: where one of several modules could not be instantiated, the reason.
pub(super) fn cause(error: &wasmtime::Error) -> &wasmtime::Error {
    match error.downcast_ref() {
        Some(LinkError::Instantiate { error, .. } | LinkError::Initialize { error, .. }) => error,
        _ => error,
    }
}

/// What kind of fault `error` is, in a store with this meter. `in_guest`: guest code was running.
pub(super) fn classify(
    error: &wasmtime::Error,
    meter: &Meter,
    in_guest: bool,
    exception: Option<Exception>,
) -> FaultKind {
    // A host's panic or error may hold any text, so what has a type comes before what is told by its text.
    if let Some(panic) = error.downcast_ref::<HostPanic>() {
        return FaultKind::Panic(panic.0.clone());
    }
    if let Some(denied) = error.downcast_ref::<Denied>() {
        return FaultKind::Denied(denied.clone());
    }
    if let Some(Exit(code)) = error.downcast_ref() {
        return FaultKind::Exit(*code);
    }
    if let Some(missing) = error.downcast_ref::<MissingImport>() {
        return FaultKind::MissingImport(missing.clone());
    }
    if let Some(argument) = error.downcast_ref::<MemoryError>() {
        return match (argument, meter.last_refusal()) {
            // The guest's allocator asked for more memory than the guest may have.
            (MemoryError::NoRoom { .. }, Some(refused)) => FaultKind::Budget(refused.clone()),
            // These the host asked for itself.
            (
                MemoryError::TooLarge { .. } | MemoryError::Alignment { .. } | MemoryError::Overrun { .. },
                _,
            ) => FaultKind::Host,
            (argument, _) => FaultKind::BadArgument(argument.clone()),
        };
    }
    if let Some(exceeded) = meter.explain(error) {
        return FaultKind::Budget(exceeded);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        // Wasmtime refuses to enter any component of a store in which one has trapped. A guest that calls itself through
        // the host against the rules gets the same trap, while it runs.
        return match trap {
            Trap::CannotEnterComponent if !in_guest => FaultKind::Poisoned,
            trap => FaultKind::Trap(*trap),
        };
    }
    if error.is::<ThrownException>() {
        return FaultKind::Exception(exception.unwrap_or_default());
    }
    let words = || error.root_cause().to_string();
    if error.is::<PoolConcurrencyLimitError>() || error.is::<OutOfMemory>() || no_memory(error) {
        return FaultKind::Busy(words());
    }
    if error.is::<GcHeapOutOfMemory<()>>() || too_large(&words()) {
        return FaultKind::Capacity(words());
    }
    abi::broken(error).map_or(FaultKind::Host, FaultKind::BadValue)
}

/// Whether the operating system gives no memory or address space: for an instance, or for the stack of an async call.
fn no_memory(error: &wasmtime::Error) -> bool {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return error.kind() == io::ErrorKind::OutOfMemory;
    }
    // Wasmtime's calls of the system give an error type of another crate, which reads like the standard library's.
    const ENOMEM: i32 = 12;
    cfg!(unix) && error.root_cause().to_string() == io::Error::from_raw_os_error(ENOMEM).to_string()
}

/// Whether Wasmtime says that a memory or table is declared larger than it can ever be. These errors have no type of their
/// own in Wasmtime 48; where the limits refused it, the meter knows and is asked before.
fn too_large(text: &str) -> bool {
    [
        ("memory minimum size of ", " pages exceeds memory limits"),
        ("table minimum size of ", " elements exceeds table limits"),
    ]
    .into_iter()
    .filter_map(|(start, end)| text.strip_prefix(start)?.strip_suffix(end))
    .any(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}
