//! `Deadline` and `CancelHandle`: when a call must end, and how others end it sooner.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::Exceeded;
use crate::ticker::{Ticker, WakeUp};

/// When the call of one [armed](crate::arm) store must end. Cheap to clone; clones are the same deadline.
#[derive(Clone, Debug)]
pub struct Deadline {
    since: Instant,
    at: Instant,
    allowed: Duration,
    shared: Arc<Shared>,
    ticker: Ticker,
}

/// Ends the call of one store from anywhere, and only that one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CancelHandle {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    cancelled: AtomicBool,
    /// Whom to wake, by the number of their wake-up: one deadline may bound several futures, one in another too.
    waiting: Mutex<BTreeMap<u64, Waker>>,
    /// Whether a bound future measures already how long it waits: those inside of it wait at the same time.
    measured: AtomicBool,
    /// In nanoseconds.
    waited: AtomicU64,
    /// Whether a bound future was dropped half-way.
    retired: AtomicBool,
}

/// While it lives, the deadline and a cancellation wake its waker.
struct Waiting {
    waker: Waker,
    wake_up: WakeUp,
    shared: Arc<Shared>,
}

impl Deadline {
    /// Counted from `since`, which may lie in the past.
    pub(crate) fn start(since: Instant, allowed: Duration, ticker: Ticker) -> Deadline {
        // A time too far to be counted is as good as a century.
        let at = since.checked_add(allowed).unwrap_or_else(|| since + CENTURY);
        Deadline { since, at, allowed, shared: Arc::default(), ticker }
    }

    pub(crate) fn elapsed_at(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// How long its bound calls and its waits have waited.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_nanos(self.shared.waited.load(Ordering::Relaxed))
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.shared.retired.load(Ordering::Acquire)
    }

    /// The instant from which on the guest is stopped.
    pub fn at(&self) -> Instant {
        self.at
    }

    /// A handle to cancel the store's call from another thread or task.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { shared: Arc::clone(&self.shared) }
    }

    /// Whether the call may go on.
    ///
    /// # Errors
    ///
    /// [`Exceeded::Cancelled`] after a cancellation, [`Exceeded::Deadline`] after the deadline.
    pub fn check(&self) -> Result<(), Exceeded> {
        self.check_at(Instant::now())
    }

    pub(crate) fn check_at(&self, now: Instant) -> Result<(), Exceeded> {
        if self.shared.cancelled.load(Ordering::Acquire) {
            return Err(Exceeded::Cancelled);
        }
        if now >= self.at {
            return Err(Exceeded::Deadline { allowed: self.allowed });
        }
        Ok(())
    }

    /// Runs an async call under the deadline, so that it also ends a call that is blocked in a host function: the
    /// future is dropped. Needs no timer of an async runtime. A call whose time is over before does not begin.
    ///
    /// A call that has begun and is dropped before its end, here or by whoever owns what this gives, retires its store:
    /// the guest stopped half-way, and [`arm`](crate::arm) refuses it with [`ArmError::Retired`](crate::ArmError::Retired).
    ///
    /// # Errors
    ///
    /// As [`Deadline::check`].
    pub async fn bound<F: Future>(&self, future: F) -> Result<F::Output, Exceeded> {
        let measure = Measure::begin(&self.shared);
        let mut bounded = pin!(self.end_in_time(async {
            let half_way = HalfWay(&self.shared);
            let output = future.await;
            mem::forget(half_way);
            output
        }));
        let mut paused: Option<Instant> = None;
        poll_fn(|context| {
            if let Some(since) = paused.take() {
                self.shared.add_waited(since.elapsed());
            }
            let poll = bounded.as_mut().poll(context);
            if poll.is_pending() && measure.is_some() {
                paused = Some(Instant::now());
            }
            poll
        })
        .await
    }

    /// Runs a future to its end, or to the end of the deadline, and blocks this thread meanwhile: for host functions of a
    /// *sync* call that wait, say for a channel. What they wait for must be a future; that of an async runtime needs
    /// the runtime to run on other threads.
    ///
    /// # Errors
    ///
    /// As [`Deadline::check`]. Return it from the host function: it ends the call.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Exceeded> {
        let unpark = Arc::new(Unpark { thread: thread::current(), woken: AtomicBool::new(false) });
        let waker = Waker::from(Arc::clone(&unpark));
        let mut context = Context::from_waker(&waker);
        let mut bounded = pin!(self.end_in_time(future));
        loop {
            if let Poll::Ready(result) = bounded.as_mut().poll(&mut context) {
                return result;
            }
            let since = Instant::now();
            while !unpark.woken.swap(false, Ordering::Acquire) {
                thread::park();
            }
            self.shared.add_waited(since.elapsed());
        }
    }

    /// Blocks this thread for `time`, or to the end of the deadline: for host functions of a *sync* call.
    ///
    /// # Errors
    ///
    /// As [`Deadline::check`]. Return it from the host function: it ends the call.
    pub fn sleep(&self, time: Duration) -> Result<(), Exceeded> {
        let now = Instant::now();
        let at = now.checked_add(time).unwrap_or_else(|| now + CENTURY);
        let mut wake_up = None;
        self.block_on(poll_fn(|context| {
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            wake_up = Some(self.ticker.wake_at(at, context.waker().clone()));
            Poll::Pending
        }))
    }

    async fn end_in_time<F: Future>(&self, future: F) -> Result<F::Output, Exceeded> {
        self.check()?;
        let mut future = pin!(future);
        let mut waiting: Option<Waiting> = None;
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            // Registered before the check, so that neither a tick nor a cancellation in between is lost.
            let waker = context.waker();
            if !waiting.as_ref().is_some_and(|waiting| waiting.waker.will_wake(waker)) {
                waiting = Some(self.wait(waker));
            }
            match self.check() {
                Ok(()) => Poll::Pending,
                Err(exceeded) => Poll::Ready(Err(exceeded)),
            }
        })
        .await
    }

    fn wait(&self, waker: &Waker) -> Waiting {
        let wake_up = self.ticker.wake_at(self.at, waker.clone());
        self.shared.waiting().insert(wake_up.id(), waker.clone());
        Waiting { waker: waker.clone(), wake_up, shared: Arc::clone(&self.shared) }
    }
}

/// While it lives, one bound future measures how long it waits.
struct Measure<'a>(&'a Shared);

impl Measure<'_> {
    /// `None` if another one measures already.
    fn begin(shared: &Shared) -> Option<Measure<'_>> {
        (!shared.measured.swap(true, Ordering::Relaxed)).then_some(Measure(shared))
    }
}

impl Drop for Measure<'_> {
    fn drop(&mut self) {
        self.0.measured.store(false, Ordering::Relaxed);
    }
}

/// Between the beginning and the end of a bound future. Dropped only if there is no end.
struct HalfWay<'a>(&'a Shared);

impl Drop for HalfWay<'_> {
    fn drop(&mut self) {
        self.0.retired.store(true, Ordering::Release);
    }
}

/// Wakes a thread that is parked. The token of `park` alone would not do: anything that runs on the thread may take it.
struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl Drop for Waiting {
    fn drop(&mut self) {
        // Dropped only after the lock is free again: a waker may own anything.
        let _waker = self.shared.waiting().remove(&self.wake_up.id());
    }
}

impl CancelHandle {
    /// Cancels the store's call: running guest code is stopped at the next tick, an async call blocked in a host
    /// function at once if it is [bound](Deadline::bound). What comes after in the same store is stopped likewise,
    /// until it is armed again.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Release);
        let waiting = mem::take(&mut *self.shared.waiting());
        for waker in waiting.into_values() {
            // A waker runs foreign code, and may panic: nobody else pays for that.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

impl Shared {
    fn add_waited(&self, time: Duration) {
        self.waited.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, Waker>> {
        // Nothing panics while the map is half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
