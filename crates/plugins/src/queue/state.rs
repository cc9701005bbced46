//! What the queue's lock guards: who has a place, who waits, and whose turn it is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Permit, QueueUse};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LaneId(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WaiterId(u64);

/// A place for somebody who waits.
pub(super) struct Granted {
    pub(super) id: LaneId,
    pub(super) grant: oneshot::Sender<Permit>,
}

pub(super) struct State {
    concurrency: u32,
    running: u32,
    waiting: usize,
    closed: bool,
    lanes: BTreeMap<LaneId, LaneState>,
    /// The lanes in which somebody waits.
    busy: BTreeSet<LaneId>,
    /// The virtual time of the last lane that got a place: where one begins in which nothing was going on.
    clock: f64,
    last: u64,
    epoch: Instant,
}

struct LaneState {
    weight: f64,
    most: u32,
    running: u32,
    /// When those began that have a place, in seconds, all added up: it tells how long they have had it together.
    began: f64,
    /// Virtual time, in seconds, of those that have given their place back.
    used: f64,
    waiting: VecDeque<(WaiterId, oneshot::Sender<Permit>)>,
    /// Whether whoever made it is gone.
    removed: bool,
}

impl LaneState {
    fn virtual_time(&self, now: f64) -> f64 {
        self.used + (f64::from(self.running) * now - self.began) / self.weight
    }

    fn is_idle(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }
}

impl State {
    pub(super) fn new(concurrency: u32) -> State {
        State {
            concurrency,
            running: 0,
            waiting: 0,
            closed: false,
            lanes: BTreeMap::new(),
            busy: BTreeSet::new(),
            clock: 0.0,
            last: 0,
            epoch: Instant::now(),
        }
    }

    pub(super) fn add_lane(&mut self, weight: u32, most: u32) -> LaneId {
        self.last += 1;
        let id = LaneId(self.last);
        let lane = LaneState {
            weight: f64::from(weight.max(1)),
            most: most.max(1),
            running: 0,
            began: 0.0,
            used: 0.0,
            waiting: VecDeque::new(),
            removed: false,
        };
        self.lanes.insert(id, lane);
        id
    }

    pub(super) fn remove_lane(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.removed = true;
        }
        self.forget_if_gone(id);
    }

    fn forget_if_gone(&mut self, id: LaneId) {
        if self.lanes.get(&id).is_some_and(|lane| lane.removed && lane.is_idle()) {
            self.lanes.remove(&id);
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Ends all waiting; the waiters are told when what this gives is dropped.
    pub(super) fn close(&mut self) -> Vec<(WaiterId, oneshot::Sender<Permit>)> {
        self.closed = true;
        self.waiting = 0;
        self.busy.clear();
        self.lanes.values_mut().flat_map(|lane| lane.waiting.drain(..)).collect()
    }

    /// Takes a place, if one is free and nobody waits for it.
    pub(super) fn enter(&mut self, id: LaneId, now: Instant) -> bool {
        let now = self.seconds(now);
        let (free, clock) = (self.running < self.concurrency, self.clock);
        let Some(lane) = self.lanes.get_mut(&id) else { return false };
        if lane.waiting.is_empty() {
            lane.used += (clock - lane.virtual_time(now)).max(0.0);
        }
        // Whoever waits in another lane while a place is free waits for the number of calls of that lane, and is not passed over.
        if !free || lane.running >= lane.most || !lane.waiting.is_empty() {
            return false;
        }
        self.start(id, now);
        true
    }

    fn start(&mut self, id: LaneId, now: f64) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        self.clock = self.clock.max(lane.virtual_time(now));
        lane.running += 1;
        lane.began += now;
        self.running += 1;
    }

    pub(super) fn waiting_in(&self, id: LaneId) -> usize {
        self.lanes.get(&id).map_or(0, |lane| lane.waiting.len())
    }

    pub(super) fn wait(&mut self, id: LaneId, grant: oneshot::Sender<Permit>) -> WaiterId {
        self.last += 1;
        let waiter = WaiterId(self.last);
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.waiting.push_back((waiter, grant));
            self.waiting += 1;
            self.busy.insert(id);
        }
        waiter
    }

    /// Somebody stops waiting; nothing happens if it is no longer known.
    pub(super) fn leave(&mut self, id: LaneId, waiter: WaiterId) -> Option<oneshot::Sender<Permit>> {
        let lane = self.lanes.get_mut(&id)?;
        let at = lane.waiting.iter().position(|(one, _)| *one == waiter)?;
        let (_, grant) = lane.waiting.remove(at)?;
        self.waiting -= 1;
        if lane.waiting.is_empty() {
            self.busy.remove(&id);
        }
        self.forget_if_gone(id);
        Some(grant)
    }

    /// Takes a place back, and says who gets one now.
    pub(super) fn release(&mut self, id: LaneId, since: Instant, now: Instant) -> Vec<Granted> {
        let (since, now) = (self.seconds(since), self.seconds(now));
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.running -= 1;
            lane.began -= since;
            lane.used += (now - since) / lane.weight;
            if lane.running == 0 {
                // What adding and subtracting has left of it.
                lane.began = 0.0;
            }
        }
        self.running -= 1;
        let mut granted = Vec::new();
        while self.running < self.concurrency {
            let Some(next) = self.next(now) else { break };
            granted.push(next);
        }
        self.forget_if_gone(id);
        granted
    }

    /// Gives a place to the first who waits in the lane that used least.
    fn next(&mut self, now: f64) -> Option<Granted> {
        let ready = self.busy.iter().filter_map(|id| self.lanes.get(id).map(|lane| (*id, lane)));
        let (id, _) = ready
            .filter(|(_, lane)| lane.running < lane.most)
            .map(|(id, lane)| (id, lane.virtual_time(now)))
            .min_by(|(_, one), (_, other)| one.total_cmp(other))?;
        let lane = self.lanes.get_mut(&id)?;
        let (_, grant) = lane.waiting.pop_front()?;
        self.waiting -= 1;
        if lane.waiting.is_empty() {
            self.busy.remove(&id);
        }
        self.start(id, now);
        Some(Granted { id, grant })
    }

    #[cfg(test)]
    pub(super) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub(super) fn usage(&self) -> QueueUse {
        QueueUse { running: self.running, waiting: self.waiting }
    }

    pub(super) fn usage_of(&self, id: LaneId) -> QueueUse {
        let lane = self.lanes.get(&id);
        lane.map_or(QueueUse::default(), |lane| QueueUse {
            running: lane.running,
            waiting: lane.waiting.len(),
        })
    }

    fn seconds(&self, at: Instant) -> f64 {
        at.saturating_duration_since(self.epoch).as_secs_f64()
    }
}
