//! `Fault`: why a call ended without a result, and who can do something about it.

mod classify;
mod errors;
mod exception;
mod kind;
mod report;

use std::error::Error;
use std::fmt;

use host_limits::{Meter, Usage};
use wasmtime::Trap;

pub(crate) use self::errors::NotArmed;
pub use self::errors::{Denied, Exit, HostPanic};
pub use self::exception::Exception;
pub use self::kind::{FaultKind, trap_name};

use self::classify::{cause, classify};
use crate::backtrace::{Frame, frames};

/// Why a call ended without a result.
///
/// Prints as one line: who, what, where. `{:#}` prints the full form: that line, every cause, the backtrace and what
/// was spent. As serde writes it, it is a map:
///
/// | field | what |
/// |---|---|
/// | `who` | [`FaultKind::who`] |
/// | `kind` | [`FaultKind::name`] |
/// | `message` | the one line |
/// | `trap` | [`trap_name`] of the trap behind it; left out if there is none |
/// | `exit_code` | left out unless the guest exited |
/// | `budget` | which one ran out, such as `fuel` or `table-elements`; left out unless one did |
/// | `grant` | the grant that was missing; left out unless one was |
/// | `backtrace` | the [`Frame`]s, innermost first |
/// | `usage` | the [`Usage`] |
///
/// The store it happened in must not be used again, except for a [core dump](Fault::core_dump).
#[derive(Debug)]
pub struct Fault {
    // Boxed, so that a good call does not pay for the size of a bad one.
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: FaultKind,
    usage: Usage,
    frames: Vec<Frame>,
    error: wasmtime::Error,
}

impl Fault {
    /// Tells what ended a call, from the error it gave and the meter of the store it ran in.
    ///
    /// The payload of an exception is in the store, so that it is not known here; [`guard`](crate::guard) takes it out.
    pub fn new(error: wasmtime::Error, meter: &Meter, usage: Usage) -> Fault {
        Fault::with_exception(error, meter, usage, None)
    }

    pub(crate) fn with_exception(
        error: wasmtime::Error,
        meter: &Meter,
        usage: Usage,
        exception: Option<Exception>,
    ) -> Fault {
        let cause = cause(&error);
        let frames = frames(cause);
        let kind = classify(cause, meter, !frames.is_empty(), exception);
        Fault { inner: Box::new(Inner { kind, usage, frames, error }) }
    }

    /// Lets a layer that knows errors which this crate does not, such as WASI's exit code, say what they mean. `None`
    /// keeps the kind.
    #[must_use]
    pub fn reclassify(mut self, kind: impl FnOnce(&wasmtime::Error) -> Option<FaultKind>) -> Fault {
        if let Some(kind) = kind(&self.inner.error) {
            self.inner.kind = kind;
        }
        self
    }

    /// What ended the call.
    pub fn kind(&self) -> &FaultKind {
        &self.inner.kind
    }

    /// What the store had spent by then.
    pub fn usage(&self) -> &Usage {
        &self.inner.usage
    }

    /// The guest's stack, innermost frame first; empty if no guest code was running. No more than 100 frames.
    pub fn backtrace(&self) -> &[Frame] {
        &self.inner.frames
    }

    /// The error as Wasmtime gave it; the host's own errors can be found in it by `downcast_ref`.
    pub fn error(&self) -> &wasmtime::Error {
        &self.inner.error
    }

    /// The trap behind the fault, also where a budget is what caused it.
    pub fn trap(&self) -> Option<Trap> {
        self.cause().downcast_ref::<Trap>().copied()
    }

    /// The error that says what happened, where one of several modules could not be instantiated.
    pub(crate) fn cause(&self) -> &wasmtime::Error {
        cause(&self.inner.error)
    }
}

/// One line; `{:#}` is the full form.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { report::full(self, f) } else { report::line(self, f) }
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.inner.kind {
            FaultKind::BadArgument(argument) => argument.source(),
            // The other kinds are told whole by their own line.
            _ => None,
        }
    }
}
