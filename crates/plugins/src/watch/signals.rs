//! What the thread that watches waits for: that it became quiet again, that it is time to look, or that it is to end.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many times the quiet period a steady stream of events may put off a look.
const PATIENCE: u32 = 10;

/// Why the thread goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// Nothing has happened for a while. It is time to look all the same.
    Poll,
    /// Something happened.
    Happened {
        /// When the first of it happened.
        first: Instant,
        /// Whether it is not quiet yet, and looking cannot be put off any more.
        is_late: bool,
    },
    Stop,
}

/// Shared by the thread that watches, those that tell it something, and the one that stops it. Of many events it keeps no
/// more than of one.
#[derive(Debug, Default)]
pub(super) struct Signals {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stop: bool,
    ended: bool,
    /// The first and the last event since it was looked.
    events: Option<(Instant, Instant)>,
    /// The operating system watches another directory, or nothing any more.
    lost: bool,
    error: Option<notify::Error>,
}

impl Signals {
    /// Something happened in the directory.
    pub(super) fn event(&self) {
        let now = Instant::now();
        self.events(now, now);
    }

    /// As if something had happened first and last at these times.
    pub(super) fn events(&self, first: Instant, last: Instant) {
        let mut state = self.lock();
        // Who waits looks again at the time of the last event by itself.
        if state.events.is_none() {
            self.changed.notify_all();
        }
        let earliest = state.events.map_or(first, |(known, _)| known.min(first));
        state.events = Some((earliest, last));
    }

    /// What is watched is not what is to be watched any more.
    pub(super) fn lose(&self) {
        self.lock().lost = true;
        self.event();
    }

    pub(super) fn fail(&self, error: notify::Error) {
        self.lock().error = Some(error);
        self.event();
    }

    /// What [`lose`](Signals::lose) and [`fail`](Signals::fail) told since it was asked last.
    pub(super) fn take_losses(&self) -> (bool, Option<notify::Error>) {
        let mut state = self.lock();
        (std::mem::take(&mut state.lost), state.error.take())
    }

    /// Whether something happened that was not waited for yet.
    pub(super) fn has_events(&self) -> bool {
        self.lock().events.is_some()
    }

    pub(super) fn stop(&self) {
        self.lock().stop = true;
        self.changed.notify_all();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stop
    }

    /// The thread does nothing any more.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Waits for the thread to end. `false` if it has not by then.
    pub(super) fn wait_for_end(&self, longest: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), longest, |state| !state.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    /// Waits until events have been absent for `quiet` after one, or came for ten times as long; until `poll` if none
    /// come; or until it is to stop.
    pub(super) fn wait(&self, poll: Instant, quiet: Duration) -> Wake {
        let mut state = self.lock();
        loop {
            if state.stop {
                return Wake::Stop;
            }
            let now = Instant::now();
            let due = match state.events {
                Some((first, last)) => (last + quiet).min(first + PATIENCE * quiet),
                None => poll,
            };
            if now >= due {
                return match state.events.take() {
                    Some((first, last)) => Wake::Happened { first, is_late: now < last + quiet },
                    None => Wake::Poll,
                };
            }
            let waited = self.changed.wait_timeout(state, due - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The state is whole at every moment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_millis(20);

    fn never() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    #[test]
    fn events_are_waited_out() {
        let signals = Signals::default();
        let first = Instant::now();
        signals.events(first, first);
        signals.events(first + QUIET, first + QUIET);
        assert!(signals.has_events());
        assert_eq!(signals.wait(never(), QUIET), Wake::Happened { first, is_late: false });
        assert!(Instant::now() >= first + 2 * QUIET);
        assert!(!signals.has_events());
    }

    #[test]
    fn events_that_never_end_are_not() {
        let signals = Signals::default();
        let first = Instant::now();
        signals.events(first, never());
        assert_eq!(signals.wait(never(), QUIET), Wake::Happened { first, is_late: true });
    }

    #[test]
    fn it_is_time_to_look_without_events_and_to_stop_at_once() {
        let signals = Signals::default();
        assert_eq!(signals.wait(Instant::now(), QUIET), Wake::Poll);
        signals.event();
        signals.stop();
        assert_eq!(signals.wait(never(), QUIET), Wake::Stop);
        assert!(!signals.wait_for_end(Duration::ZERO));
        signals.end();
        assert!(signals.wait_for_end(Duration::ZERO));
    }

    #[test]
    fn losses_are_told_once() {
        let signals = Signals::default();
        signals.lose();
        signals.fail(notify::Error::generic("broken"));
        assert!(signals.has_events());
        let (lost, error) = signals.take_losses();
        assert!(lost && error.is_some());
        let (lost, error) = signals.take_losses();
        assert!(!lost && error.is_none());
    }
}
