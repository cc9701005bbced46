//! `Ticker`: the thread that moves an engine's epoch and wakes calls whose deadline has passed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};
use std::{fmt, io};

use wasmtime::{Engine, EngineWeak};

/// Moves the epoch of one engine, so that its stores look at their own deadline every few milliseconds.
///
/// A moving epoch ends nobody's call: every [armed](crate::arm) store decides for itself. The ticker is a thread of its
/// own, because a task of an async runtime would starve when guests keep all its threads busy. It rests when no store
/// has been armed for a while, and ends when the last clone of the `Ticker` is dropped or the engine is gone: it does not
/// keep the engine alive. Armed stores hold a clone.
#[derive(Clone)]
pub struct Ticker {
    inner: Arc<Inner>,
}

struct Inner {
    engine: EngineWeak,
    shared: Arc<Shared>,
}

/// What the thread and the handles have in common.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    /// Whether there is a thread.
    running: bool,
    /// Whether the thread waits to be told that there is something to do.
    resting: bool,
    armed: usize,
    next_id: u64,
    /// Whom to wake, and when. The number tells apart two wake-ups of the same instant.
    sleepers: BTreeMap<(Instant, u64), Waker>,
}

impl Ticker {
    /// The time between two ticks: how late a deadline may be noticed.
    pub const PERIOD: Duration = Duration::from_millis(5);

    /// How often a ticker at rest looks whether its engine still lives. In tests so seldom that one which is not woken shows.
    const REST: Duration = Duration::from_secs(if cfg!(test) { 3600 } else { 1 });

    /// After how many ticks for nobody it rests. To wake it is a system call, which calls that follow each other shortly
    /// should not pay for.
    const LINGER: u32 = 100;

    /// Starts the thread for `engine`, at [`Ticker::PERIOD`]. One ticker an engine is enough.
    ///
    /// # Errors
    ///
    /// The operating system refuses another thread.
    pub fn start(engine: &Engine) -> Result<Ticker, StartError> {
        let shared = Arc::<Shared>::default();
        spawn(engine.weak(), &shared, &mut shared.lock()).map_err(StartError)?;
        Ok(Ticker { inner: Arc::new(Inner { engine: engine.weak(), shared }) })
    }

    /// Whether this ticker moves the epoch of `engine`.
    pub fn ticks(&self, engine: &Engine) -> bool {
        self.inner.engine.upgrade().is_some_and(|ours| Engine::same(&ours, engine))
    }

    /// Keeps the epoch moving for as long as the guard lives.
    pub(crate) fn hold(&self) -> Hold {
        let mut state = self.inner.shared.lock();
        state.armed += 1;
        self.inner.wake(&mut state);
        drop(state);
        Hold { ticker: self.clone() }
    }

    /// Wakes `waker` once `at` has passed, unless the returned guard is dropped before.
    pub(crate) fn wake_at(&self, at: Instant, waker: Waker) -> WakeUp {
        let mut state = self.inner.shared.lock();
        state.next_id += 1;
        let key = (at, state.next_id);
        state.sleepers.insert(key, waker);
        self.inner.wake(&mut state);
        drop(state);
        WakeUp { ticker: self.clone(), key }
    }
}

impl Inner {
    /// Sees to it that the thread is up and looks at what was added to the state.
    fn wake(&self, state: &mut State) {
        if state.resting {
            state.resting = false;
            self.shared.changed.notify_one();
        }
        if !state.running {
            // A deadline has outlived its engine. Without a thread it is only noticed when its future is polled.
            let _ = spawn(self.engine.clone(), &self.shared, state);
        }
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker").field("period", &Ticker::PERIOD).finish_non_exhaustive()
    }
}

/// The thread for a [`Ticker`] could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the ticker's thread")]
pub struct StartError(#[source] std::io::Error);

/// While it lives, the epoch moves.
#[derive(Debug)]
pub(crate) struct Hold {
    ticker: Ticker,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.ticker.inner.shared.lock().armed -= 1;
    }
}

/// While it lives, somebody waits to be woken.
pub(crate) struct WakeUp {
    ticker: Ticker,
    key: (Instant, u64),
}

impl WakeUp {
    /// No two wake-ups of one ticker have the same.
    pub(crate) fn id(&self) -> u64 {
        self.key.1
    }
}

impl Drop for WakeUp {
    fn drop(&mut self) {
        // Dropped only after the lock is free again: a waker may own anything.
        let _waker = self.ticker.inner.shared.lock().sleepers.remove(&self.key);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The thread is told and not waited for: it may be waking somebody who waits for a lock held here.
        self.shared.lock().stopped = true;
        self.shared.changed.notify_one();
    }
}

impl State {
    /// Whether nobody needs the epoch to move.
    fn idle(&self) -> bool {
        self.armed == 0 && self.sleepers.is_empty()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the state is half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spawn(engine: EngineWeak, shared: &Arc<Shared>, state: &mut State) -> io::Result<()> {
    let theirs = Arc::clone(shared);
    thread::Builder::new().name("wasm-ticker".into()).spawn(move || run(&engine, &theirs))?;
    state.running = true;
    Ok(())
}

fn run(engine: &EngineWeak, shared: &Shared) {
    let mut state = shared.lock();
    let mut for_nobody = 0_u32;
    loop {
        for_nobody = if state.idle() { for_nobody.saturating_add(1) } else { 0 };
        state.resting = for_nobody > Ticker::LINGER;
        let wait = if state.resting { Ticker::REST } else { Ticker::PERIOD };
        let resting = state.resting;
        let (guard, _) = shared
            .changed
            .wait_timeout_while(state, wait, |state| !state.stopped && resting == state.resting)
            .unwrap_or_else(PoisonError::into_inner);
        state = guard;
        if state.stopped {
            return;
        }
        // This may be the last one to hold the engine, whose drop runs foreign code.
        drop(state);
        let lives = tick(engine);
        state = shared.lock();
        if !lives && state.sleepers.is_empty() {
            state.running = false;
            return;
        }
        let now = Instant::now();
        let late = state.sleepers.split_off(&(now, 0));
        let due = std::mem::replace(&mut state.sleepers, late);
        if !due.is_empty() {
            // A waker runs foreign code, which may come back to this ticker, or panic: nobody else pays for that.
            drop(state);
            for waker in due.into_values() {
                let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
            }
            state = shared.lock();
        }
    }
}

/// Moves the epoch. Gives whether there still is an engine.
fn tick(engine: &EngineWeak) -> bool {
    engine.upgrade().is_some_and(|engine| {
        engine.increment_epoch();
        true
    })
}

#[cfg(test)]
mod tests;
