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

    /// How often a ticker at rest looks whether its engine still lives.
    const REST: Duration = Duration::from_secs(1);

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
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None if state.sleepers.is_empty() => {
                state.running = false;
                return;
            }
            None => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_engine() {
        let (one, another) = (Engine::default(), Engine::default());
        let ticker = Ticker::start(&one).unwrap();
        assert!(ticker.ticks(&one) && ticker.ticks(&one.clone()));
        assert!(!ticker.ticks(&another));
    }

    #[test]
    fn does_not_keep_the_engine_alive_and_ends_with_it() {
        let engine = Engine::default();
        let weak = engine.weak();
        let ticker = Ticker::start(&engine).unwrap();
        let hold = ticker.hold();
        drop(engine);
        assert!(weak.upgrade().is_none());
        assert!(ends(&ticker.inner.shared, 1), "the thread outlives its engine");
        drop(hold);
    }

    #[test]
    fn ends_with_its_last_clone() {
        let engine = Engine::default();
        let ticker = Ticker::start(&engine).unwrap();
        let shared = Arc::clone(&ticker.inner.shared);
        drop(ticker.clone());
        assert!(!shared.lock().stopped);
        drop(ticker);
        assert!(ends(&shared, 1));
    }

    /// Whether the thread ends before long: it then leaves what it shares to its `others`.
    fn ends(shared: &Arc<Shared>, others: usize) -> bool {
        let patience = Instant::now() + Duration::from_secs(30);
        while Arc::strong_count(shared) > others {
            if Instant::now() > patience {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    #[test]
    fn wakes_the_due_and_only_them() {
        struct Flag(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::Release);
            }
        }
        let flag = || Arc::new(Flag(false.into()));
        let woken = |flag: &Arc<Flag>| flag.0.load(std::sync::atomic::Ordering::Acquire);

        let engine = Engine::default();
        let ticker = Ticker::start(&engine).unwrap();
        let (soon, never, dropped) = (flag(), flag(), flag());
        let at = Instant::now() + Duration::from_millis(20);
        let _hold = ticker.hold();
        let _soon = ticker.wake_at(at, Arc::clone(&soon).into());
        let _never = ticker.wake_at(at + Duration::from_secs(3600), Arc::clone(&never).into());
        drop(ticker.wake_at(at, Arc::clone(&dropped).into()));
        let patience = Instant::now() + Duration::from_secs(30);
        while !woken(&soon) {
            assert!(Instant::now() < patience);
            thread::sleep(Duration::from_millis(1));
        }
        assert!(Instant::now() >= at);
        assert!(!woken(&never) && !woken(&dropped));
        assert_eq!(ticker.inner.shared.lock().sleepers.len(), 1);
    }

    #[test]
    fn a_waker_that_panics_stops_nobody_else() {
        struct Panics;
        impl std::task::Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("woken");
            }
        }
        struct Sends(std::sync::mpsc::SyncSender<()>);
        impl std::task::Wake for Sends {
            fn wake(self: Arc<Self>) {
                self.0.send(()).unwrap();
            }
        }
        let engine = Engine::default();
        let ticker = Ticker::start(&engine).unwrap();
        let _first = ticker.wake_at(Instant::now(), Arc::new(Panics).into());
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let _second = ticker.wake_at(Instant::now(), Arc::new(Sends(sender)).into());
        receiver.recv_timeout(Duration::from_secs(30)).expect("the ticker died of the panic");
    }

    #[test]
    fn the_last_ticker_can_be_dropped_under_a_lock_that_a_waker_takes() {
        struct Takes {
            lock: Mutex<()>,
            woken: std::sync::atomic::AtomicBool,
        }
        impl std::task::Wake for Takes {
            fn wake(self: Arc<Self>) {
                self.woken.store(true, std::sync::atomic::Ordering::Release);
                drop(self.lock.lock());
            }
        }
        let takes = Arc::new(Takes { lock: Mutex::new(()), woken: false.into() });
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let engine = Engine::default();
            let ticker = Ticker::start(&engine).unwrap();
            let _locked = takes.lock.lock();
            let wake_up = ticker.wake_at(Instant::now(), Arc::clone(&takes).into());
            while !takes.woken.load(std::sync::atomic::Ordering::Acquire) {
                thread::yield_now();
            }
            drop((wake_up, ticker));
            sender.send(()).unwrap();
        });
        receiver.recv_timeout(Duration::from_secs(10)).expect("the drop waits for the waker");
    }
}
