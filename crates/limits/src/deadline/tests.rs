//! Who is woken when a call has to end, and what is kept of those who wait.

use std::future::pending;
use std::sync::mpsc::{Receiver, Sender, channel};

use wasmtime::Engine;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(3600);

struct Tells(Mutex<Sender<()>>);

impl Wake for Tells {
    fn wake(self: Arc<Self>) {
        let _ = self.0.lock().unwrap().send(());
    }
}

/// A waker, and where it tells that it was woken.
fn tells() -> (Waker, Receiver<()>) {
    let (sender, receiver) = channel();
    (Arc::new(Tells(Mutex::new(sender))).into(), receiver)
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("woken");
    }
}

fn deadline(allowed: Duration) -> (Engine, Deadline) {
    let engine = Engine::default();
    let ticker = Ticker::start(&engine).unwrap();
    (engine, Deadline::start(Instant::now(), allowed, ticker))
}

#[test]
fn a_call_that_moved_to_another_task_is_woken_there() {
    for cancels in [true, false] {
        let (_engine, deadline) = deadline(if cancels { LONG } else { Duration::from_millis(200) });
        let mut call = Box::pin(deadline.bound(pending::<()>()));
        let (first, _) = tells();
        let (second, woken) = tells();
        assert!(call.as_mut().poll(&mut Context::from_waker(&first)).is_pending());
        assert!(call.as_mut().poll(&mut Context::from_waker(&second)).is_pending());
        if cancels {
            deadline.cancel_handle().cancel();
        }
        woken.recv_timeout(PATIENCE).expect("the task that polled last is not woken");
        assert!(call.as_mut().poll(&mut Context::from_waker(&second)).is_ready());
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    let (_engine, deadline) = deadline(LONG);
    let mut calls: Vec<_> = (0..3).map(|_| Box::pin(deadline.bound(pending::<()>()))).collect();
    let (waker, woken) = tells();
    for (call, waker) in calls.iter_mut().zip([&Arc::new(Panics).into(), &waker, &waker]) {
        assert!(call.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
    deadline.cancel_handle().cancel();
    for _ in 0..2 {
        woken.recv_timeout(PATIENCE).expect("the panic of another one");
    }
}

#[test]
fn a_call_whose_time_is_over_does_not_begin() {
    let (_engine, deadline) = deadline(LONG);
    deadline.cancel_handle().cancel();
    let mut begun = false;
    assert_eq!(deadline.block_on(async { begun = true }), Err(Exceeded::Cancelled));
    let mut call = Box::pin(deadline.bound(async { begun = true }));
    let poll = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(poll, Poll::Ready(Err(Exceeded::Cancelled)));
    drop(call);
    assert!(!begun && !deadline.is_retired());
}

#[test]
fn who_waits_no_longer_is_forgotten() {
    let (_engine, deadline) = deadline(LONG);
    let mut call = Box::pin(deadline.bound(pending::<()>()));
    for _ in 0..10 {
        // Each time with another waker.
        assert!(call.as_mut().poll(&mut Context::from_waker(&tells().0)).is_pending());
        assert_eq!(deadline.shared.waiting().len(), 1);
    }
    drop(call);
    assert!(deadline.shared.waiting().is_empty());
    assert!(deadline.is_retired());
}
