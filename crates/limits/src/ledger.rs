//! `Ledger`: totals that many stores share, such as those of a tenant, or of the process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::limits::tighter;
use crate::{Bytes, Exceeded};

/// How much all stores of one [`Ledger`] may take together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LedgerLimits {
    /// Linear memory of all stores together, in bytes. Default: 4 GiB.
    pub memory: Bytes,
    /// Stores that live at one time. Each takes some four mappings of the address space, of which Linux gives a process
    /// 65,530 (`vm.max_map_count`): past them allocations of the *host* fail. Default: 4,000.
    pub stores: u32,
    /// Calls at one time, which is stores that are [armed](crate::arm). Default: 1,000.
    pub calls: u32,
    /// Fuel that may be burnt in each [`fuel_window`](LedgerLimits::fuel_window); `None` (in a policy `"unlimited"`)
    /// does not count it. Needs an engine that meters fuel. Default: 1,000,000,000,000.
    #[serde(with = "crate::text::fuel")]
    pub fuel: Option<u64>,
    /// How long the fuel has to last. A window begins with the first call after the last one has ended.
    /// Default: 1 minute.
    #[serde(with = "crate::text::duration")]
    pub fuel_window: Duration,
}

impl Default for LedgerLimits {
    fn default() -> LedgerLimits {
        LedgerLimits {
            memory: Bytes::gibi(4),
            stores: 4_000,
            calls: 1_000,
            fuel: Some(1_000_000_000_000),
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
/// assert_eq!(refused.to_string(), "ledger `acme`: budget of 1 live stores exceeded");
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
        let mut totals = self.lock();
        totals.enter_window(now, self.inner.limits.fuel_window);
        totals.usage.clone()
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

    /// Takes fuel in advance: what is wanted, or what the windows of this ledger and those above have left.
    pub(crate) fn reserve(&self, want: u64, now: Instant) -> Result<Reserved, Exceeded> {
        let mut totals = self.lock();
        totals.enter_window(now, self.inner.limits.fuel_window);
        let refusal = self.inner.limits.fuel.map(|allowed| Exceeded::LedgerFuel {
            ledger: Arc::clone(&self.inner.name),
            allowed,
            window: self.inner.limits.fuel_window,
        });
        let left = self.inner.limits.fuel.map_or(u64::MAX, |fuel| fuel.saturating_sub(totals.usage.fuel));
        if let (0, Some(refusal)) = (left, &refusal) {
            totals.usage.refusals = totals.usage.refusals.saturating_add(1);
            return Err(refusal.clone());
        }
        let fuel = want.min(left);
        let mut reserved = match &self.inner.above {
            Some(above) => above.reserve(fuel, now)?,
            None => Reserved { fuel, at: now, cut_by: None },
        };
        if reserved.cut_by.is_none() && fuel < want {
            reserved.cut_by = refusal;
        }
        totals.usage.fuel = totals.usage.fuel.saturating_add(reserved.fuel);
        Ok(reserved)
    }

    /// Gives back what was not burnt, to the windows that it was taken from and that are still open.
    pub(crate) fn settle(&self, reserved: &Reserved, unburnt: u64, now: Instant) {
        let mut totals = self.lock();
        totals.enter_window(now, self.inner.limits.fuel_window);
        if totals.window_since.is_some_and(|since| since <= reserved.at) {
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
    /// Forgets the fuel of a window that has ended. The next one begins here.
    fn enter_window(&mut self, now: Instant, window: Duration) {
        if self.window_since.is_none_or(|since| now.saturating_duration_since(since) >= window) {
            self.window_since = Some(now);
            self.usage.fuel = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn fuel(fuel: u64) -> LedgerLimits {
        LedgerLimits { fuel: Some(fuel), fuel_window: WINDOW, ..LedgerLimits::default() }
    }

    #[test]
    fn a_window_has_its_fuel_once_and_the_next_anew() {
        let (ledger, start) = (Ledger::new("l", fuel(100)), Instant::now());
        assert_eq!(ledger.reserve(60, start).unwrap().fuel, 60);
        let rest = ledger.reserve(60, start + WINDOW / 2).unwrap();
        assert_eq!(rest.fuel, 40);
        let spent = Exceeded::LedgerFuel { ledger: "l".into(), allowed: 100, window: WINDOW };
        assert_eq!(rest.cut_by.as_ref(), Some(&spent));
        assert_eq!(ledger.reserve(1, start + WINDOW - Duration::from_nanos(1)).unwrap_err(), spent);
        assert_eq!(ledger.reserve(60, start + WINDOW).unwrap().fuel, 60);
        assert_eq!(ledger.usage_at(start + WINDOW).refusals, 1);
    }

    #[test]
    fn unburnt_fuel_goes_back_to_its_own_window_only() {
        let (ledger, start) = (Ledger::new("l", fuel(100)), Instant::now());
        let reserved = ledger.reserve(60, start).unwrap();
        ledger.settle(&reserved, 50, start + WINDOW / 2);
        assert_eq!(ledger.usage_at(start + WINDOW / 2).fuel, 10);

        let late = ledger.reserve(60, start + WINDOW / 2).unwrap();
        ledger.reserve(30, start + WINDOW).unwrap();
        ledger.settle(&late, 60, start + WINDOW);
        assert_eq!(ledger.usage_at(start + WINDOW).fuel, 30);
    }

    #[test]
    fn the_tightest_ledger_on_the_way_up_decides() {
        let start = Instant::now();
        let process = Ledger::new("process", fuel(100));
        let tenant = process.child("tenant", fuel(80));
        let other = process.child("other", LedgerLimits { fuel: None, ..fuel(0) });
        assert!(other.counts_fuel());
        let named = |reserved: Reserved| match reserved.cut_by {
            Some(Exceeded::LedgerFuel { ledger, .. }) => (reserved.fuel, ledger.to_string()),
            _ => (reserved.fuel, String::new()),
        };
        assert_eq!(named(other.reserve(30, start).unwrap()), (30, String::new()));
        assert_eq!(named(tenant.reserve(75, start).unwrap()), (70, "process".to_owned()));
        assert_eq!(tenant.usage_at(start).fuel, 70);
        let refused = tenant.reserve(5, start).unwrap_err();
        assert!(matches!(refused, Exceeded::LedgerFuel { ledger, .. } if &*ledger == "process"));
        assert_eq!(tenant.usage_at(start).fuel, 70);

        let next = start + WINDOW;
        assert_eq!(named(tenant.reserve(90, next).unwrap()), (80, "tenant".to_owned()));
        assert_eq!(process.usage_at(next).fuel, 80);
    }
}
