//! Functions that a guest imports from its host, as one set that can be listed; one of them reads the guest's memory.
//!
//! The usual mistakes are left out: `&data[ptr..ptr + len]` panics on what a guest says, a log without a bound grows as
//! long as it likes, and a panic in a host function ends the process.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::hash::{BuildHasher, RandomState};

use host_core::{FaultKind, HostFunctions, MemoryAccess, Profile, check_imports, exported_memory, guard};
use host_limits::{Exceeded, HasMeter, Limits, Meter, Ticker, arm};
use wasmtime::{Caller, Engine, Linker, Module, Store};

struct HostState {
    log_buffer: Vec<String>,
    last_random: u32,
    meter: Meter,
}

impl HasMeter for HostState {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

/// The host's own error: it ends the guest's call, and comes back as it was.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("there is no setting {0}")]
struct NoSetting(u32);

fn host_setting(number: u32) -> Result<u64, NoSetting> {
    match number {
        0 => Ok(42),
        1 => panic!("setting {number} was never thought of"),
        _ => Err(NoSetting(number)),
    }
}

fn host_random(mut caller: Caller<'_, HostState>) -> u32 {
    let random = RandomState::new().hash_one(()) as u32;
    caller.data_mut().last_random = random;
    random
}

/// An address or a length that does not hold ends the guest's call, not the host.
fn host_log(mut caller: Caller<'_, HostState>, address: u32, length: u32) -> wasmtime::Result<()> {
    let memory = exported_memory(&mut caller, "memory")?;
    let line = memory.read_utf8(&caller, address, length)?.to_owned();
    let state = caller.data_mut();
    // What the host keeps for a guest needs a bound, too.
    let kept: usize = state.log_buffer.iter().map(String::len).sum();
    let allowed = state.meter.limits().output;
    if kept.saturating_add(line.len()) as u64 > allowed.get() {
        return Err(Exceeded::Output { allowed }.into());
    }
    state.log_buffer.push(line);
    Ok(())
}

fn main() -> wasmtime::Result<()> {
    let limits = Limits::untrusted();
    let engine = Engine::new(limits.configure(&mut Profile::Untrusted.config()))?;
    let ticker = Ticker::start(&engine)?;
    let mut linker = Linker::new(&engine);
    let env = HostFunctions::new("env")
        .func("host_random", host_random)
        .func("host_log", host_log)
        .func("host_setting", host_setting);
    env.add_to_linker(&mut linker)?;
    for (name, text) in env.list() {
        println!("guests may import {}.{name}: {text}", env.module());
    }
    let run = |module: &Module| -> wasmtime::Result<_> {
        let state = HostState { log_buffer: Vec::new(), last_random: 0, meter: Meter::new(limits.clone()) };
        let mut store = Store::new(&engine, state);
        arm(&mut store, &ticker)?;
        check_imports(&mut store, &linker, module)?;
        let result = guard(&mut store, |store| {
            let instance = linker.instantiate(&mut *store, module)?;
            instance.get_typed_func::<(), ()>(&mut *store, "run")?.call(store, ())
        });
        Ok((result, store.into_data()))
    };

    let (result, state) = run(&Module::from_file(&engine, fixtures::path("host-imports"))?)?;
    result?;
    println!("the guest logged: {:?}", state.log_buffer);
    let random = state.last_random.cast_signed();
    assert_eq!(state.log_buffer, [format!("the host's random number is {random}")]);

    // A guest that lies about its memory: `ptr + len` does not fit 32 bits.
    let liar = r#"(module (import "env" "host_log" (func $log (param i32 i32))) (memory (export "memory") 1)
        (func $lie (export "run") (call $log (i32.const -1) (i32.const -1))))"#;
    let fault = run(&Module::new(&engine, liar)?)?.0.expect_err("no memory is that large");
    println!("{fault}");
    assert!(matches!(fault.kind(), FaultKind::BadArgument(_)));

    // One that asks for what the host does not have, and one that runs into a mistake of the host's.
    let asks = |number: u32| -> wasmtime::Result<_> {
        let wat = format!(
            r#"(module (import "env" "host_setting" (func $setting (param i32) (result i64)))
                (func (export "run") (drop (call $setting (i32.const {number})))))"#
        );
        Ok(run(&Module::new(&engine, wat)?)?.0)
    };
    asks(0)??;
    let fault = asks(7)?.expect_err("there is no such setting");
    println!("{fault}");
    assert_eq!(fault.error().downcast_ref(), Some(&NoSetting(7)));
    let fault = asks(1)?.expect_err("the host function panics");
    println!("{fault}");
    assert!(matches!(fault.kind(), FaultKind::Panic(_)));

    // And one that logs for ever.
    let chatty = r#"(module (import "env" "host_log" (func $log (param i32 i32))) (memory (export "memory") 1)
        (func (export "run") (loop (call $log (i32.const 0) (i32.const 1000)) (br 0))))"#;
    let fault = run(&Module::new(&engine, chatty)?)?.0.expect_err("it never stops by itself");
    println!("{fault}");
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Output { allowed: limits.output }));
    Ok(())
}
