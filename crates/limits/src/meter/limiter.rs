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
        if maximum.is_some_and(|maximum| desired > maximum) {
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
