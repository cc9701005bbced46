//! `Idle`: the warm instances of one version that wait for their next call, each with its tenant.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{InstancePolicy, Live};
use crate::number_hash::NumberMap;
use crate::tenants::TenantId;

/// Instances that wait. One is only ever given to the tenant that it served before.
pub(crate) struct Idle {
    policy: InstancePolicy,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: NumberMap<TenantId, Vec<Live>>,
    /// Whether none may wait any more, because the version is no longer in use.
    closed: bool,
}

impl Idle {
    pub(crate) fn new(policy: InstancePolicy) -> Idle {
        Idle { policy, state: Mutex::default() }
    }

    /// The instance of `tenant` that has waited for the shortest time; none that is too old.
    pub(crate) fn take(&self, tenant: TenantId, now: Instant) -> Option<Live> {
        let InstancePolicy::Warm { max_age, .. } = self.policy else { return None };
        let mut too_old = Vec::new();
        let mut state = self.lock();
        let mine = state.waiting.get_mut(&tenant)?;
        let found = loop {
            match mine.pop() {
                Some(live) if age(&live, now) < max_age => break Some(live),
                Some(live) => too_old.push(live),
                None => break None,
            }
        };
        drop(state);
        // Outside of the lock: a store takes its time to go.
        drop(too_old);
        found
    }

    /// Lets an instance wait that has done a call well, if it may.
    pub(crate) fn put(&self, tenant: TenantId, mut live: Live, now: Instant) {
        let InstancePolicy::Warm { max_idle, max_calls, max_age } = self.policy else { return };
        if live.calls >= max_calls.into() || age(&live, now) >= max_age {
            return;
        }
        live.idle_since = now;
        let mut state = self.lock();
        if state.closed {
            return;
        }
        let mine = state.waiting.entry(tenant).or_default();
        let too_many = if mine.len() < max_idle as usize {
            mine.push(live);
            None
        } else {
            Some(live)
        };
        drop(state);
        drop(too_many);
    }

    /// Since when the one has waited that has waited longest; of `tenant` only, if one is named.
    pub(crate) fn oldest(&self, tenant: Option<TenantId>) -> Option<Instant> {
        let state = self.lock();
        let of = state.waiting.iter().filter(|(key, _)| tenant.is_none_or(|tenant| tenant == **key));
        of.filter_map(|(_, lives)| lives.first()).map(|live| live.idle_since).min()
    }

    /// Gives up the one that has waited longest; whether there was one.
    pub(crate) fn give_up_oldest(&self, tenant: Option<TenantId>) -> bool {
        let mut state = self.lock();
        let of = state.waiting.iter_mut().filter(|(key, _)| tenant.is_none_or(|tenant| tenant == **key));
        let longest = of
            .filter_map(|(_, lives)| lives.first().map(|live| live.idle_since).map(|since| (since, lives)))
            .min_by_key(|(since, _)| *since);
        let given_up = longest.map(|(_, lives)| lives.remove(0));
        state.waiting.retain(|_, lives| !lives.is_empty());
        drop(state);
        given_up.is_some()
    }

    /// Gives up all of one tenant.
    pub(crate) fn give_up_of(&self, tenant: TenantId) {
        let given_up = self.lock().waiting.remove(&tenant);
        drop(given_up);
    }

    /// Gives up all, but takes others.
    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut self.lock().waiting);
        drop(all);
    }

    /// Gives up those that are too old.
    pub(crate) fn trim(&self, now: Instant) {
        let InstancePolicy::Warm { max_age, .. } = self.policy else { return };
        let mut too_old = Vec::new();
        let mut state = self.lock();
        for lives in state.waiting.values_mut() {
            too_old.extend(lives.extract_if(.., |live| age(live, now) >= max_age));
        }
        state.waiting.retain(|_, lives| !lives.is_empty());
        drop(state);
        drop(too_old);
    }

    /// Gives up all, and takes no more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let all = std::mem::take(&mut state.waiting);
        drop(state);
        drop(all);
    }

    /// Takes instances again after [`close`](Idle::close).
    pub(crate) fn open(&self) {
        self.lock().closed = false;
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().waiting.values().map(Vec::len).sum()
    }

    /// The map is whole at every moment, so a panic elsewhere is no reason to distrust it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn age(live: &Live, now: Instant) -> Duration {
    now.saturating_duration_since(live.born)
}
