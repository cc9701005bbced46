//! `FaultKind`: what ended a call, by who can act on it.

use std::fmt;

use host_limits::Exceeded;
use wasmtime::Trap;

use super::{Denied, Exception};
use crate::link::MissingImport;
use crate::memory::MemoryError;
use crate::text::{kebab, one_line};

/// What ended the call, by who can act on it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The guest: its code trapped. A trap that is no fault of the guest's code is told apart by [`FaultKind::who`].
    Trap(Trap),
    /// The guest: it gave a host function an address, a length or text that does not hold.
    BadArgument(MemoryError),
    /// The guest: it gave a value of the component model that breaks the canonical ABI, such as a string outside its
    /// memory; in Wasmtime's words.
    BadValue(String),
    /// The guest: it called a function that nobody provides, and that was stubbed when it was linked.
    MissingImport(MissingImport),
    /// The guest: it ended itself with an exit code; see [`Exit`](crate::Exit).
    Exit(i32),
    /// The guest: it threw an exception that it does not catch.
    Exception(Exception),
    /// A budget ran out, or the host cancelled the call.
    Budget(Exceeded),
    /// A budget: the guest wants more at one time than the engine was built to hold, such as a heap of values larger than
    /// a place in its pool; in Wasmtime's words. It would fare no better later.
    Capacity(String),
    /// The guest was denied something that it has no grant for.
    Denied(Denied),
    /// The host: the store had a fault before, and its components can no longer be entered. Drop it, and call in a fresh one.
    Poisoned,
    /// The host: it has no room now. All places of the engine's pool are taken, or the operating system gives no memory;
    /// in their words. The same call may go well later.
    Busy(String),
    /// The host: one of its functions panicked, with this message.
    Panic(String),
    /// The host: one of its functions, or Wasmtime, gave an error; see [`Fault::error`](crate::Fault::error).
    Host,
}

impl FaultKind {
    /// Who can act on it, in a word: `guest`, `budget`, `denied` or `host`.
    ///
    /// Of traps, those of the guest's code are the guest's; `OutOfFuel` and `Interrupt` are a `budget` that the embedder set by
    /// Wasmtime's own means; and what only Wasmtime's own code can get wrong is the `host`'s.
    pub fn who(&self) -> &'static str {
        match self {
            FaultKind::Trap(Trap::OutOfFuel | Trap::Interrupt | Trap::StackOverflow) => "budget",
            FaultKind::Trap(
                Trap::DisabledOpcode
                | Trap::DebugAssertStringEncodingFinished
                | Trap::DebugAssertEqualCodeUnits
                | Trap::DebugAssertPointerAligned
                | Trap::DebugAssertUpperBitsUnset,
            ) => "host",
            FaultKind::Trap(_)
            | FaultKind::BadArgument(_)
            | FaultKind::BadValue(_)
            | FaultKind::MissingImport(_)
            | FaultKind::Exit(_)
            | FaultKind::Exception(_) => "guest",
            FaultKind::Budget(_) | FaultKind::Capacity(_) => "budget",
            FaultKind::Denied(_) => "denied",
            FaultKind::Poisoned | FaultKind::Busy(_) | FaultKind::Panic(_) | FaultKind::Host => "host",
        }
    }

    /// Its name for machines, which stays: `trap`, `bad-argument`, `bad-value`, `missing-import`, `exit`, `exception`, `budget`, `capacity`,
    /// `denied`, `poisoned`, `busy`, `panic` or `host`.
    pub fn name(&self) -> &'static str {
        match self {
            FaultKind::Trap(_) => "trap",
            FaultKind::BadArgument(_) => "bad-argument",
            FaultKind::BadValue(_) => "bad-value",
            FaultKind::MissingImport(_) => "missing-import",
            FaultKind::Exit(_) => "exit",
            FaultKind::Exception(_) => "exception",
            FaultKind::Budget(_) => "budget",
            FaultKind::Capacity(_) => "capacity",
            FaultKind::Denied(_) => "denied",
            FaultKind::Poisoned => "poisoned",
            FaultKind::Busy(_) => "busy",
            FaultKind::Panic(_) => "panic",
            FaultKind::Host => "host",
        }
    }
}

/// What happened, in words, on one line.
impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::Trap(trap) => write!(f, "{trap}"),
            FaultKind::BadArgument(argument) => write!(f, "{argument}"),
            FaultKind::BadValue(words) => write!(f, "a value breaks the canonical ABI: {}", one_line(words)),
            FaultKind::MissingImport(missing) => write!(f, "{missing}"),
            FaultKind::Exit(code) => write!(f, "exited with code {code}"),
            FaultKind::Exception(exception) => write!(f, "{exception}"),
            FaultKind::Budget(exceeded) => write!(f, "{exceeded}"),
            FaultKind::Capacity(words) => {
                write!(f, "the engine cannot hold what the guest wants: {}", one_line(words))
            }
            FaultKind::Denied(denied) => write!(f, "{denied}"),
            FaultKind::Poisoned => {
                f.write_str("the store had a fault before, and must not be used again; call in a fresh one")
            }
            FaultKind::Busy(words) => write!(f, "no room for the call now: {}", one_line(words)),
            FaultKind::Panic(message) => write!(f, "a host function panicked: {}", one_line(message)),
            FaultKind::Host => f.write_str("the host failed"),
        }
    }
}

/// The name of a trap for machines, such as `memory-out-of-bounds`: Wasmtime's own, in lower case and with hyphens.
///
/// ```
/// use host_core::trap_name;
/// use wasmtime::Trap;
///
/// assert_eq!(trap_name(Trap::IntegerDivisionByZero), "integer-division-by-zero");
/// ```
pub fn trap_name(trap: Trap) -> String {
    kebab(&format!("{trap:?}"))
}
