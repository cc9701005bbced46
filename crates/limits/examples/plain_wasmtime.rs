//! A stranger's own store data under limits: fuel and memory run out, and the host is told which.
//!
//! The limiter lives where it must, in the store's data: a store cannot borrow one that is made on the spot.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_limits::{Bytes, Exceeded, HasMeter, Limits, Meter, Ticker, arm, usage};
use wasmtime::{Config, Engine, Linker, Module, Store};

/// Whatever the program keeps per guest; the meter is one field of it.
struct Guest {
    name: &'static str,
    meter: Meter,
}

impl HasMeter for Guest {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

const SPIN: &str = r#"(module (func (export "run") (loop (br 0))))"#;
const EAT: &str = r#"(module (memory 1) (func (export "run")
    (loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable))"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = Limits { memory: Bytes::mebi(8), fuel: Some(1_000_000), ..Limits::untrusted() };
    let mut config = Config::new();
    limits.configure(&mut config);
    let engine = Engine::new(&config)?;
    let ticker = Ticker::start(&engine)?;

    let mut reasons = Vec::new();
    for (name, wat) in [("spin", SPIN), ("eat", EAT)] {
        let mut store = Store::new(&engine, Guest { name, meter: Meter::new(limits.clone()) });
        arm(&mut store, &ticker)?;
        let instance = Linker::new(&engine).instantiate(&mut store, &Module::new(&engine, wat)?)?;
        let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
        let error = run.call(&mut store, ()).expect_err("both guests misbehave");
        let reason = store.data().meter.explain(&error).expect("both run into a budget");
        let spent = usage(&mut store);
        println!("{}: {reason}; fuel {:?}, peak memory {}", store.data().name, spent.fuel, spent.peak_memory);
        reasons.push(reason);
    }
    assert_eq!(reasons[0], Exceeded::Fuel { allowed: 1_000_000 });
    assert!(matches!(reasons[1], Exceeded::Memory { .. }));
    Ok(())
}
