//! `Meter`: counts what a store takes and refuses what is past its limits; lives in the store's data.

mod limiter;

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::{GcHeapOutOfMemory, StoreContextMut, Trap};

use crate::account::Account;
use crate::exceeded::cause;
use crate::{Bytes, Deadline, Exceeded, Ledger, Limits, Usage};

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
    queued_since: Option<Instant>,
    armed: Option<Armed>,
    /// Whether a call was dropped half-way.
    retired: bool,
    account: Option<Account>,
    /// One more reference than there are nested calls.
    nested: Arc<()>,
}

/// What is known from [`arm`](crate::arm) on.
#[derive(Debug)]
pub(crate) struct Armed {
    pub(crate) deadline: Deadline,
    /// What the store was given; `None` where the engine does not meter.
    pub(crate) fuel: Option<u64>,
    /// The stack that the engine gives, which may be less than the limit.
    pub(crate) stack: Bytes,
}

/// One call of a host function into its guest. Dropping it ends the call.
#[derive(Debug)]
pub struct Nested {
    _counted: Arc<()>,
}

/// Finds the [`Meter`] in the data of a store.
pub trait HasMeter: 'static {
    /// The store's meter.
    fn meter(&mut self) -> &mut Meter;

    /// Called whenever the guest of an [armed](crate::arm) store is found running when the epoch has moved, which is every
    /// [`Ticker::PERIOD`](crate::Ticker::PERIOD) at most: for profilers and progress. The guest waits meanwhile, and its deadline runs.
    /// Does nothing unless you write it.
    fn on_tick(store: StoreContextMut<'_, Self>)
    where
        Self: Sized,
    {
        let _ = store;
    }
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
            queued_since: None,
            armed: None,
            retired: false,
            account: None,
            nested: Arc::default(),
        }
    }

    /// A meter for one store, which it charges to `ledger`, too: the store from here on, its memory as it grows, its
    /// calls and their fuel as it is [armed](crate::arm). All of it is given back when the meter is dropped, which is when
    /// the store is.
    ///
    /// Fuel is reserved when the store is armed: as much as its limit says, or what the ledger has left. What was not
    /// burnt is given back when the store is [disarmed](crate::disarm), if it is known. A store that is dropped or armed
    /// again before counts as having burnt it all.
    ///
    /// # Errors
    ///
    /// [`Exceeded::LedgerStores`]: the ledger, or one above it, has as many live stores as it may.
    pub fn charged_to(ledger: &Ledger, limits: Limits) -> Result<Meter, Exceeded> {
        Ok(Meter { account: Some(Account::open(ledger)?), ..Meter::new(limits) })
    }

    /// Counts the deadline of the next [arming](crate::arm) from `since`, so that time spent in a queue is not a gift.
    pub fn queued_since(&mut self, since: Instant) {
        self.queued_since = Some(since);
    }

    /// Counts a call of a host function into its own guest, until the result is dropped.
    ///
    /// Every host function that calls the guest should begin with it: guest and host may call each other without end, and
    /// async calls have a stack each, so that no stack overflows.
    ///
    /// ```
    /// # use host_limits::Meter;
    /// # use wasmtime::{Caller, Extern};
    /// async fn call_back(mut caller: Caller<'_, Meter>) -> wasmtime::Result<()> {
    ///     let _nested = caller.data().nest()?;
    ///     let Some(Extern::Func(run)) = caller.get_export("run") else { wasmtime::bail!("no `run`") };
    ///     run.typed::<(), ()>(&caller)?.call_async(&mut caller, ()).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Exceeded::CallDepth`]: there are as many already as [`Limits::call_depth`] allows.
    pub fn nest(&self) -> Result<Nested, Exceeded> {
        let allowed = self.limits.call_depth;
        if Arc::strong_count(&self.nested) > allowed as usize {
            return Err(Exceeded::CallDepth { allowed });
        }
        Ok(Nested { _counted: Arc::clone(&self.nested) })
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
    /// with the refusal too; choose [`OnRefusal::Trap`](crate::OnRefusal::Trap) where that matters.
    pub fn explain(&self, error: &wasmtime::Error) -> Option<Exceeded> {
        if let Some(exceeded) = Exceeded::find(error) {
            return Some(exceeded.clone());
        }
        let trap = cause::<Trap>(error);
        if trap == Some(&Trap::OutOfFuel) {
            let own = self.limits.fuel.map(|allowed| Exceeded::Fuel { allowed });
            return self.fuel_cut_by().cloned().or(own);
        }
        if let Some(exceeded) = Exceeded::from_wasmtime(error, &self.limits) {
            return Some(self.whose(exceeded));
        }
        let gave_up = match trap {
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

    /// Of the stack: whether it was the store's own limit that ran out, or a smaller one of its engine.
    fn whose(&self, exceeded: Exceeded) -> Exceeded {
        match exceeded {
            Exceeded::Stack { allowed } => {
                let engine = self.armed.as_ref().map_or(allowed, |armed| armed.stack);
                Exceeded::Stack { allowed: allowed.min(engine) }
            }
            other => other,
        }
    }

    /// The budget of the ledger for which the store was given less fuel than its own limit says.
    fn fuel_cut_by(&self) -> Option<&Exceeded> {
        self.account.as_ref()?.fuel_cut_by()
    }

    /// Whether a budget of this meter or its ledger is in fuel.
    pub(crate) fn needs_fuel(&self) -> bool {
        self.limits.fuel.is_some() || self.account.as_ref().is_some_and(Account::counts_fuel)
    }

    /// Begins a call: gives the fuel to allot to the store, `None` for no limit.
    pub(crate) fn begin(&mut self, now: Instant) -> Result<Option<u64>, Exceeded> {
        let Some(account) = &mut self.account else { return Ok(self.limits.fuel) };
        let allotted = account.begin(self.limits.fuel, now)?;
        Ok(allotted.or(self.limits.fuel))
    }

    /// When the deadline of the call that begins has to be counted from, if not from now.
    pub(crate) fn take_since(&mut self) -> Option<Instant> {
        self.queued_since.take()
    }

    pub(crate) fn start(&mut self, armed: Armed) {
        self.refusals = 0;
        self.last_refusal = None;
        self.yields = 0;
        self.memory.peak = self.memory.now;
        self.table_elements.peak = self.table_elements.now;
        self.armed = Some(armed);
    }

    /// Whether a call was dropped half-way, now or earlier.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired || self.armed.as_ref().is_some_and(|armed| armed.deadline.is_retired())
    }

    /// Ends a call of which `unburnt` fuel is left in the store.
    pub(crate) fn end(&mut self, unburnt: u64, now: Instant) {
        self.retired = self.is_retired();
        self.armed = None;
        if let Some(account) = &mut self.account {
            account.end(unburnt, now);
        }
    }

    pub(crate) fn note_yield(&mut self) {
        self.yields = self.yields.saturating_add(1);
    }

    /// What was spent until now, of a store that has `left` of its fuel.
    pub(crate) fn usage(&self, left: Option<u64>) -> Usage {
        self.usage_at(left, Instant::now())
    }

    pub(crate) fn usage_at(&self, left: Option<u64>, now: Instant) -> Usage {
        let armed = self.armed.as_ref();
        let given = armed.and_then(|armed| armed.fuel);
        Usage {
            fuel: given.zip(left).map(|(given, left)| given.saturating_sub(left)),
            elapsed: armed.map_or(Duration::ZERO, |armed| armed.deadline.elapsed_at(now)),
            waited: armed.map_or(Duration::ZERO, |armed| armed.deadline.waited()),
            memory: Bytes::new(self.memory.now),
            peak_memory: Bytes::new(self.memory.peak),
            peak_table_elements: self.table_elements.peak,
            refusals: self.refusals,
            yields: self.yields,
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
    fn set(&mut self, now: u64) {
        self.now = now;
        self.peak = self.peak.max(now);
    }
}
