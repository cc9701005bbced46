//! `Breakers`: those of one version of a plugin, by tenant where each has its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::machine::{Admission, Breaker, BreakerState, Open};
use super::{BreakerScope, BreakerSettings};

/// The breakers that there is something to remember of; all others are closed.
pub(crate) struct Breakers {
    settings: BreakerSettings,
    /// How many are in the map, so that a plugin without faults takes no lock.
    known: AtomicUsize,
    breakers: Mutex<HashMap<Option<Arc<str>>, Breaker>>,
}

impl Breakers {
    pub(crate) fn new(settings: BreakerSettings) -> Breakers {
        Breakers { settings, known: AtomicUsize::new(0), breakers: Mutex::default() }
    }

    /// Lets a call for `tenant` in, or not.
    pub(crate) fn admit(&self, tenant: Option<&Arc<str>>, now: Instant) -> Result<Admission, Open> {
        if self.known.load(Ordering::Acquire) == 0 {
            return Ok(Admission::FIRST);
        }
        match self.lock().get_mut(&self.key(tenant)) {
            Some(breaker) => breaker.admit(&self.settings, now),
            None => Ok(Admission::FIRST),
        }
    }

    /// Learns how a call went; gives the new state of its breaker, if that is another.
    pub(crate) fn record(
        &self,
        tenant: Option<&Arc<str>>,
        admission: Admission,
        now: Instant,
        bad: bool,
    ) -> Option<BreakerState> {
        if !bad && self.known.load(Ordering::Acquire) == 0 {
            return None;
        }
        let key = self.key(tenant);
        let mut breakers = self.lock();
        let breaker = match breakers.get_mut(&key) {
            Some(breaker) => breaker,
            None if bad => breakers.entry(key.clone()).or_insert_with(Breaker::new),
            None => return None,
        };
        let state = breaker.record(&self.settings, admission, now, bad);
        if !bad && state.is_none() && breaker.is_quiet(&self.settings, now) {
            breakers.remove(&key);
        }
        self.known.store(breakers.len(), Ordering::Release);
        state
    }

    /// Those that are not closed, by tenant, and after how long calls are let in again if they are not.
    pub(crate) fn not_closed(&self, now: Instant) -> Vec<(Option<Arc<str>>, BreakerState, Option<Duration>)> {
        let breakers = self.lock();
        let states = breakers.iter().map(|(tenant, breaker)| (tenant.clone(), breaker.state(now)));
        let mut not_closed: Vec<_> = states
            .filter(|(_, (state, _))| *state != BreakerState::Closed)
            .map(|(tenant, (state, retry_after))| (tenant, state, retry_after))
            .collect();
        not_closed.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        not_closed
    }

    /// Whose breaker counts for a call: that of its tenant, or the one of all.
    pub(crate) fn key(&self, tenant: Option<&Arc<str>>) -> Option<Arc<str>> {
        match self.settings.scope {
            BreakerScope::Tenant => tenant.cloned(),
            BreakerScope::Plugin => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Option<Arc<str>>, Breaker>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breakers(scope: BreakerScope) -> Breakers {
        Breakers::new(BreakerSettings { faults: 2, scope, ..BreakerSettings::default() })
    }

    fn fault(breakers: &Breakers, tenant: &Arc<str>, now: Instant) -> Option<BreakerState> {
        let admission = breakers.admit(Some(tenant), now).expect("it is let in");
        breakers.record(Some(tenant), admission, now, true)
    }

    #[test]
    fn what_one_tenant_does_opens_the_breaker_of_nobody_else() {
        let (breakers, now) = (breakers(BreakerScope::Tenant), Instant::now());
        let (acme, other): (Arc<str>, Arc<str>) = ("acme".into(), "other".into());
        assert_eq!(
            (fault(&breakers, &acme, now), fault(&breakers, &acme, now)),
            (None, Some(BreakerState::Open))
        );
        assert!(breakers.admit(Some(&acme), now).is_err());
        assert!(breakers.admit(Some(&other), now).is_ok() && breakers.admit(None, now).is_ok());
        let open = breakers.not_closed(now);
        assert_eq!(open, [(Some(acme), BreakerState::Open, Some(Duration::from_secs(1)))]);
    }

    #[test]
    fn a_plugin_may_have_one_for_all() {
        let (breakers, now) = (breakers(BreakerScope::Plugin), Instant::now());
        fault(&breakers, &"acme".into(), now);
        fault(&breakers, &"other".into(), now);
        assert!(breakers.admit(None, now).is_err());
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let (breakers, now) = (breakers(BreakerScope::Tenant), Instant::now());
        let acme = "acme".into();
        fault(&breakers, &acme, now);
        assert_eq!(breakers.known.load(Ordering::Acquire), 1);
        let later = now + Duration::from_secs(3600);
        let admission = breakers.admit(Some(&acme), later).unwrap();
        breakers.record(Some(&acme), admission, later, false);
        assert_eq!(breakers.known.load(Ordering::Acquire), 0);
    }
}
