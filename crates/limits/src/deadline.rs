//! `Deadline` and `CancelHandle`: when a call must end, and how others end it sooner.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::Exceeded;
use crate::ticker::{Ticker, WakeUp};

/// When the call of one [armed](crate::arm) store must end. Cheap to clone; clones are the same deadline.
#[derive(Clone, Debug)]
pub struct Deadline {
    at: Instant,
    allowed: Duration,
    shared: Arc<Cancel>,
    ticker: Ticker,
}

/// Ends the call of one store from anywhere, and only that one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CancelHandle {
    shared: Arc<Cancel>,
}

#[derive(Debug, Default)]
struct Cancel {
    cancelled: AtomicBool,
    /// Whom to wake, by the number of their wake-up: one deadline may bound several futures, one in another too.
    waiting: Mutex<BTreeMap<u64, Waker>>,
}

/// While it lives, the deadline and a cancellation wake its waker.
struct Waiting {
    waker: Waker,
    wake_up: WakeUp,
    shared: Arc<Cancel>,
}

impl Deadline {
    pub(crate) fn start(allowed: Duration, ticker: Ticker) -> Deadline {
        let now = Instant::now();
        // A time too far to be counted is as good as a century.
        let at = now.checked_add(allowed).unwrap_or_else(|| now + Duration::from_secs(100 * 365 * 24 * 3600));
        Deadline { at, allowed, shared: Arc::default(), ticker }
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
        if self.shared.cancelled.load(Ordering::Acquire) {
            return Err(Exceeded::Cancelled);
        }
        if Instant::now() >= self.at {
            return Err(Exceeded::Deadline { allowed: self.allowed });
        }
        Ok(())
    }

    /// Runs an async call under the deadline, so that it also ends a call that is blocked in a host function: the
    /// future is dropped. Needs no timer of an async runtime. A call whose time is over before does not begin.
    ///
    /// # Errors
    ///
    /// As [`Deadline::check`]. The store the future worked on must not be called again: its guest stopped half-way.
    pub async fn bound<F: Future>(&self, future: F) -> Result<F::Output, Exceeded> {
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
        waiting.into_values().for_each(Waker::wake);
    }
}

impl Cancel {
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, Waker>> {
        // Nothing panics while the map is half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
