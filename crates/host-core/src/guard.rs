//! `guard`: runs guest code in an armed store, and turns whatever ends it into an outcome or a fault.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;

use host_limits::{Deadline, HasMeter, Usage, usage};
use wasmtime::Store;

use crate::fault::{Exception, Fault, HostPanic, NotArmed};

/// What a call gave, and what it spent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome<R> {
    /// What the call gave.
    pub value: R,
    /// What the store has spent since it was armed.
    pub usage: Usage,
}

/// Does `work`, which runs guest code in `store`: instantiates, calls, or both.
///
/// The store must be [armed](host_limits::arm), its deadline ahead and its call not cancelled; else nothing is done. A
/// panic of a host function ends here, as a fault of the host.
///
/// # Errors
///
/// A [`Fault`] for whatever ended the work; the store must not be used again then. If it is charged to a
/// [`Ledger`](host_limits::Ledger), tell that the call is over with [`disarm`](host_limits::disarm), and
/// `result.as_ref().err().map(Fault::error)`.
///
/// ```
/// use host_core::{FaultKind, Profile, guard};
/// use host_limits::{Exceeded, Limits, Meter, Ticker, arm};
/// use wasmtime::{Engine, Linker, Module, Store};
///
/// let limits = Limits { fuel: Some(10_000), ..Limits::untrusted() };
/// let engine = Engine::new(limits.configure(&mut Profile::Untrusted.config()))?;
/// let ticker = Ticker::start(&engine)?;
/// let linker = Linker::new(&engine);
/// let module = Module::new(&engine, r#"(module (func (export "run") (loop (br 0))))"#)?;
///
/// let mut store = Store::new(&engine, Meter::new(limits));
/// arm(&mut store, &ticker)?;
/// let fault = guard(&mut store, |store| {
///     let instance = linker.instantiate(&mut *store, &module)?;
///     instance.get_typed_func::<(), ()>(&mut *store, "run")?.call(store, ())
/// })
/// .unwrap_err();
/// assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Fuel { allowed: 10_000 }));
/// assert_eq!(fault.to_string(), "budget: fuel budget of 10000 exceeded");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn guard<T: HasMeter, R>(
    store: &mut Store<T>,
    work: impl FnOnce(&mut Store<T>) -> wasmtime::Result<R>,
) -> Result<Outcome<R>, Fault> {
    // Not cloned: that would cost more than the call of a small function.
    let result = match store.data_mut().meter().deadline().map(Deadline::check) {
        None => Err(NotArmed.into()),
        Some(Err(exceeded)) => Err(exceeded.into()),
        Some(Ok(())) => {
            catch_unwind(AssertUnwindSafe(|| work(store))).unwrap_or_else(|panic| Err(panicked(panic)))
        }
    };
    finish(store, result)
}

/// As [`guard`], for async work, which the store's deadline also ends while it waits in a host function.
///
/// The store must be [armed for async calls](host_limits::arm_async).
///
/// # Errors
///
/// As [`guard`].
pub async fn guard_async<T: HasMeter, R>(
    store: &mut Store<T>,
    work: impl AsyncFnOnce(&mut Store<T>) -> wasmtime::Result<R>,
) -> Result<Outcome<R>, Fault> {
    let Some(deadline) = store.data_mut().meter().deadline().cloned() else {
        return finish(store, Err(NotArmed.into()));
    };
    let result = {
        let mut work = pin!(Some(work(store)));
        let result = deadline.bound(catch_panic(work.as_mut())).await;
        // What a host function holds is dropped with a call that ends half-way, and may panic too; the reason stands.
        let _ = catch_unwind(AssertUnwindSafe(|| work.set(None)));
        result.unwrap_or_else(|exceeded| Err(exceeded.into()))
    };
    finish(store, result)
}

fn finish<T: HasMeter, R>(store: &mut Store<T>, result: wasmtime::Result<R>) -> Result<Outcome<R>, Fault> {
    let usage = usage(store);
    match result {
        Ok(value) => Ok(Outcome { value, usage }),
        Err(error) => {
            let exception = Exception::take(&mut *store);
            Err(Fault::with_exception(error, store.data_mut().meter(), usage, exception))
        }
    }
}

async fn catch_panic<R>(
    mut work: Pin<&mut Option<impl Future<Output = wasmtime::Result<R>>>>,
) -> wasmtime::Result<R> {
    poll_fn(|context| {
        let Some(work) = work.as_mut().as_pin_mut() else { return Poll::Pending };
        catch_unwind(AssertUnwindSafe(|| work.poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(panicked(panic))))
    })
    .await
}

/// The error in which a panic is carried on.
#[cold]
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> wasmtime::Error {
    HostPanic(panic_message(panic)).into()
}

/// What a panic said.
pub(crate) fn panic_message(panic: Box<dyn Any + Send>) -> String {
    panic
        .downcast::<String>()
        .map(|text| *text)
        .or_else(|panic| panic.downcast::<&str>().map(|text| text.to_string()))
        .unwrap_or_else(|other| {
            // Not dropped: that is the code of whoever panicked again, and may panic again.
            mem::forget(other);
            "no message".to_owned()
        })
}
