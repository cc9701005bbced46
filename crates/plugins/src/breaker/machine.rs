//! `Breaker`: the states of one breaker, told the time by whoever asks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::BreakerSettings;

/// The state of a breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BreakerState {
    /// Calls are let in.
    #[default]
    Closed,
    /// A few calls are let in, to see how they go.
    HalfOpen,
    /// Calls are refused.
    Open,
}

/// A call that was let in. One that never says how it went is not waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    /// How often the breaker had changed its state by then: a call does not count in a state in which it was not let in.
    changes: u64,
    /// Whether the breaker was open until now, and is tried by this call.
    pub(crate) is_first_probe: bool,
}

/// A call that was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    /// After how long it may be worth to ask again.
    pub(crate) retry_after: Duration,
}

#[derive(Debug)]
pub(super) struct Breaker {
    changes: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// When calls went wrong lately, oldest first.
    Closed {
        faults: VecDeque<Instant>,
    },
    Open {
        until: Instant,
        length: Duration,
    },
    /// `length` is how long it was open.
    HalfOpen {
        since: Instant,
        length: Duration,
        let_in: u32,
        good: u32,
    },
}

impl Admission {
    /// Let in by a breaker of which nobody has heard.
    pub(super) const FIRST: Admission = Admission { changes: 0, is_first_probe: false };
}

impl Breaker {
    pub(super) fn new() -> Breaker {
        Breaker { changes: 0, kind: Kind::Closed { faults: VecDeque::new() } }
    }

    /// Lets a call in, or not.
    pub(super) fn admit(&mut self, settings: &BreakerSettings, now: Instant) -> Result<Admission, Open> {
        let mut is_first_probe = false;
        match &mut self.kind {
            Kind::Closed { .. } => {}
            Kind::Open { until, length } => {
                let left = until.saturating_duration_since(now);
                if !left.is_zero() {
                    return Err(Open { retry_after: left });
                }
                let half_open = Kind::HalfOpen { since: now, length: *length, let_in: 1, good: 0 };
                self.turn(half_open);
                is_first_probe = true;
            }
            Kind::HalfOpen { since, length, let_in, good } => {
                if *let_in >= settings.probes {
                    let left = (*since + *length).saturating_duration_since(now);
                    if !left.is_zero() {
                        return Err(Open { retry_after: left });
                    }
                    // Those that were let in never said how they went.
                    (*since, *let_in) = (now, *good);
                }
                *let_in += 1;
            }
        }
        Ok(Admission { changes: self.changes, is_first_probe })
    }

    /// Learns how a call went that it let in; gives the new state, if that is another.
    pub(super) fn record(
        &mut self,
        settings: &BreakerSettings,
        admission: Admission,
        now: Instant,
        bad: bool,
    ) -> Option<BreakerState> {
        if admission.changes != self.changes {
            return None;
        }
        match &mut self.kind {
            Kind::Closed { faults } if bad => {
                forget(faults, settings, now);
                faults.push_back(now);
                if faults.len() < settings.faults as usize {
                    return None;
                }
                self.open(settings.open, now)
            }
            Kind::HalfOpen { length, .. } if bad => {
                let length = length.saturating_mul(2).min(settings.longest_open);
                self.open(length.max(settings.open), now)
            }
            Kind::HalfOpen { good, .. } => {
                *good += 1;
                if *good < settings.probes {
                    return None;
                }
                self.turn(Kind::Closed { faults: VecDeque::new() });
                Some(BreakerState::Closed)
            }
            Kind::Closed { .. } | Kind::Open { .. } => None,
        }
    }

    /// The state, and after how long calls are let in again if they are not.
    pub(super) fn state(&self, now: Instant) -> (BreakerState, Option<Duration>) {
        match &self.kind {
            Kind::Closed { .. } => (BreakerState::Closed, None),
            Kind::HalfOpen { .. } => (BreakerState::HalfOpen, None),
            Kind::Open { until, .. } => (BreakerState::Open, Some(until.saturating_duration_since(now))),
        }
    }

    /// Whether it has nothing to remember.
    pub(super) fn is_quiet(&mut self, settings: &BreakerSettings, now: Instant) -> bool {
        match &mut self.kind {
            Kind::Closed { faults } => {
                forget(faults, settings, now);
                faults.is_empty()
            }
            _ => false,
        }
    }

    fn open(&mut self, length: Duration, now: Instant) -> Option<BreakerState> {
        self.turn(Kind::Open { until: now + length, length });
        Some(BreakerState::Open)
    }

    fn turn(&mut self, kind: Kind) {
        self.kind = kind;
        self.changes += 1;
    }
}

fn forget(faults: &mut VecDeque<Instant>, settings: &BreakerSettings, now: Instant) {
    while faults.front().is_some_and(|at| now.saturating_duration_since(*at) > settings.within) {
        faults.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> BreakerSettings {
        BreakerSettings {
            faults: 3,
            within: Duration::from_secs(10),
            open: Duration::from_secs(1),
            longest_open: Duration::from_secs(5),
            probes: 2,
            ..BreakerSettings::default()
        }
    }

    struct Clock {
        breaker: Breaker,
        now: Instant,
    }

    impl Clock {
        fn new() -> Clock {
            Clock { breaker: Breaker::new(), now: Instant::now() }
        }

        fn after(&mut self, seconds: f64) -> &mut Clock {
            self.now += Duration::from_secs_f64(seconds);
            self
        }

        fn admit(&mut self) -> Result<Admission, Open> {
            self.breaker.admit(&settings(), self.now)
        }

        fn record(&mut self, admission: Admission, bad: bool) -> Option<BreakerState> {
            self.breaker.record(&settings(), admission, self.now, bad)
        }

        fn call(&mut self, bad: bool) -> Option<BreakerState> {
            let admission = self.admit().expect("it is let in");
            self.record(admission, bad)
        }

        /// Opens it from closed.
        fn opened() -> Clock {
            let mut clock = Clock::new();
            assert_eq!((clock.call(true), clock.call(true)), (None, None));
            assert_eq!(clock.call(true), Some(BreakerState::Open));
            clock
        }
    }

    #[test]
    fn faults_within_the_time_open_it_and_older_ones_do_not() {
        let mut clock = Clock::new();
        clock.call(true);
        clock.after(6.0).call(true);
        // The first is forgotten by now.
        assert_eq!(clock.after(6.0).call(true), None);
        assert_eq!(clock.after(1.0).call(true), Some(BreakerState::Open));
        let open = clock.after(0.25).admit().unwrap_err();
        assert_eq!(open.retry_after, Duration::from_millis(750));
    }

    #[test]
    fn good_calls_do_not_hide_bad_ones() {
        let mut clock = Clock::new();
        for _ in 0..2 {
            clock.call(true);
            clock.call(false);
        }
        assert_eq!(clock.call(true), Some(BreakerState::Open));
    }

    #[test]
    fn as_many_good_probes_as_needed_close_it() {
        let mut clock = Clock::opened();
        clock.after(1.0);
        let (one, two) = (clock.admit().unwrap(), clock.admit().unwrap());
        assert!(clock.admit().is_err(), "a third is one too many");
        assert_eq!(clock.record(one, false), None);
        assert_eq!(clock.record(two, false), Some(BreakerState::Closed));
        assert_eq!(clock.call(true), None, "it counts from nothing again");
    }

    #[test]
    fn each_bad_probe_doubles_the_time_up_to_the_longest() {
        let mut clock = Clock::opened();
        for open in [1.0, 2.0, 4.0, 5.0, 5.0] {
            assert!(clock.after(open - 0.1).admit().is_err(), "{open}");
            assert_eq!(clock.after(0.2).call(true), Some(BreakerState::Open), "{open}");
        }
    }

    #[test]
    fn probes_that_never_end_are_not_waited_for() {
        let mut clock = Clock::opened();
        clock.after(1.0);
        let (_lost, late) = (clock.admit().unwrap(), clock.admit().unwrap());
        assert_eq!(clock.admit(), Err(Open { retry_after: Duration::from_secs(1) }));
        clock.after(1.0);
        assert_eq!(clock.call(false), None);
        assert_eq!(clock.record(late, false), Some(BreakerState::Closed));
    }

    #[test]
    fn a_call_counts_only_in_the_state_that_let_it_in() {
        let mut clock = Clock::new();
        let early = clock.admit().unwrap();
        for _ in 0..3 {
            clock.call(true);
        }
        assert_eq!(clock.record(early, true), None);
        clock.after(1.0);
        let probe = clock.admit().unwrap();
        assert_eq!(clock.record(early, true), None, "not as a probe either");
        assert_eq!(clock.record(probe, true), Some(BreakerState::Open));
    }
}
