//! `Exceeded`: which budget ran out, what was allowed and what was asked for.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Trap;
use wasmtime::component::ResourceTableError;

use crate::{Bytes, Limits};

/// A budget that ran out.
///
/// It travels inside `wasmtime::Error`: [`Exceeded::find`] gets it back.
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
    #[error("budget of {allowed} memories exceeded: the guest asked for {asked}")]
    Memories {
        /// The budget.
        allowed: u32,
        /// How many there would have been.
        asked: u64,
    },
    /// More tables than [`Limits::tables`].
    #[error("budget of {allowed} tables exceeded: the guest asked for {asked}")]
    Tables {
        /// The budget.
        allowed: u32,
        /// How many there would have been.
        asked: u64,
    },
    /// The store's tables together would have grown past [`Limits::table_elements`].
    #[error("budget of {allowed} table elements exceeded: the guest asked for {asked} in total")]
    TableElements {
        /// The budget.
        allowed: u64,
        /// What all tables of the store would have held together.
        asked: u64,
    },
    /// More core instances than [`Limits::instances`].
    #[error("budget of {allowed} instances exceeded: the guest asked for {asked}")]
    Instances {
        /// The budget.
        allowed: u32,
        /// How many there would have been.
        asked: u64,
    },
    /// All of [`Limits::fuel`] was burnt.
    #[error("fuel budget of {allowed} exceeded")]
    Fuel {
        /// The budget.
        allowed: u64,
    },
    /// [`Limits::deadline`] passed.
    #[error("deadline of {} exceeded", humantime::format_duration(*allowed))]
    Deadline {
        /// The budget.
        allowed: Duration,
    },
    /// Somebody cancelled the call through a [`CancelHandle`](crate::CancelHandle).
    #[error("cancelled by the host")]
    Cancelled,
    /// The guest's calls nested deeper than [`Limits::stack`] holds.
    #[error("stack budget of {allowed} exceeded")]
    Stack {
        /// The budget.
        allowed: Bytes,
    },
    /// One call would have copied more than [`Limits::lifted`] out of the guest.
    #[error("budget of {allowed} copied per host call exceeded")]
    Lifted {
        /// The budget.
        allowed: Bytes,
    },
    /// The guest would have held more handles than [`Limits::handles`].
    #[error("budget of {allowed} component handles exceeded")]
    Handles {
        /// The budget.
        allowed: u32,
    },
    /// The guest would have had more resources open than [`Limits::resources`].
    #[error("budget of {allowed} open resources exceeded")]
    Resources {
        /// The budget.
        allowed: u32,
    },
    /// The guest asked for more random bytes at once than [`Limits::random`].
    #[error("budget of {allowed} random bytes per call exceeded: the guest asked for {asked}")]
    Random {
        /// The budget.
        allowed: Bytes,
        /// What one call asked for.
        asked: Bytes,
    },
    /// Host functions called the guest from inside one another more often than [`Limits::call_depth`].
    #[error("budget of {allowed} nested calls into the guest exceeded")]
    CallDepth {
        /// The budget.
        allowed: u32,
    },
    /// The guest wrote more than [`Limits::output`].
    #[error("output budget of {allowed} exceeded")]
    Output {
        /// The budget.
        allowed: Bytes,
    },
    /// The memories of all stores of a ledger would have grown past [`LedgerLimits::memory`](crate::LedgerLimits::memory).
    #[error("ledger `{ledger}`: memory budget of {allowed} exceeded: its stores asked for {asked} in total")]
    LedgerMemory {
        /// Whose budget it is.
        ledger: Arc<str>,
        /// The budget.
        allowed: Bytes,
        /// What all stores of the ledger would have taken together.
        asked: Bytes,
    },
    /// More stores than [`LedgerLimits::stores`](crate::LedgerLimits::stores).
    #[error("ledger `{ledger}`: budget of {allowed} live stores exceeded")]
    LedgerStores {
        /// Whose budget it is.
        ledger: Arc<str>,
        /// The budget.
        allowed: u32,
    },
    /// More calls at one time than [`LedgerLimits::calls`](crate::LedgerLimits::calls).
    #[error("ledger `{ledger}`: budget of {allowed} calls at one time exceeded")]
    LedgerCalls {
        /// Whose budget it is.
        ledger: Arc<str>,
        /// The budget.
        allowed: u32,
    },
    /// The stores of a ledger burnt all of [`LedgerLimits::fuel`](crate::LedgerLimits::fuel) for this window.
    #[error("ledger `{ledger}`: fuel budget of {allowed} in {} exceeded", humantime::format_duration(*window))]
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
    /// The `Exceeded` inside an error, however often context was added to it.
    pub fn find(error: &wasmtime::Error) -> Option<&Exceeded> {
        error.downcast_ref()
    }

    /// What Wasmtime itself reports when one of its own counters runs out, as the budget that we had set there.
    ///
    /// Fuel and stack are traps, and a full resource table has a type. The others have no type of their own in
    /// Wasmtime 48, so their text is read; the integration tests run into each, so a changed text is noticed.
    pub(crate) fn from_wasmtime(error: &wasmtime::Error, limits: &Limits) -> Option<Exceeded> {
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => return limits.fuel.map(|allowed| Exceeded::Fuel { allowed }),
            Some(Trap::StackOverflow) => return Some(Exceeded::Stack { allowed: limits.stack }),
            Some(_) => return None,
            None => {}
        }
        if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
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

#[cfg(test)]
mod tests {
    use wasmtime::error::Context as _;

    use super::*;

    #[test]
    fn it_is_found_under_context_and_after_a_trip_through_other_errors() {
        let exceeded = Exceeded::Handles { allowed: 3 };
        let error = wasmtime::Error::from(exceeded.clone()).context("while calling").context("at noon");
        assert_eq!(Exceeded::find(&error), Some(&exceeded));
        fn passed_on(error: wasmtime::Error) -> wasmtime::Result<()> {
            Err(error).context("passed on")
        }
        assert_eq!(Exceeded::find(&passed_on(error).unwrap_err()), Some(&exceeded));
        assert_eq!(Exceeded::find(&wasmtime::Error::msg(exceeded.to_string())), None);
    }

    #[test]
    fn messages_say_whose_budget_it_is_and_how_large() {
        let second = Duration::from_secs(1);
        for (exceeded, text) in [
            (
                Exceeded::Memory { allowed: Bytes::mebi(1), asked: Bytes::mebi(2) },
                "memory budget of 1MiB exceeded: the guest asked for 2MiB in total",
            ),
            (Exceeded::Fuel { allowed: 5 }, "fuel budget of 5 exceeded"),
            (Exceeded::Deadline { allowed: second }, "deadline of 1s exceeded"),
            (Exceeded::Cancelled, "cancelled by the host"),
            (
                Exceeded::Random { allowed: Bytes::kibi(1), asked: Bytes::kibi(2) },
                "budget of 1KiB random bytes per call exceeded: the guest asked for 2KiB",
            ),
            (Exceeded::CallDepth { allowed: 8 }, "budget of 8 nested calls into the guest exceeded"),
            (
                Exceeded::LedgerCalls { ledger: "acme".into(), allowed: 2 },
                "ledger `acme`: budget of 2 calls at one time exceeded",
            ),
        ] {
            assert_eq!(exceeded.to_string(), text);
        }
    }
}
