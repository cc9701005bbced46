//! `arm`: puts a store under its meter's limits.

use wasmtime::{Engine, Store, StoreContextMut, UpdateDeadline};

use crate::{Bytes, Deadline, HasMeter, Ticker};

/// Puts `store` under the limits of its [`Meter`](crate::Meter) and starts its deadline, for sync calls.
///
/// Instantiation runs guest code too (a start function, say): arm a store before anything is instantiated in it. Arm it
/// again to start the deadline, fuel and counts of usage anew; what the store's guest holds stays counted.
///
/// # Errors
///
/// The store's engine cannot hold the limits: see [`ArmError`]. [`Limits::configure`](crate::Limits::configure) sets
/// an engine up so that it can.
pub fn arm<T: HasMeter>(store: &mut Store<T>, ticker: &Ticker) -> Result<(), ArmError> {
    arm_store(store, ticker, Pace::Sync)
}

/// As [`arm`], for async calls: the guest also yields to the executor at every tick, so that it never keeps a thread
/// from its other tasks for longer. A sync call in a store armed so is refused by Wasmtime as soon as it would yield.
///
/// # Errors
///
/// As [`arm`].
pub fn arm_async<T: HasMeter>(store: &mut Store<T>, ticker: &Ticker) -> Result<(), ArmError> {
    arm_store(store, ticker, Pace::Async)
}

/// The engine of a store cannot hold the limits of its meter.
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
    /// Fuel is limited, but the engine's code does not burn any.
    #[error(
        "the fuel limit needs an engine that meters fuel; call `Limits::configure` on its `Config`, \
         or `Config::consume_fuel(true)`, or set `fuel` to unlimited"
    )]
    NoFuel,
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
}

#[derive(Clone, Copy)]
enum Pace {
    Sync,
    Async,
}

fn arm_store<T: HasMeter>(store: &mut Store<T>, ticker: &Ticker, pace: Pace) -> Result<(), ArmError> {
    let limits = store.data_mut().meter().limits();
    let (fuel, allowed, stack) = (limits.fuel, limits.deadline, limits.stack);
    let (lifted, handles) = (limits.lifted, limits.handles);
    check(store.engine(), ticker, fuel, stack)?;

    if store.engine().get_consume_fuel() {
        // An engine that meters gives a store no fuel at all; unlimited has to be said.
        store.set_fuel(fuel.unwrap_or(u64::MAX)).map_err(|_| ArmError::NoFuel)?;
    }
    store.set_hostcall_fuel(lifted.as_usize());
    store.set_max_component_handles(handles as usize);
    store.limiter(|data| data.meter());

    let deadline = Deadline::start(allowed, ticker.clone());
    store.data_mut().meter().start(deadline.clone());
    store.set_epoch_deadline(1);
    let hold = ticker.hold();
    store.epoch_deadline_callback(move |mut store: StoreContextMut<'_, T>| {
        let _held_while_the_store_lives = &hold;
        deadline.check()?;
        match pace {
            Pace::Sync => Ok(UpdateDeadline::Continue(1)),
            Pace::Async => {
                store.data_mut().meter().note_yield();
                Ok(UpdateDeadline::Yield(1))
            }
        }
    });
    Ok(())
}

fn check(engine: &Engine, ticker: &Ticker, fuel: Option<u64>, stack: Bytes) -> Result<(), ArmError> {
    if !ticker.ticks(engine) {
        return Err(ArmError::OtherEngine);
    }
    if !engine.get_epoch_interruption() {
        return Err(ArmError::NoEpochInterruption);
    }
    if fuel.is_some() && !engine.get_consume_fuel() {
        return Err(ArmError::NoFuel);
    }
    let engine = Bytes::new(engine.get_max_wasm_stack() as u64);
    if engine > stack {
        return Err(ArmError::Stack { limit: stack, engine });
    }
    Ok(())
}
