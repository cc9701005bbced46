//! An engine that cannot hold the limits is refused, not silently used.

use host_limits::{ArmError, Bytes, Limits, Meter, Ticker, arm};
use wasmtime::{Config, Engine, Store};

fn try_arm(limits: Limits, configure: impl FnOnce(&mut Config)) -> Result<(), ArmError> {
    let mut config = Config::new();
    configure(&mut config);
    let engine = Engine::new(&config).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    arm(&mut Store::new(&engine, Meter::new(limits)), &ticker)
}

#[test]
fn configure_turns_on_what_is_needed() {
    for limits in [Limits::default(), Limits::untrusted(), Limits::trusted()] {
        try_arm(limits.clone(), |config| _ = limits.configure(config)).unwrap();
    }
}

#[test]
fn a_plain_engine_lacks_epochs_and_fuel() {
    assert_eq!(try_arm(Limits::default(), |_| {}), Err(ArmError::NoEpochInterruption));
    let epochs = |config: &mut Config| _ = config.epoch_interruption(true);
    assert_eq!(try_arm(Limits::default(), epochs), Err(ArmError::NoFuel));
    try_arm(Limits { fuel: None, ..Limits::default() }, epochs).unwrap();
}

#[test]
fn unlimited_fuel_runs_on_a_metering_engine() {
    let limits = Limits { fuel: None, ..Limits::default() };
    try_arm(limits, |config| _ = Limits::default().configure(config)).unwrap();
}

#[test]
fn a_stack_smaller_than_the_engine_s_is_refused() {
    let limits = Limits { stack: Bytes::kibi(64), ..Limits::default() };
    let refused = try_arm(limits, |config| _ = Limits::default().configure(config));
    assert_eq!(refused, Err(ArmError::Stack { limit: Bytes::kibi(64), engine: Bytes::mebi(1) }));
}

#[test]
fn shared_memories_are_refused() {
    let limits = Limits::default();
    let shared = |config: &mut Config| _ = limits.configure(config).shared_memory(true);
    assert_eq!(try_arm(limits.clone(), shared), Err(ArmError::SharedMemory));
    let off_again = |config: &mut Config| _ = limits.configure(config.shared_memory(true));
    assert_eq!(try_arm(limits.clone(), off_again), Ok(()));
}

#[test]
fn a_ticker_of_another_engine_is_refused() {
    let mut config = Config::new();
    Limits::default().configure(&mut config);
    let engine = Engine::new(&config).unwrap();
    let ticker = Ticker::start(&Engine::new(&config).unwrap()).unwrap();
    let mut store = Store::new(&engine, Meter::new(Limits::default()));
    assert_eq!(arm(&mut store, &ticker), Err(ArmError::OtherEngine));
}
