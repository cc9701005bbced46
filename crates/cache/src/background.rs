//! Work on a thread of its own, for whoever must not block.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, Result};

struct Slot<R> {
    done: Option<Result<R>>,
    waker: Option<Waker>,
}

/// Does `work` on a new thread, and waits for it without blocking. Needs no async runtime. If what is returned is dropped, the work
/// goes on, and its result is lost. A panic of the work is passed on.
pub(crate) async fn run<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let slot = Arc::new(Mutex::new(Slot { done: None, waker: None }));
    let theirs = Arc::clone(&slot);
    let work = Arc::new(Mutex::new(Some(work)));
    let for_thread = Arc::clone(&work);
    let started = thread::Builder::new().name("host-cache".into()).spawn(move || {
        let Some(work) = lock(&for_thread).take() else { return };
        let done = catch_unwind(AssertUnwindSafe(work));
        let mut slot = lock(&theirs);
        slot.done = Some(done);
        let waker = slot.waker.take();
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
    });
    if started.is_err() {
        // No thread to be had: late is better than never.
        let work = lock(&work).take().expect("nobody else takes it without a thread");
        return work();
    }
    let done = poll_fn(|context| {
        let mut slot = lock(&slot);
        match slot.done.take() {
            Some(done) => Poll::Ready(done),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    });
    done.await.unwrap_or_else(|panic| resume_unwind(panic))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
