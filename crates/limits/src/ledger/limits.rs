//! `LedgerLimits`: totals as plain data, with their units and defaults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Bytes;
use crate::limits::tighter;

/// How much all stores of one [`Ledger`](crate::Ledger) may take together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct LedgerLimits {
    /// Linear memory of all stores together, in bytes. Default: 4 GiB.
    pub memory: Bytes,
    /// Stores that live at one time. Each takes some four mappings of the address space, of which Linux gives a process
    /// 65,530 (`vm.max_map_count`): past them allocations of the *host* fail. Default: 4,000.
    pub stores: u32,
    /// Calls at one time, which is stores that are [armed](crate::arm). Default: 1,000.
    pub calls: u32,
    /// Fuel that may be burnt in each [`fuel_window`](LedgerLimits::fuel_window); `None` (in a policy `"unlimited"`)
    /// does not count it. Needs an engine that meters fuel. Default: 100,000,000,000,000, with which a thousand calls at one time
    /// can each reserve the default of [`Limits::fuel`](crate::Limits::fuel), ten times over.
    ///
    /// Stores reserve their whole budget when they are [armed](crate::arm). One whose own fuel is unlimited reserves an
    /// eighth of what is left, so that it does not keep its neighbours from being armed.
    #[serde(with = "crate::text::fuel")]
    #[cfg_attr(feature = "schemars", schemars(with = "crate::text::fuel::Written"))]
    pub fuel: Option<u64>,
    /// How long the fuel has to last. A window begins with the first call after the last one has ended; to look at the
    /// [usage](crate::Ledger::usage) begins none.
    /// Default: 1 minute.
    #[serde(with = "crate::text::duration")]
    #[cfg_attr(feature = "schemars", schemars(with = "crate::text::duration::Text"))]
    pub fuel_window: Duration,
}

impl Default for LedgerLimits {
    fn default() -> LedgerLimits {
        LedgerLimits {
            memory: Bytes::gibi(4),
            stores: 4_000,
            calls: 1_000,
            fuel: Some(100_000_000_000_000),
            fuel_window: Duration::from_secs(60),
        }
    }
}

impl LedgerLimits {
    /// The tighter of each. Of two windows the longer, which is tighter for the same fuel.
    #[must_use]
    pub fn intersect(&self, other: &LedgerLimits) -> LedgerLimits {
        LedgerLimits {
            memory: self.memory.min(other.memory),
            stores: self.stores.min(other.stores),
            calls: self.calls.min(other.calls),
            fuel: tighter(self.fuel, other.fuel),
            fuel_window: self.fuel_window.max(other.fuel_window),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_limits() -> impl Strategy<Value = LedgerLimits> {
        let numbers = (any::<u64>(), any::<u32>(), any::<u32>(), any::<Option<u64>>(), any::<u64>());
        numbers.prop_map(|(memory, stores, calls, fuel, window)| LedgerLimits {
            memory: Bytes::new(memory),
            stores,
            calls,
            fuel,
            fuel_window: Duration::from_nanos(window),
        })
    }

    /// Whether nothing in `one` allows more than `other`. Names every field, so that a new one is not forgotten.
    fn no_looser(one: &LedgerLimits, other: &LedgerLimits) -> bool {
        let LedgerLimits { memory, stores, calls, fuel, fuel_window } = one;
        *memory <= other.memory
            && *stores <= other.stores
            && *calls <= other.calls
            && fuel.unwrap_or(u64::MAX) <= other.fuel.unwrap_or(u64::MAX)
            && *fuel_window >= other.fuel_window
    }

    proptest! {
        #[test]
        fn intersection_is_commutative_idempotent_and_never_looser(a in any_limits(), b in any_limits()) {
            let both = a.intersect(&b);
            prop_assert_eq!(&both, &b.intersect(&a));
            prop_assert_eq!(&a.intersect(&a), &a);
            prop_assert!(no_looser(&both, &a) && no_looser(&both, &b));
            prop_assert!(!no_looser(&a, &b) || both == a);
        }

        #[test]
        fn any_text_form_round_trips(limits in any_limits()) {
            let json = serde_json::to_string(&limits).unwrap();
            prop_assert_eq!(serde_json::from_str::<LedgerLimits>(&json).unwrap(), limits);
        }
    }
}
