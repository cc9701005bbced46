//! Should a plugin be called that had faults lately? A breaker for each plugin, or each of its tenants, decides.
//!
//! Closed, it lets all calls in and counts those that go wrong. As many of them as the settings say, within the time that they
//! say, open it: calls are refused without being made. After a while it is half-open, and lets as many calls in as it may to
//! try. If they go well it is closed; if one goes wrong it is open again, for twice as long.

mod machine;
mod set;
mod settings;

pub use self::machine::BreakerState;
pub use self::settings::{BreakerScope, BreakerSettings};

pub(crate) use self::machine::Admission;
pub(crate) use self::set::Breakers;
