//! `Meter`: counts what a store takes and refuses what is past its limits; lives in the store's data.

use std::time::{Duration, Instant};

use wasmtime::{GcHeapOutOfMemory, ResourceLimiter, Trap};

use crate::{Bytes, Deadline, Exceeded, Limits, OnRefusal, Usage};

/// The counters of one store, kept in the embedder's store data and found there through [`HasMeter`].
///
/// Its budget is the store's: all memories together, all tables together. [`arm`](crate::arm) puts it to work.
#[derive(Debug)]
pub struct Meter {
    limits: Limits,
    memory: Counter,
    table_elements: Counter,
    refusals: u64,
    last_refusal: Option<Exceeded>,
    yields: u64,
    armed: Option<Armed>,
}

/// What is known from [`arm`](crate::arm) on.
#[derive(Debug)]
struct Armed {
    since: Instant,
    deadline: Deadline,
}

/// Finds the [`Meter`] in the data of a store.
pub trait HasMeter: 'static {
    /// The store's meter.
    fn meter(&mut self) -> &mut Meter;
}

impl HasMeter for Meter {
    fn meter(&mut self) -> &mut Meter {
        self
    }
}

impl Meter {
    /// A meter for one store.
    pub fn new(limits: Limits) -> Meter {
        Meter {
            limits,
            memory: Counter::default(),
            table_elements: Counter::default(),
            refusals: 0,
            last_refusal: None,
            yields: 0,
            armed: None,
        }
    }

    /// The limits this meter holds its store to.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The deadline of the store, from [`arm`](crate::arm) on. Use it to [bound](Deadline::bound) async calls and to
    /// [cancel](Deadline::cancel_handle) from elsewhere.
    pub fn deadline(&self) -> Option<&Deadline> {
        self.armed.as_ref().map(|armed| &armed.deadline)
    }

    /// The last thing the guest was refused, if any.
    pub fn last_refusal(&self) -> Option<&Exceeded> {
        self.last_refusal.as_ref()
    }

    /// The budget that ended a call, or `None` if the error has another cause.
    ///
    /// Besides errors that are an [`Exceeded`] already, this knows the errors of Wasmtime's own counters, and the
    /// guest that gives up after a refusal: languages answer a failed allocation or a failed write with
    /// `unreachable`. A guest that copes with a refusal and hits an `unreachable` much later is therefore reported
    /// with the refusal too; choose [`OnRefusal::Trap`] where that matters.
    pub fn explain(&self, error: &wasmtime::Error) -> Option<Exceeded> {
        if let Some(exceeded) = Exceeded::find(error) {
            return Some(exceeded.clone());
        }
        if let Some(exceeded) = Exceeded::from_wasmtime(error, &self.limits) {
            return Some(exceeded);
        }
        let gave_up = match error.downcast_ref::<Trap>() {
            Some(trap) => *trap == Trap::UnreachableCodeReached,
            // A heap of values that may not grow, or a memory or table whose declared minimum is refused.
            None => {
                let text = error.root_cause().to_string();
                error.is::<GcHeapOutOfMemory<()>>()
                    || (text.starts_with("memory minimum size of ")
                        && text.ends_with(" exceeds memory limits"))
                    || (text.starts_with("table minimum size of ") && text.ends_with(" exceeds table limits"))
            }
        };
        if gave_up { self.last_refusal.clone() } else { None }
    }

    pub(crate) fn start(&mut self, deadline: Deadline) {
        self.refusals = 0;
        self.last_refusal = None;
        self.yields = 0;
        self.memory.peak = self.memory.now;
        self.table_elements.peak = self.table_elements.now;
        self.armed = Some(Armed { since: Instant::now(), deadline });
    }

    pub(crate) fn note_yield(&mut self) {
        self.yields = self.yields.saturating_add(1);
    }

    /// Everything but fuel, which the store counts.
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            fuel: None,
            elapsed: self.armed.as_ref().map_or(Duration::ZERO, |armed| armed.since.elapsed()),
            memory: Bytes::new(self.memory.now),
            peak_memory: Bytes::new(self.memory.peak),
            peak_table_elements: self.table_elements.peak,
            refusals: self.refusals,
            yields: self.yields,
        }
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

/// A sum over the store.
#[derive(Debug, Default)]
struct Counter {
    now: u64,
    peak: u64,
}

impl Counter {
    /// Counts a growth of one memory or table; `Err` is the sum it would have made.
    fn grow(&mut self, current: usize, desired: usize, allowed: u64) -> Result<(), u64> {
        let sum = self.now.saturating_add(desired.saturating_sub(current) as u64);
        if sum > allowed {
            return Err(sum);
        }
        self.now = sum;
        self.peak = self.peak.max(sum);
        Ok(())
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
        let allowed = self.limits.memory;
        match self.memory.grow(current, desired, allowed.get()) {
            Ok(()) => Ok(true),
            Err(sum) => self.refuse(Exceeded::Memory { allowed, asked: Bytes::new(sum) }),
        }
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
        let allowed = self.limits.table_elements;
        match self.table_elements.grow(current, desired, allowed) {
            Ok(()) => Ok(true),
            Err(asked) => self.refuse(Exceeded::TableElements { allowed, asked }),
        }
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
