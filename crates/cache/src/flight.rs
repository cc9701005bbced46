//! `Flights`: one compile for all calls of this process that ask for the same thing at one time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Key;

/// What is being made now, by key.
pub(crate) struct Flights<T>(Mutex<HashMap<Key, Arc<Flight<T>>>>);

struct Flight<T> {
    state: Mutex<State<T>>,
    landed: Condvar,
}

enum State<T> {
    Flying,
    Landed(T),
    /// Whoever led it panicked.
    Lost,
}

/// What a call is to do.
pub(crate) enum Turn<'a, T> {
    /// Make it, and give it to the others.
    Lead(Leader<'a, T>),
    /// Another call has made it.
    Joined(T),
    /// Another call makes it, and takes too long.
    Alone,
}

/// Leads a flight. Dropped before it lands, for instance by a panic, it makes way for another.
pub(crate) struct Leader<'a, T> {
    flights: &'a Flights<T>,
    key: Key,
    flight: Arc<Flight<T>>,
}

impl<T: Clone> Flights<T> {
    /// Leads the flight of `key` if there is none, else waits for the one that there is, but no longer than `most`.
    pub(crate) fn join(&self, key: Key, most: Duration) -> Turn<'_, T> {
        let started = Instant::now();
        loop {
            let flight = {
                let mut flights = lock(&self.0);
                let Some(flight) = flights.get(&key) else {
                    let flight =
                        Arc::new(Flight { state: Mutex::new(State::Flying), landed: Condvar::new() });
                    flights.insert(key, Arc::clone(&flight));
                    return Turn::Lead(Leader { flights: self, key, flight });
                };
                Arc::clone(flight)
            };
            let left = most.saturating_sub(started.elapsed());
            let state = lock(&flight.state);
            let (state, _) = flight
                .landed
                .wait_timeout_while(state, left, |state| matches!(state, State::Flying))
                .unwrap_or_else(PoisonError::into_inner);
            match &*state {
                State::Landed(made) => return Turn::Joined(made.clone()),
                State::Lost => {}
                State::Flying => return Turn::Alone,
            }
        }
    }
}

impl<T> Leader<'_, T> {
    /// Gives what was made to all who wait for it.
    pub(crate) fn land(self, made: T) {
        self.end(State::Landed(made));
    }

    fn end(&self, state: State<T>) {
        // First out of the list, so that who comes from now on begins anew.
        lock(&self.flights.0).remove(&self.key);
        let mut now = lock(&self.flight.state);
        if matches!(*now, State::Flying) {
            *now = state;
        }
        drop(now);
        self.flight.landed.notify_all();
    }
}

impl<T> Drop for Leader<'_, T> {
    fn drop(&mut self) {
        if matches!(*lock(&self.flight.state), State::Flying) {
            self.end(State::Lost);
        }
    }
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> fmt::Debug for Flights<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("flying", &lock(&self.0).len()).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while what is locked is half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    fn key(name: &str) -> Key {
        Key::builder("test").field("name", name).finish()
    }

    #[test]
    fn one_makes_it_for_all() {
        let (flights, made) = (Flights::default(), AtomicUsize::new(0));
        let barrier = std::sync::Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let got = match flights.join(key("a"), LONG) {
                        Turn::Lead(leader) => {
                            // Long enough for the others to come.
                            thread::sleep(Duration::from_millis(200));
                            made.fetch_add(1, Ordering::Relaxed);
                            leader.land(7);
                            7
                        }
                        Turn::Joined(got) => got,
                        Turn::Alone => unreachable!("nobody waits that long"),
                    };
                    assert_eq!(got, 7);
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
        assert!(matches!(flights.join(key("a"), LONG), Turn::Lead(_)), "the next begins anew");
    }

    #[test]
    fn keys_do_not_wait_for_each_other_and_waits_end() {
        let flights = Flights::<u8>::default();
        let Turn::Lead(_leader) = flights.join(key("a"), LONG) else { panic!("nobody leads") };
        assert!(matches!(flights.join(key("b"), LONG), Turn::Lead(_)));
        assert!(matches!(flights.join(key("a"), Duration::from_millis(10)), Turn::Alone));
    }

    #[test]
    fn who_waits_for_a_leader_that_panics_leads_next() {
        let flights = Flights::<u8>::default();
        thread::scope(|scope| {
            let Turn::Lead(leader) = flights.join(key("a"), LONG) else { panic!("nobody leads") };
            let next = scope.spawn(|| matches!(flights.join(key("a"), LONG), Turn::Lead(_)));
            let panics = scope.spawn(move || {
                let _leader = leader;
                thread::sleep(Duration::from_millis(50));
                panic!("in the middle of it");
            });
            assert!(panics.join().is_err());
            assert!(next.join().unwrap());
        });
    }
}
