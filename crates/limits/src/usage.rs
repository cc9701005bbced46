//! `Usage`: what a store spent.

use std::time::Duration;

use serde::Serialize;
use wasmtime::Store;

use crate::{Bytes, HasMeter};

/// What a store has spent since it was armed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// Fuel burnt; `None` where fuel is not metered. A lower bound for a guest stopped by its deadline or cancelled: what
    /// it burnt since its last call or return is not known then.
    pub fuel: Option<u64>,
    /// Wall-clock time since the store was armed.
    #[serde(with = "crate::text::duration")]
    pub elapsed: Duration,
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

/// What the store has spent since it was [armed](crate::arm), after a good call or a bad one.
pub fn usage<T: HasMeter>(store: &mut Store<T>) -> Usage {
    let left = store.get_fuel().ok();
    let meter = store.data_mut().meter();
    let fuel = meter.limits().fuel.zip(left).map(|(allowed, left)| allowed.saturating_sub(left));
    Usage { fuel, ..meter.usage() }
}
