//! What a store's data is told while its guest runs.

use std::time::Duration;

use host_limits::{Exceeded, HasMeter, Limits, Meter, Ticker, arm, disarm};
use wasmtime::{Config, Engine, Instance, Module, Store, StoreContextMut};

struct Watched {
    meter: Meter,
    ticks: u64,
    fuel: Vec<u64>,
}

impl HasMeter for Watched {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    fn on_tick(mut store: StoreContextMut<'_, Watched>) {
        let fuel = store.get_fuel().unwrap();
        let data = store.data_mut();
        data.ticks += 1;
        data.fuel.push(fuel);
    }
}

#[test]
fn a_running_guest_ticks_and_one_that_rests_does_not() {
    let limits =
        Limits { deadline: Duration::from_millis(500), fuel: Some(u64::MAX / 2), ..Limits::default() };
    let engine = Engine::new(limits.configure(&mut Config::new())).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    // What is burnt is told at calls and returns, so the loop makes some.
    let wat = r#"(module (func $call) (func (export "run") (loop (call $call) (br 0))))"#;
    let module = Module::new(&engine, wat).unwrap();
    let mut store = Store::new(&engine, Watched { meter: Meter::new(limits), ticks: 0, fuel: Vec::new() });
    arm(&mut store, &ticker).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();

    // No guest runs, so nobody looks at the epoch.
    std::thread::sleep(Ticker::PERIOD * 4);
    assert_eq!(store.data().ticks, 0);

    let result = run.call(&mut store, ());
    let error = result.as_ref().unwrap_err();
    let reason = store.data().meter.explain(error);
    assert!(matches!(reason, Some(Exceeded::Deadline { .. })), "{reason:?}");
    assert!(store.data().ticks > 1);
    // It could look at the store, whose guest went on in between.
    assert!(store.data().fuel.is_sorted_by(|before, after| before > after), "{:?}", store.data().fuel);
    disarm(&mut store, result.as_ref().err());
}
