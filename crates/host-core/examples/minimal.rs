//! The smallest guest: two numbers in, their sum out.
//!
//! Once with plain Wasmtime and once under limits.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_core::{Profile, guard};
use host_limits::{Limits, Meter, Ticker, arm};
use wasmtime::{Engine, Linker, Module, Store};

fn main() -> wasmtime::Result<()> {
    // Plain Wasmtime: nothing limits this guest.
    let engine = Engine::default();
    let module = Module::from_file(&engine, fixtures::path("add"))?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
    let sum = instance.get_typed_func::<(i32, i32), i32>(&mut store, "add")?.call(&mut store, (2, 3))?;
    println!("2 + 3 = {sum}");
    assert_eq!(sum, 5);

    // The same call under limits: an engine that can hold them, a store that is armed, a guard around the call.
    let limits = Limits::untrusted();
    let engine = Engine::new(limits.configure(&mut Profile::Untrusted.config()))?;
    let ticker = Ticker::start(&engine)?;
    let module = Module::from_file(&engine, fixtures::path("add"))?;
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker)?;
    let outcome = guard(&mut store, |store| {
        let instance = Linker::new(&engine).instantiate(&mut *store, &module)?;
        instance.get_typed_func::<(i32, i32), i32>(&mut *store, "add")?.call(store, (2, 3))
    })?;
    let fuel = outcome.usage.fuel.expect("these limits meter fuel");
    println!("2 + 3 = {}, for {fuel} of fuel and {} of memory", outcome.value, outcome.usage.memory);
    assert_eq!(outcome.value, 5);
    assert!(fuel > 0);
    Ok(())
}
