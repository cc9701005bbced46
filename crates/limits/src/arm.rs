//! `arm` and `disarm`: put a store under its meter's limits, for one call.

use std::time::{Duration, Instant};

use wasmtime::{AsContextMut as _, Engine, Store, StoreContextMut, UpdateDeadline};

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
/// an engine up so that it can. [`ArmError::Exceeded`] if the store's ledger allows no further call.
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

/// Ends the call for which the store was armed, and gives what it spent. Its ledger gets back the call and the fuel that
/// was not burnt (none, once the deadline has passed or the call was cancelled: how much a guest had burnt when it was
/// stopped is not known), and the epoch need not move for it any longer. Guest code that still runs in it is stopped with
/// a plain `Trap::Interrupt`, until it is armed again.
///
/// A store that is armed again, or dropped, needs no disarming; it is for one that is kept for a later call.
pub fn disarm<T: HasMeter>(store: &mut Store<T>) -> Usage {
    let left = fuel_left(store);
    let meter = store.data_mut().meter();
    let usage = meter.usage(left);
    if let Some(deadline) = meter.deadline() {
        // A guest that was stopped has not told how much it burnt since its last call or return: all of it, then.
        let told = deadline.check().is_ok();
        meter.end(left.filter(|_| told).unwrap_or(0));
        store.epoch_deadline_trap();
        store.set_epoch_deadline(0);
    }
    usage
}

/// A store that cannot be armed: its engine cannot hold the limits of its meter, or its ledger allows no call now.
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
    let needs_fuel = meter.needs_fuel();
    check(store.engine(), ticker, needs_fuel, stack)?;

    disarm(store);
    let meters = store.engine().get_consume_fuel();
    let stack = stack.min(engine_stack(store.engine()));
    let meter = store.data_mut().meter();
    // An engine that meters gives a store no fuel at all; unlimited has to be said.
    let fuel = meter.begin()?.unwrap_or(u64::MAX);
    let deadline = Deadline::start(meter.take_since(), allowed, ticker.clone());
    meter.start(Armed { deadline: deadline.clone(), fuel: meters.then_some(fuel), stack });

    if meters {
        store.set_fuel(fuel).map_err(|_| ArmError::NoFuel)?;
    }
    store.set_hostcall_fuel(lifted.as_usize());
    store.set_max_component_handles(handles as usize);
    store.limiter(|data| data.meter());
    store.set_epoch_deadline(1);
    let hold = ticker.hold();
    let mut yielded = Instant::now();
    store.epoch_deadline_callback(move |mut store: StoreContextMut<'_, T>| {
        let _held_while_the_store_is_armed = &hold;
        let now = Instant::now();
        deadline.check_at(now)?;
        T::on_tick(store.as_context_mut());
        // A tick may come a little early.
        let due = |interval| now.saturating_duration_since(yielded) + Ticker::PERIOD / 2 >= interval;
        if yield_interval.is_some_and(due) {
            yielded = now;
            store.data_mut().meter().note_yield();
            return Ok(UpdateDeadline::Yield(1));
        }
        Ok(UpdateDeadline::Continue(1))
    });
    Ok(())
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
