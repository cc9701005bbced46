//! `Usage`: what a store spent.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::Store;

use crate::{Bytes, HasMeter};

/// What a store has spent since it was armed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Usage {
    /// Fuel burnt; `None` where fuel is not metered. Exact after a call that returned well, ran out of fuel, reached an
    /// `unreachable` or was ended by a host function. A lower bound after any other trap, a deadline or a cancellation: what
    /// the guest burnt since its last call or return is not known then.
    pub fuel: Option<u64>,
    /// Wall-clock time since the store was armed, or since it was [queued](crate::Meter::queued_since).
    #[serde(with = "crate::text::duration")]
    pub elapsed: Duration,
    /// The part of it in which nobody worked for the guest: where a [bound](crate::Deadline::bound) call waited to be
    /// polled again, and where host functions waited in [`block_on`](crate::Deadline::block_on) or
    /// [`sleep`](crate::Deadline::sleep). Waits that do not pass through these are not known.
    #[serde(with = "crate::text::duration")]
    pub waited: Duration,
    /// Linear memory the store holds now, all memories together.
    pub memory: Bytes,
    /// The most linear memory the store held.
    pub peak_memory: Bytes,
    /// The most table elements the store held.
    pub peak_table_elements: u64,
    /// Growths of memory or table that were refused.
    pub refusals: u64,
    /// How often the guest yielded to the executor; zero in a sync store.
    pub yields: u64,
}

impl Usage {
    /// The time in which the guest ran, or host functions on its behalf: all that was not [waited](Usage::waited).
    pub fn busy(&self) -> Duration {
        self.elapsed.saturating_sub(self.waited)
    }
}

/// What the store has spent since it was [armed](crate::arm), after a good call or a bad one.
pub fn usage<T: HasMeter>(store: &mut Store<T>) -> Usage {
    let left = fuel_left(store);
    store.data_mut().meter().usage(left)
}

/// `None` where the engine does not meter. Asking it all the same would cost an error.
pub(crate) fn fuel_left<T>(store: &Store<T>) -> Option<u64> {
    if store.engine().get_consume_fuel() { store.get_fuel().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_and_read_again() {
        let elapsed = Duration::new(1, 234_567_891);
        let usage = Usage { fuel: Some(5), elapsed, memory: Bytes::new(1025), ..Usage::default() };
        let json = serde_json::to_string(&usage).unwrap();
        assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage);
        // What a later version adds, or an earlier one had not, is no hindrance.
        let other = serde_json::from_str::<Usage>(r#"{ "fuel": 5, "new": 1 }"#).unwrap();
        assert_eq!(other, Usage { fuel: Some(5), ..Usage::default() });
    }
}
