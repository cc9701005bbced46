//! The thread of a ticker: when it runs, whom it wakes, and how it ends.

use super::*;

struct Sends(std::sync::mpsc::SyncSender<()>);

impl std::task::Wake for Sends {
    fn wake(self: Arc<Self>) {
        self.0.send(()).unwrap();
    }
}

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

#[test]
fn rests_when_nobody_needs_it_and_is_woken_when_somebody_does() {
    let engine = Engine::default();
    let ticker = Ticker::start(&engine).unwrap();
    for _ in 0..2 {
        drop(ticker.hold());
        let patience = Instant::now() + Duration::from_secs(30);
        while !ticker.inner.shared.lock().resting {
            assert!(Instant::now() < patience, "it never rests");
            thread::sleep(Duration::from_millis(1));
        }
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let _wake_up = ticker.wake_at(Instant::now(), Arc::new(Sends(sender)).into());
        receiver.recv_timeout(Duration::from_secs(30)).expect("it still rests");
    }
}
