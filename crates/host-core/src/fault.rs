//! `Fault`: why a call ended without a result, and who can do something about it.

use std::error::Error;
use std::fmt;

use host_limits::{Exceeded, Meter, Usage};
use wasmtime::{ThrownException, Trap, WasmBacktrace};

use crate::abi;
use crate::backtrace::{Frame, frames};
use crate::imports::LinkError;
use crate::memory::MemoryError;
use crate::text::one_line;

/// Why a call ended without a result.
///
/// Prints as one line: who, what, where. The store it happened in must not be used again.
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

/// What ended the call, by who can act on it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The guest: its code trapped.
    Trap(Trap),
    /// The guest: it gave a host function an address, a length or text that does not hold.
    BadArgument(MemoryError),
    /// The guest: it gave a value of the component model that breaks the canonical ABI, such as a string outside its
    /// memory; in Wasmtime's words.
    BadValue(String),
    /// The guest: it ended itself with an exit code.
    Exit(i32),
    /// The guest: it threw an exception that it does not catch.
    Exception,
    /// A budget ran out, or the host cancelled the call.
    Budget(Exceeded),
    /// The host: one of its functions panicked, with this message.
    Panic(String),
    /// The host: one of its functions, or Wasmtime, gave an error; see [`Fault::error`].
    Host,
}

impl Fault {
    /// Tells what ended a call, from the error it gave and the meter of the store it ran in.
    pub fn new(error: wasmtime::Error, meter: &Meter, usage: Usage) -> Fault {
        let cause = cause(&error);
        let kind = if let Some(exceeded) = meter.explain(cause) {
            FaultKind::Budget(exceeded)
        } else if let Some(trap) = cause.downcast_ref::<Trap>() {
            FaultKind::Trap(*trap)
        } else if let Some(argument) = cause.downcast_ref::<MemoryError>() {
            FaultKind::BadArgument(argument.clone())
        } else if let Some(panic) = cause.downcast_ref::<HostPanic>() {
            FaultKind::Panic(panic.0.clone())
        } else if cause.is::<ThrownException>() {
            FaultKind::Exception
        } else if let Some(words) = abi::broken(cause) {
            FaultKind::BadValue(words)
        } else {
            FaultKind::Host
        };
        Fault { inner: Box::new(Inner { kind, usage, frames: frames(cause), error }) }
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

    /// The guest's stack, innermost frame first; empty if no guest code was running.
    pub fn backtrace(&self) -> &[Frame] {
        &self.inner.frames
    }

    /// The error as Wasmtime gave it; the host's own errors can be found in it by `downcast_ref`.
    pub fn error(&self) -> &wasmtime::Error {
        &self.inner.error
    }

    /// The trap behind the fault, also where a budget is what caused it.
    pub fn trap(&self) -> Option<Trap> {
        cause(&self.inner.error).downcast_ref::<Trap>().copied()
    }
}

impl FaultKind {
    /// Who can act on it, in a word: `guest`, `budget` or `host`.
    pub fn who(&self) -> &'static str {
        match self {
            FaultKind::Trap(_)
            | FaultKind::BadArgument(_)
            | FaultKind::BadValue(_)
            | FaultKind::Exit(_)
            | FaultKind::Exception => "guest",
            FaultKind::Budget(_) => "budget",
            FaultKind::Panic(_) | FaultKind::Host => "host",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.inner.kind.who())?;
        match &self.inner.kind {
            FaultKind::Trap(trap) => write!(f, "{trap}")?,
            FaultKind::BadArgument(argument) => write!(f, "{argument}")?,
            FaultKind::BadValue(words) => write!(f, "a value breaks the canonical ABI: {}", one_line(words))?,
            FaultKind::Exit(code) => write!(f, "exited with code {code}")?,
            FaultKind::Exception => f.write_str("threw an exception that it does not catch")?,
            FaultKind::Budget(exceeded) => write!(f, "{exceeded}")?,
            FaultKind::Panic(message) => write!(f, "a host function panicked: {}", one_line(message))?,
            FaultKind::Host => f.write_str(&whole(&self.inner.error))?,
        }
        // Where a budget ran out says little: it is where the guest happened to be.
        match (&self.inner.kind, self.inner.frames.first()) {
            (FaultKind::Trap(_) | FaultKind::BadArgument(_) | FaultKind::Exception, Some(frame)) => {
                write!(f, ", in {frame}")
            }
            _ => Ok(()),
        }
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

/// The error that says what happened: where one of several modules could not be instantiated, the reason.
fn cause(error: &wasmtime::Error) -> &wasmtime::Error {
    match error.downcast_ref() {
        Some(LinkError::Instantiate { error, .. } | LinkError::Initialize { error, .. }) => error,
        _ => error,
    }
}

/// An error with its causes on one line; without Wasmtime's backtrace, which [`Fault::backtrace`] holds, and without
/// causes that are told already.
fn whole(error: &wasmtime::Error) -> String {
    let backtrace = cause(error).downcast_ref::<WasmBacktrace>().map(ToString::to_string);
    let mut line = String::new();
    for part in error.chain().map(ToString::to_string).filter(|part| backtrace.as_ref() != Some(part)) {
        let part = one_line(&part);
        if line.ends_with(&part) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&part);
    }
    line
}

/// A panic of a host function, carried as an error to where the fault is made.
#[derive(Debug, thiserror::Error)]
#[error("a host function panicked: {}", one_line(.0))]
pub struct HostPanic(pub(crate) String);

impl HostPanic {
    /// The panic's message.
    pub fn message(&self) -> &str {
        &self.0
    }
}

/// Guest code was to run in a store without limits.
#[derive(Debug, thiserror::Error)]
#[error(
    "the store is not armed, so nothing would limit its guest; call `host_limits::arm` or `arm_async` first"
)]
pub(crate) struct NotArmed;
