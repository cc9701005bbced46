//! What Wasmtime asks a meter: may this memory grow, may this table?

use std::future::{Future, ready};
use std::pin::Pin;

use wasmtime::{ResourceLimiter, ResourceLimiterAsync};

use super::Meter;
use crate::{Bytes, Exceeded, OnRefusal};

impl Meter {
    fn charge_memory(&mut self, current: usize, desired: usize) -> Result<(), Exceeded> {
        let allowed = self.limits.memory;
        let more = desired.saturating_sub(current) as u64;
        let sum = self.memory.now.saturating_add(more);
        if sum > allowed.get() {
            return Err(Exceeded::Memory { allowed, asked: Bytes::new(sum) });
        }
        if let Some(account) = &mut self.account {
            account.charge_memory(more)?;
        }
        self.memory.set(sum);
        Ok(())
    }

    fn charge_table_elements(&mut self, current: usize, desired: usize) -> Result<(), Exceeded> {
        let allowed = self.limits.table_elements;
        let asked = self.table_elements.now.saturating_add(desired.saturating_sub(current) as u64);
        if asked > allowed {
            return Err(Exceeded::TableElements { allowed, asked });
        }
        self.table_elements.set(asked);
        Ok(())
    }

    fn refuse(&mut self, refusal: Exceeded) -> wasmtime::Result<bool> {
        self.refusals = self.refusals.saturating_add(1);
        self.last_refusal = Some(refusal.clone());
        match self.limits.on_refusal {
            OnRefusal::Fail => Ok(false),
            OnRefusal::Trap => Err(refusal.into()),
        }
    }
}

// Neither `memory_grow_failed` nor `table_grow_failed` gives anything back. Wasmtime also calls them for growths it
// never asked us about (past 4 GiB, say), so a guest could talk its count down with growths that are bound to fail.
// A growth that we allowed and the machine then could not carry out stays counted.
impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false); // The guest's own maximum, not a budget of ours.
        }
        self.charge_memory(current, desired).map_or_else(|refusal| self.refuse(refusal), |()| Ok(true))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The guest's own maximum, unless that is as large as the budget: in a pool every table has a maximum, for which the
        // guest did not ask, and who grows past it has run out of the budget.
        let allowed = self.limits.table_elements;
        if maximum.is_some_and(|maximum| desired > maximum && (maximum as u64) < allowed) {
            return Ok(false);
        }
        self.charge_table_elements(current, desired)
            .map_or_else(|refusal| self.refuse(refusal), |()| Ok(true))
    }

    fn instances(&self) -> usize {
        self.limits.instances as usize
    }

    fn tables(&self) -> usize {
        self.limits.tables as usize
    }

    fn memories(&self) -> usize {
        self.limits.memories as usize
    }
}

/// The same decisions, for `Store::limiter_async`. [`arm_async`](crate::arm_async) has no need of it: with a sync limiter,
/// host functions may create memories and tables without waiting.
impl ResourceLimiterAsync for Meter {
    fn memory_growing<'a, 'b>(
        &'a mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Decision<'b>
    where
        'a: 'b,
    {
        Box::pin(ready(ResourceLimiter::memory_growing(self, current, desired, maximum)))
    }

    fn table_growing<'a, 'b>(
        &'a mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Decision<'b>
    where
        'a: 'b,
    {
        Box::pin(ready(ResourceLimiter::table_growing(self, current, desired, maximum)))
    }

    fn instances(&self) -> usize {
        ResourceLimiter::instances(self)
    }

    fn tables(&self) -> usize {
        ResourceLimiter::tables(self)
    }

    fn memories(&self) -> usize {
        ResourceLimiter::memories(self)
    }
}

type Decision<'a> = Pin<Box<dyn Future<Output = wasmtime::Result<bool>> + Send + 'a>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn a_table_that_may_be_as_large_as_the_budget_is_stopped_by_the_budget() {
        let mut meter = Meter::new(Limits { table_elements: 100, ..Limits::default() });
        let mut grow = |to: usize, maximum: usize| {
            let limiter: &mut dyn ResourceLimiter = &mut meter;
            limiter.table_growing(0, to, Some(maximum)).unwrap()
        };
        // The guest said itself that it shall be no larger.
        assert!(!grow(101, 99));
        assert!(!grow(101, 100) && !grow(1_001, 1_000));
        assert!(grow(100, 100));
        assert_eq!(meter.usage(None).refusals, 2);
        assert_eq!(meter.last_refusal, Some(Exceeded::TableElements { allowed: 100, asked: 1_001 }));
    }

    /// More than most machines that test have.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn memory_past_four_gibibytes_counts() {
        let mut meter = Meter::new(Limits { memory: Bytes::gibi(100), ..Limits::default() });
        let mut grow = |from: u64, to: u64| {
            let limiter: &mut dyn ResourceLimiter = &mut meter;
            limiter.memory_growing((from << 30) as usize, (to << 30) as usize, None).unwrap()
        };
        assert!(grow(0, 5) && grow(5, 70) && !grow(0, 31) && grow(0, 30) && !grow(70, 71));
        let usage = meter.usage(None);
        assert_eq!(
            (usage.memory, usage.peak_memory, usage.refusals),
            (Bytes::gibi(100), Bytes::gibi(100), 2)
        );
    }
}
