//! Who is next? Calls wait for a place, tenant by tenant, and the tenant that used least goes first.
//!
//! Each tenant has a [`Lane`]. Its virtual time is the time for which its calls had a place, divided by its weight; those that have
//! one now count with what they had so far, so that long calls count while they last. Of the lanes in which somebody waits the one
//! with the smallest virtual time is next. A call of a lane in which nobody waited comes no earlier than where the others are: a
//! lane can not save up time that it did not ask for.

mod busy;
mod settings;
mod state;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

pub use self::busy::{Busy, BusyReason};
pub use self::settings::QueueSettings;

use self::state::{Granted, LaneId, State, WaiterId};

/// The places for calls, and the lanes in which calls wait for one. Cheap to clone.
#[derive(Clone)]
pub(crate) struct FairQueue {
    shared: Arc<Shared>,
}

struct Shared {
    waiting: usize,
    wait: Duration,
    state: Mutex<State>,
}

/// Where the calls of one tenant wait. Gone with this, and with the places that they have.
pub(crate) struct Lane {
    shared: Arc<Shared>,
    id: LaneId,
}

/// A place for one call; given back when it is dropped.
pub(crate) struct Permit {
    /// `None` once it is given back.
    shared: Option<Arc<Shared>>,
    id: LaneId,
    since: Instant,
}

impl Permit {
    /// Since when it has its place.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }
}

/// Why a call has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    QueueFull,
    Waited(Duration),
    Closed,
}

/// How busy the queue is, or one lane of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct QueueUse {
    /// Calls that have a place.
    pub running: u32,
    /// Calls that wait for one.
    pub waiting: usize,
}

impl FairQueue {
    pub(crate) fn new(settings: &QueueSettings) -> FairQueue {
        let state = Mutex::new(State::new(settings.concurrency.get()));
        let shared = Shared { waiting: settings.waiting as usize, wait: settings.wait, state };
        FairQueue { shared: Arc::new(shared) }
    }

    /// A lane whose calls get `weight` times the time of one with weight 1, and no more than `most` places at one time.
    pub(crate) fn lane(&self, weight: u32, most: u32) -> Lane {
        let id = self.shared.lock().add_lane(weight, most);
        Lane { shared: Arc::clone(&self.shared), id }
    }

    /// Lets nobody in any more; those who wait are told so.
    pub(crate) fn close(&self) {
        let waiters = self.shared.lock().close();
        // Outside of the lock: it wakes them.
        drop(waiters);
    }

    /// How busy it is.
    pub(crate) fn usage(&self) -> QueueUse {
        self.shared.lock().usage()
    }
}

impl Lane {
    /// Waits for a place. Dropping the future loses nobody's place.
    #[cfg(test)]
    pub(crate) async fn admit(&self) -> Result<Permit, Refusal> {
        self.admit_since(Instant::now()).await
    }

    /// As [`admit`](Lane::admit), for a call that was made at that moment, which is now: asking for the time costs.
    pub(crate) async fn admit_since(&self, since: Instant) -> Result<Permit, Refusal> {
        // A task that calls in a loop may never have to wait, and would keep its thread from all others.
        tokio::task::coop::consume_budget().await;
        let (waiter, granted) = {
            let mut state = self.shared.lock();
            if state.is_closed() {
                return Err(Refusal::Closed);
            }
            if state.enter(self.id, since) {
                return Ok(self.permit(since));
            }
            if state.waiting_in(self.id) >= self.shared.waiting {
                return Err(Refusal::QueueFull);
            }
            let (grant, granted) = oneshot::channel();
            (state.wait(self.id, grant), granted)
        };
        let _leaving = Waiting { lane: self, waiter };
        match timeout(self.shared.wait, granted).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(Refusal::Closed),
            Err(_) => Err(Refusal::Waited(since.elapsed())),
        }
    }

    /// How busy it is.
    pub(crate) fn usage(&self) -> QueueUse {
        self.shared.lock().usage_of(self.id)
    }

    fn permit(&self, since: Instant) -> Permit {
        Permit { shared: Some(Arc::clone(&self.shared)), id: self.id, since }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.shared.lock().remove_lane(self.id);
    }
}

/// Somebody who waits, until it is dropped.
struct Waiting<'a> {
    lane: &'a Lane,
    waiter: WaiterId,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let left = self.lane.shared.lock().leave(self.lane.id, self.waiter);
        drop(left);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        let now = Instant::now();
        let granted = shared.lock().release(self.id, self.since, now);
        hand_out(&shared, granted, now);
    }
}

/// Gives places to those whose turn it is, outside of the lock. A place of somebody who has just left goes to the next.
fn hand_out(shared: &Arc<Shared>, mut granted: Vec<Granted>, now: Instant) {
    while let Some(Granted { id, grant }) = granted.pop() {
        let permit = Permit { shared: Some(Arc::clone(shared)), id, since: now };
        if let Err(mut permit) = grant.send(permit) {
            // Not by its drop: that would come back here, deeper for each who has left.
            permit.shared = None;
            granted.extend(shared.lock().release(id, now, now));
        }
    }
}

impl Shared {
    /// No code of others runs under the lock, so the state is whole at every moment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
