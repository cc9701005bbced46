//! `Exceeded`: which budget ran out, what was allowed and what was asked for.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Trap;
use wasmtime::component::ResourceTableError;

use crate::{ArmError, Bytes, Limits};

/// A budget that ran out.
///
/// It travels inside `wasmtime::Error`: [`Exceeded::find`] gets it back. Its text is one line, and names the key of the
/// policy to raise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Exceeded {
    /// The store's memories together would have grown past [`Limits::memory`].
    #[error("memory budget of {allowed} exceeded: the guest asked for {asked} in total")]
    Memory {
        /// The budget.
        allowed: Bytes,
        /// What all memories of the store would have taken together.
        asked: Bytes,
    },
    /// More linear memories than [`Limits::memories`].
    #[error("budget of {allowed} memories exceeded: the guest asked for {asked} (`memories`)")]
    Memories {
        /// The budget.
        allowed: u32,
        /// How many there would have been.
        asked: u64,
    },
    /// More tables than [`Limits::tables`].
    #[error("budget of {allowed} tables exceeded: the guest asked for {asked} (`tables`)")]
    Tables {
        /// The budget.
        allowed: u32,
        /// How many there would have been.
        asked: u64,
    },
    /// The store's tables together would have grown past [`Limits::table_elements`].
    #[error(
        "budget of {allowed} table elements exceeded: the guest asked for {asked} in total (`table-elements`)"
    )]
    TableElements {
        /// The budget.
        allowed: u64,
        /// What all tables of the store would have held together.
        asked: u64,
    },
    /// More core instances than [`Limits::instances`].
    #[error("budget of {allowed} instances exceeded: the guest asked for {asked} (`instances`)")]
    Instances {
        /// The budget.
        allowed: u32,
        /// How many there would have been.
        asked: u64,
    },
    /// All of [`Limits::fuel`] was burnt. How much more the guest would have burnt, nobody knows.
    #[error("fuel budget of {allowed} exceeded")]
    Fuel {
        /// The budget.
        allowed: u64,
    },
    /// [`Limits::deadline`] passed. How much longer the guest would have taken, nobody knows.
    #[error("deadline of {} exceeded", humantime::format_duration(*allowed))]
    Deadline {
        /// The budget.
        allowed: Duration,
    },
    /// Somebody cancelled the call through a [`CancelHandle`](crate::CancelHandle).
    #[error("cancelled by the host")]
    Cancelled,
    /// The guest's calls nested deeper than [`Limits::stack`] holds. How deep they would have gone, nobody knows.
    #[error("stack budget of {allowed} exceeded")]
    Stack {
        /// The budget.
        allowed: Bytes,
    },
    /// One call would have copied more than [`Limits::lifted`] out of the guest. Wasmtime stops at the first piece that is too
    /// much, and does not say how large it was.
    #[error("budget of {allowed} copied per host call exceeded (`lifted`)")]
    Lifted {
        /// The budget.
        allowed: Bytes,
    },
    /// The guest would have held more handles than [`Limits::handles`]: one more.
    #[error("budget of {allowed} component handles exceeded (`handles`)")]
    Handles {
        /// The budget.
        allowed: u32,
    },
    /// The guest would have had more resources open than [`Limits::resources`]: one more.
    #[error("budget of {allowed} open resources exceeded (`resources`)")]
    Resources {
        /// The budget.
        allowed: u32,
    },
    /// The guest asked for more random bytes at once than [`Limits::random`].
    #[error("budget of {allowed} random bytes per call exceeded: the guest asked for {asked} (`random`)")]
    Random {
        /// The budget.
        allowed: Bytes,
        /// What one call asked for.
        asked: Bytes,
    },
    /// Host functions called the guest from inside one another more often than [`Limits::call_depth`]: once more.
    #[error("budget of {allowed} nested calls into the guest exceeded (`call-depth`)")]
    CallDepth {
        /// The budget.
        allowed: u32,
    },
    /// The guest wrote more than [`Limits::output`]. What is refused is not counted.
    #[error("output budget of {allowed} exceeded (`output`)")]
    Output {
        /// The budget.
        allowed: Bytes,
    },
    /// The memories of all stores of a ledger would have grown past [`LedgerLimits::memory`](crate::LedgerLimits::memory).
    #[error(
        "ledger `{ledger}`: memory budget of {allowed} exceeded: its stores asked for {asked} in total (`memory`)"
    )]
    LedgerMemory {
        /// Whose budget it is.
        ledger: Arc<str>,
        /// The budget.
        allowed: Bytes,
        /// What all stores of the ledger would have taken together.
        asked: Bytes,
    },
    /// More stores than [`LedgerLimits::stores`](crate::LedgerLimits::stores): one more.
    #[error("ledger `{ledger}`: budget of {allowed} live stores exceeded (`stores`)")]
    LedgerStores {
        /// Whose budget it is.
        ledger: Arc<str>,
        /// The budget.
        allowed: u32,
    },
    /// More calls at one time than [`LedgerLimits::calls`](crate::LedgerLimits::calls): one more.
    #[error("ledger `{ledger}`: budget of {allowed} calls at one time exceeded (`calls`)")]
    LedgerCalls {
        /// Whose budget it is.
        ledger: Arc<str>,
        /// The budget.
        allowed: u32,
    },
    /// The stores of a ledger burnt or reserved all of [`LedgerLimits::fuel`](crate::LedgerLimits::fuel) for this window, or one
    /// without a limit of its own burnt the share that it was given. How much more they would have burnt, nobody knows.
    #[error("ledger `{ledger}`: fuel budget of {allowed} in {} exceeded (`fuel`)", humantime::format_duration(*window))]
    LedgerFuel {
        /// Whose budget it is.
        ledger: Arc<str>,
        /// The budget.
        allowed: u64,
        /// How long it has to last.
        window: Duration,
    },
}

impl Exceeded {
    /// The `Exceeded` inside an error, however often context was added to it, also by other kinds of errors such as
    /// `anyhow::Error`; that of an [`ArmError`] too.
    pub fn find(error: &wasmtime::Error) -> Option<&Exceeded> {
        cause(error).or_else(|| match cause(error) {
            Some(ArmError::Exceeded(exceeded)) => Some(exceeded),
            _ => None,
        })
    }

    /// What Wasmtime itself reports when one of its own counters runs out, as the budget that we had set there.
    ///
    /// The stack is a trap, and a full resource table has a type. The others have no type of their own in
    /// Wasmtime 48, so their text is read; the integration tests run into each, so a changed text is noticed.
    pub(crate) fn from_wasmtime(error: &wasmtime::Error, limits: &Limits) -> Option<Exceeded> {
        match cause(error) {
            Some(Trap::StackOverflow) => return Some(Exceeded::Stack { allowed: limits.stack }),
            Some(_) => return None,
            None => {}
        }
        if matches!(cause(error), Some(ResourceTableError::Full)) {
            return Some(Exceeded::Resources { allowed: limits.resources });
        }
        let text = error.root_cause().to_string();
        if let Some(count) = text.strip_prefix("resource limit exceeded: ") {
            let (what, asked) = count.split_once(" count too high at ")?;
            let asked = asked.parse().ok()?;
            return match what {
                "instance" => Some(Exceeded::Instances { allowed: limits.instances, asked }),
                "memory" => Some(Exceeded::Memories { allowed: limits.memories, asked }),
                "table" => Some(Exceeded::Tables { allowed: limits.tables, asked }),
                _ => None,
            };
        }
        if let Some(numbers) = text.strip_prefix("requested len ") {
            // Wasmtime's WASI says what it was set to, so a host that sets less than the limit is quoted rightly.
            let (asked, allowed) = numbers.split_once(" exceeds limit ")?;
            let (asked, allowed) = (asked.parse().ok()?, allowed.parse().ok()?);
            return Some(Exceeded::Random { allowed: Bytes::new(allowed), asked: Bytes::new(asked) });
        }
        // Compared whole: a host's own error may hold text that its guest chose.
        match text.as_str() {
            "too much data is being copied between the host and the guest: \
             fuel allocated for hostcalls has been exhausted" => {
                Some(Exceeded::Lifted { allowed: limits.lifted })
            }
            "cannot allocate another handle: store handle limit exceeded"
            | "cannot lend resource: store handle limit exceeded" => {
                Some(Exceeded::Handles { allowed: limits.handles })
            }
            _ => None,
        }
    }
}

/// The first cause of this type. Wasmtime itself looks for it only where it added the context.
pub(crate) fn cause<E: std::error::Error + Send + Sync + 'static>(error: &wasmtime::Error) -> Option<&E> {
    error.downcast_ref().or_else(|| error.chain().find_map(|cause| cause.downcast_ref()))
}

#[cfg(test)]
mod tests;
