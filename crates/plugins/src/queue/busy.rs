//! `Busy`: there is no place for a call now.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// There is no place for a call now. The same call may go well later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}, after {waited:.1?}{}",
    why,
    tenant.as_ref().map(|tenant| format!(", for the tenant `{tenant}`")).unwrap_or_default()
)]
#[non_exhaustive]
pub struct Busy {
    /// What there was no room in.
    pub why: BusyReason,
    /// How long the call waited.
    pub waited: Duration,
    /// For whom it was, if for somebody in particular.
    pub tenant: Option<Arc<str>>,
}

/// What there was no room in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BusyReason {
    /// As many calls of its tenant wait already as may.
    QueueFull,
    /// It did not get a place in time.
    Waited,
    /// The engine's pool had no place in time.
    Pool,
    /// There were as many stores as the ledger of its tenant, or of all, allows.
    Stores,
}

impl fmt::Display for BusyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BusyReason::QueueFull => "too many calls wait already (`queue.waiting`)",
            BusyReason::Waited => "no place for the call in time (`queue.concurrency` and `queue.wait`)",
            BusyReason::Pool => {
                "no place in the engine's pool in time (`profile.allocation.pool.guests` and `queue.wait`)"
            }
            BusyReason::Stores => {
                "no place for another store in time (`stores` of the tenant or the process, and `queue.wait`)"
            }
        })
    }
}

impl Busy {
    pub(crate) fn new(why: BusyReason, waited: Duration, tenant: Option<Arc<str>>) -> Busy {
        Busy { why, waited, tenant }
    }
}
