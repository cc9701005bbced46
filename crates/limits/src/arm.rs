//! `arm` and `disarm`: put a store under its meter's limits, for one call.

use std::time::{Duration, Instant};

use wasmtime::error::OutOfMemory;
use wasmtime::{AsContextMut as _, Engine, GcHeapOutOfMemory, Store, StoreContextMut, Trap, UpdateDeadline};

use crate::exceeded::cause;
use crate::meter::Armed;
use crate::usage::fuel_left;
use crate::{Bytes, Deadline, Exceeded, HasMeter, Ticker, Usage};

/// Puts `store` under the limits of its [`Meter`](crate::Meter) and starts its deadline, for sync calls.
///
/// Instantiation runs guest code too (a start function, say): arm a store before anything is instantiated in it. Arm it
/// again to start the deadline, fuel and counts of usage anew; what the store's guest holds stays counted.
///
/// # Errors
///
/// The store's engine cannot hold the limits: see [`ArmError`]. [`Limits::configure`](crate::Limits::configure) sets
/// an engine up so that it can. [`ArmError::Exceeded`] if the store's ledger allows no further call;
/// [`ArmError::Retired`] if a [bound](Deadline::bound) call of the store was dropped half-way.
pub fn arm<T: HasMeter>(store: &mut Store<T>, ticker: &Ticker) -> Result<(), ArmError> {
    arm_store(store, ticker, None)
}

/// As [`arm`], for async calls: the guest also yields to the executor, so that it never keeps a thread from its other
/// tasks for longer than [`Limits::yield_interval`](crate::Limits::yield_interval). A sync call in a store armed so is
/// refused by Wasmtime as soon as it would yield.
///
/// # Errors
///
/// As [`arm`].
pub fn arm_async<T: HasMeter>(store: &mut Store<T>, ticker: &Ticker) -> Result<(), ArmError> {
    let interval = store.data_mut().meter().limits().yield_interval;
    arm_store(store, ticker, Some(interval))
}

/// Ends the call for which the store was armed, and gives what it spent. `error` is what ended the call, of several the one
/// that failed, or `None` if all went well: on it depends what its ledger gets back. Guest code that still runs in the store
/// is stopped with a plain `Trap::Interrupt`, until it is armed again.
///
/// ```
/// # use host_limits::{Limits, Meter, Ticker, arm, disarm};
/// # use wasmtime::{Config, Engine, Instance, Module, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let limits = Limits::untrusted();
/// # let engine = Engine::new(limits.configure(&mut Config::new()))?;
/// # let ticker = Ticker::start(&engine)?;
/// # let module = Module::new(&engine, r#"(module (func (export "run")))"#)?;
/// # let mut store = Store::new(&engine, Meter::new(limits));
/// arm(&mut store, &ticker)?;
/// let result = Instance::new(&mut store, &module, &[])
///     .and_then(|instance| instance.get_typed_func::<(), ()>(&mut store, "run"))
///     .and_then(|run| run.call(&mut store, ()));
/// let usage = disarm(&mut store, result.as_ref().err());
/// # assert!(usage.fuel.is_some());
/// # Ok(())
/// # }
/// ```
///
/// The ledger gets back the call in any case, and the fuel that was not burnt if the count can be trusted: the call returned
/// well, ran out of fuel, reached an `unreachable`, or was ended by an error of a host function. Elsewhere Wasmtime keeps
/// the count in a register, and what was burnt since the last call or return is lost: after any other trap, such as an
/// access out of bounds or a division by zero, a growth that was refused with a trap, a deadline, a cancellation, or a
/// [bound](Deadline::bound) call dropped half-way, all that was reserved counts as burnt.
///
/// A host function that calls its guest has to hand on the error it gets: one that is swallowed is not seen here.
///
/// A store that is armed again, or dropped, needs no disarming, but then all counts as burnt too.
pub fn disarm<T: HasMeter>(store: &mut Store<T>, error: Option<&wasmtime::Error>) -> Usage {
    let (left, now) = (fuel_left(store), Instant::now());
    let meter = store.data_mut().meter();
    let usage = meter.usage_at(left, now);
    if let Some(deadline) = meter.deadline() {
        // The deadline too: a host function may have swallowed the error of a guest that was stopped.
        let counted = deadline.check_at(now).is_ok() && !meter.is_retired() && error.is_none_or(counts);
        end(store, left.filter(|_| counted).unwrap_or(0), now);
    }
    usage
}

/// Whether the fuel that a call has left is known although it ended with `error`.
fn counts(error: &wasmtime::Error) -> bool {
    if let Some(trap) = cause::<Trap>(error) {
        return matches!(trap, Trap::OutOfFuel | Trap::UnreachableCodeReached);
    }
    // What is left came from a host function, which is called, or from one of these, for which the guest only pauses.
    let paused = matches!(
        Exceeded::find(error),
        Some(
            Exceeded::Memory { .. }
                | Exceeded::LedgerMemory { .. }
                | Exceeded::TableElements { .. }
                | Exceeded::Deadline { .. }
                | Exceeded::Cancelled
        )
    );
    !paused && !error.is::<GcHeapOutOfMemory<()>>() && !error.is::<OutOfMemory>()
}

fn end<T: HasMeter>(store: &mut Store<T>, unburnt: u64, now: Instant) {
    store.data_mut().meter().end(unburnt, now);
    store.epoch_deadline_trap();
    store.set_epoch_deadline(0);
}

/// A store that cannot be armed: its engine cannot hold the limits of its meter, its ledger allows no call now, or it is
/// retired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArmError {
    /// The ticker belongs to another engine, so this store's deadline would never be looked at.
    #[error("the ticker moves the epoch of another engine; start one with the engine of this store")]
    OtherEngine,
    /// The engine's code does not look at the epoch.
    #[error(
        "the deadline needs an engine with epoch interruption; call `Limits::configure` on its `Config`, \
         or `Config::epoch_interruption(true)`"
    )]
    NoEpochInterruption,
    /// Fuel is limited, by the store's limits or by its ledger, but the engine's code does not burn any.
    #[error(
        "the fuel limit needs an engine that meters fuel; call `Limits::configure` on its `Config`, \
         or `Config::consume_fuel(true)`, or set `fuel` to unlimited"
    )]
    NoFuel,
    /// The engine allows shared memories, which grow without any store being asked.
    #[error(
        "the memory limit does not reach shared memories, which this engine allows; call `Limits::configure` on its \
         `Config`, or `Config::shared_memory(false)`"
    )]
    SharedMemory,
    /// The engine lets guests use more stack than the limits do.
    #[error(
        "the stack limit is {limit}, but the engine gives every guest {engine}; call `Limits::configure` on its \
         `Config`, or raise the limit"
    )]
    Stack {
        /// The limit of the store's meter.
        limit: Bytes,
        /// What the engine was built with.
        engine: Bytes,
    },
    /// A [bound](Deadline::bound) call of this store was dropped half-way, so that nobody knows what its guest was doing.
    #[error("a call of this store was dropped half-way; make a new store")]
    Retired,
    /// The store's ledger allows no further call now.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
}

fn arm_store<T: HasMeter>(
    store: &mut Store<T>,
    ticker: &Ticker,
    yield_interval: Option<Duration>,
) -> Result<(), ArmError> {
    let meter = store.data_mut().meter();
    let limits = meter.limits();
    let (allowed, stack, lifted, handles) = (limits.deadline, limits.stack, limits.lifted, limits.handles);
    let (needs_fuel, retired, armed) = (meter.needs_fuel(), meter.is_retired(), meter.deadline().is_some());
    check(store.engine(), ticker, needs_fuel, stack)?;
    if retired {
        return Err(ArmError::Retired);
    }
    // Asked for once: it costs.
    let now = Instant::now();
    if armed {
        // How its last call ended is not known.
        end(store, 0, now);
    }
    let meters = store.engine().get_consume_fuel();
    let stack = stack.min(engine_stack(store.engine()));
    let meter = store.data_mut().meter();
    // An engine that meters gives a store no fuel at all; unlimited has to be said.
    let fuel = meter.begin(now)?.unwrap_or(u64::MAX);
    let deadline = Deadline::start(meter.take_since().unwrap_or(now), allowed, ticker.clone());
    meter.start(Armed { deadline: deadline.clone(), fuel: meters.then_some(fuel), stack });

    if meters {
        store.set_fuel(fuel).map_err(|_| ArmError::NoFuel)?;
    }
    store.set_hostcall_fuel(lifted.as_usize());
    store.set_max_component_handles(handles as usize);
    store.limiter(|data| data.meter());
    store.set_epoch_deadline(1);
    let hold = ticker.hold();
    let mut yielded = now;
    store.epoch_deadline_callback(move |mut store: StoreContextMut<'_, T>| {
        let _held_while_the_store_is_armed = &hold;
        let now = Instant::now();
        deadline.check_at(now)?;
        T::on_tick(store.as_context_mut());
        if yield_interval.is_some_and(|interval| is_due(now.saturating_duration_since(yielded), interval)) {
            yielded = now;
            store.data_mut().meter().note_yield();
            return Ok(UpdateDeadline::Yield(1));
        }
        Ok(UpdateDeadline::Continue(1))
    });
    Ok(())
}

/// Whether a guest that has run for so long has to yield. A tick may come a little early.
fn is_due(ran: Duration, interval: Duration) -> bool {
    ran + Ticker::PERIOD / 2 >= interval
}

fn check(engine: &Engine, ticker: &Ticker, needs_fuel: bool, stack: Bytes) -> Result<(), ArmError> {
    if !ticker.ticks(engine) {
        return Err(ArmError::OtherEngine);
    }
    if !engine.get_epoch_interruption() {
        return Err(ArmError::NoEpochInterruption);
    }
    if needs_fuel && !engine.get_consume_fuel() {
        return Err(ArmError::NoFuel);
    }
    if engine.get_shared_memory() {
        return Err(ArmError::SharedMemory);
    }
    let engine = engine_stack(engine);
    if engine > stack {
        return Err(ArmError::Stack { limit: stack, engine });
    }
    Ok(())
}

fn engine_stack(engine: &Engine) -> Bytes {
    Bytes::new(engine.get_max_wasm_stack() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_yields_at_the_tick_that_is_nearest_to_its_interval() {
        let interval = 3 * Ticker::PERIOD;
        assert!(is_due(interval, interval) && is_due(interval - Ticker::PERIOD / 4, interval));
        assert!(!is_due(2 * Ticker::PERIOD, interval) && is_due(Duration::ZERO, Duration::ZERO));
    }
}
