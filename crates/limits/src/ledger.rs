//! `Ledger`: totals that many stores share, such as those of a tenant, or of the process.

mod limits;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

pub use self::limits::LedgerLimits;

use crate::{Bytes, Exceeded};

/// Totals of many stores, charged by their [meters](crate::Meter::charged_to) and given back when these are dropped,
/// in the middle of a call too. Cheap to clone; clones are the same ledger.
///
/// Ledgers nest: what a store takes is charged to its own ledger and to each one above, or to none if one of them
/// refuses. The refusal names the ledger that it comes from.
///
/// ```
/// use host_limits::{Bytes, Exceeded, Ledger, LedgerLimits, Limits, Meter};
///
/// let process = Ledger::new("process", LedgerLimits { memory: Bytes::gibi(2), ..LedgerLimits::default() });
/// let tenant = process.child("acme", LedgerLimits { stores: 1, ..LedgerLimits::default() });
/// let meter = Meter::charged_to(&tenant, Limits::default())?;
/// let refused = Meter::charged_to(&tenant, Limits::default()).unwrap_err();
/// assert_eq!(refused.to_string(), "ledger `acme`: budget of 1 live stores exceeded (`stores`)");
///
/// drop(meter);
/// assert_eq!(process.usage().stores, 0);
/// # Ok::<(), Exceeded>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ledger {
    inner: Arc<Inner>,
}

/// What the stores of a ledger hold now, and have spent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerUsage {
    /// Linear memory of all stores together.
    pub memory: Bytes,
    /// The most it was.
    pub peak_memory: Bytes,
    /// Stores that live.
    pub stores: u32,
    /// Stores that are armed.
    pub calls: u32,
    /// Fuel burnt or reserved in the present window.
    pub fuel: u64,
    /// What this ledger refused: memory, stores, calls or fuel.
    pub refusals: u64,
}

#[derive(Debug)]
struct Inner {
    name: Arc<str>,
    limits: LedgerLimits,
    above: Option<Ledger>,
    totals: Mutex<Totals>,
}

#[derive(Debug, Default)]
struct Totals {
    usage: LedgerUsage,
    window_since: Option<Instant>,
}

/// What is charged, and given back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Charge {
    Memory(u64),
    Store,
    Call,
}

/// The part of what is left that a store gets whose own fuel is unlimited: one of so many.
const SHARE: u64 = 8;

/// Fuel that was taken from a ledger in advance.
#[derive(Clone, Debug)]
pub(crate) struct Reserved {
    pub(crate) fuel: u64,
    at: Instant,
    /// If it is less than was asked for: the budget that was too small.
    pub(crate) cut_by: Option<Exceeded>,
}

impl Ledger {
    /// A ledger with totals of its own. Its name stands in every refusal.
    pub fn new(name: impl Into<Arc<str>>, limits: LedgerLimits) -> Ledger {
        Ledger::under(None, name.into(), limits)
    }

    /// A ledger whose stores are charged to this one too: a tenant's in the process's, say.
    #[must_use]
    pub fn child(&self, name: impl Into<Arc<str>>, limits: LedgerLimits) -> Ledger {
        Ledger::under(Some(self.clone()), name.into(), limits)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// What its stores may take together.
    pub fn limits(&self) -> &LedgerLimits {
        &self.inner.limits
    }

    /// What its stores hold now, those of the ledgers below included.
    pub fn usage(&self) -> LedgerUsage {
        self.usage_at(Instant::now())
    }

    fn usage_at(&self, now: Instant) -> LedgerUsage {
        let totals = self.lock();
        let mut usage = totals.usage.clone();
        if totals.window_is_over(now, self.inner.limits.fuel_window) {
            usage.fuel = 0;
        }
        usage
    }

    fn under(above: Option<Ledger>, name: Arc<str>, limits: LedgerLimits) -> Ledger {
        Ledger { inner: Arc::new(Inner { name, limits, above, totals: Mutex::default() }) }
    }

    /// Whether this ledger, or one above, counts fuel.
    pub(crate) fn counts_fuel(&self) -> bool {
        let above = self.inner.above.as_ref();
        self.inner.limits.fuel.is_some() || above.is_some_and(Ledger::counts_fuel)
    }

    /// Charges this ledger and all above, or none. The locks are taken upwards, and held until all have agreed: a charge
    /// that is refused above never stands in the way of another one here.
    pub(crate) fn charge(&self, charge: Charge) -> Result<(), Exceeded> {
        let mut totals = self.lock();
        if let Some(refusal) = self.refusal(&totals.usage, charge) {
            totals.usage.refusals = totals.usage.refusals.saturating_add(1);
            return Err(refusal);
        }
        if let Some(above) = &self.inner.above {
            above.charge(charge)?;
        }
        let usage = &mut totals.usage;
        match charge {
            Charge::Memory(bytes) => {
                usage.memory = Bytes::new(usage.memory.get().saturating_add(bytes));
                usage.peak_memory = usage.peak_memory.max(usage.memory);
            }
            Charge::Store => usage.stores += 1,
            Charge::Call => usage.calls += 1,
        }
        Ok(())
    }

    /// Takes back a charge that was made before.
    pub(crate) fn give_back(&self, charge: Charge) {
        let mut totals = self.lock();
        let usage = &mut totals.usage;
        match charge {
            Charge::Memory(bytes) => usage.memory = Bytes::new(usage.memory.get().saturating_sub(bytes)),
            Charge::Store => usage.stores -= 1,
            Charge::Call => usage.calls -= 1,
        }
        drop(totals);
        if let Some(above) = &self.inner.above {
            above.give_back(charge);
        }
    }

    /// Takes fuel in advance: what is wanted, or what the windows of this ledger and those above have left. Who wants
    /// no certain amount gets a [share](SHARE) of what is left.
    pub(crate) fn reserve(&self, want: Option<u64>, now: Instant) -> Result<Reserved, Exceeded> {
        self.reserve_part(want.unwrap_or(u64::MAX), if want.is_some() { 1 } else { SHARE }, now)
    }

    fn reserve_part(&self, want: u64, share: u64, now: Instant) -> Result<Reserved, Exceeded> {
        let mut totals = self.lock();
        let since = totals.enter_window(now, self.inner.limits.fuel_window);
        let limit = self.inner.limits.fuel;
        let refusal = |allowed| Exceeded::LedgerFuel {
            ledger: Arc::clone(&self.inner.name),
            allowed,
            window: self.inner.limits.fuel_window,
        };
        let fuel = match limit.map(|allowed| (allowed, allowed.saturating_sub(totals.usage.fuel))) {
            Some((allowed, 0)) => {
                totals.usage.refusals = totals.usage.refusals.saturating_add(1);
                return Err(refusal(allowed));
            }
            Some((_, left)) => want.min(left.div_ceil(share)),
            None => want,
        };
        // Somebody else may have begun the window since `now` was looked up. It is taken from that one all the same.
        let now = now.max(since);
        let mut reserved = match &self.inner.above {
            Some(above) => above.reserve_part(fuel, share, now)?,
            None => Reserved { fuel, at: now, cut_by: None },
        };
        if reserved.cut_by.is_none() && fuel < want {
            reserved.cut_by = limit.map(refusal);
        }
        totals.usage.fuel = totals.usage.fuel.saturating_add(reserved.fuel);
        Ok(reserved)
    }

    /// Gives back what was not burnt, to the windows that it was taken from and that are still open.
    pub(crate) fn settle(&self, reserved: &Reserved, unburnt: u64, now: Instant) {
        let mut totals = self.lock();
        if totals.window_since.is_some_and(|since| since <= reserved.at)
            && !totals.window_is_over(now, self.inner.limits.fuel_window)
        {
            totals.usage.fuel = totals.usage.fuel.saturating_sub(unburnt);
        }
        drop(totals);
        if let Some(above) = &self.inner.above {
            above.settle(reserved, unburnt, now);
        }
    }

    fn refusal(&self, usage: &LedgerUsage, charge: Charge) -> Option<Exceeded> {
        let Inner { name, limits, .. } = &*self.inner;
        let ledger = || Arc::clone(name);
        match charge {
            Charge::Memory(bytes) => {
                let (allowed, asked) = (limits.memory, Bytes::new(usage.memory.get().saturating_add(bytes)));
                (asked > allowed).then(|| Exceeded::LedgerMemory { ledger: ledger(), allowed, asked })
            }
            Charge::Store => {
                let allowed = limits.stores;
                (usage.stores >= allowed).then(|| Exceeded::LedgerStores { ledger: ledger(), allowed })
            }
            Charge::Call => {
                let allowed = limits.calls;
                (usage.calls >= allowed).then(|| Exceeded::LedgerCalls { ledger: ledger(), allowed })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Totals> {
        // Nothing panics while the totals are half changed.
        self.inner.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Totals {
    fn window_is_over(&self, now: Instant, window: Duration) -> bool {
        self.window_since.is_none_or(|since| now.saturating_duration_since(since) >= window)
    }

    /// Forgets the fuel of a window that has ended. The next one begins here. Gives when the present one began.
    fn enter_window(&mut self, now: Instant, window: Duration) -> Instant {
        if self.window_is_over(now, window) {
            self.usage.fuel = 0;
            self.window_since = None;
        }
        *self.window_since.get_or_insert(now)
    }
}

#[cfg(test)]
mod tests;
