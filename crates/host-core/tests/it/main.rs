//! Guests that are linked, called and stopped, good ones and hostile ones, in stores that a stranger would write.

mod abi; // values of components that break the canonical ABI
mod allocator; // what a guest's allocator gives
mod allocator_async; // the same in async stores
mod allocator_hostile; // the same of hostile guests
mod backtrace; // names, files and lines of the guest's stack
mod bad_input; // what is no guest, or not the one the host thinks: each named
mod call; // exports by type, and by name with text
mod compile; // why bytes did not become a module
mod core_dump; // what a guest held when it stopped
mod fault; // every kind of fault, and how a guest gets there
mod fault_text; // the full form, and what machines read
mod fuzzing; // what fuzzers do, on their seeds
mod guard; // outcomes and faults of sync calls
mod guard_async; // the same of async calls, and what only they can
mod guest_profile; // where a guest spends its time
mod host_functions; // sets of functions that guests import
mod input; // bytes that are no guest, exports that are not there
mod link; // imports, by name
mod linked; // modules that are linked once and instantiated many times
mod memory; // what a guest says about its memory
mod memory_any; // the same for any address, length and bytes
mod memory_text; // text in it
mod role; // commands and reactors
mod settings; // engines that are built from settings, and their pools
mod spec; // the standard's own tests
mod stubs; // functions that are missing, imported all the same
mod trace; // spans, for those who listen

use std::error::Error;

use host_core::{Fault, MemoryAccess, Outcome, Profile, exported_memory, guard};
use host_limits::{HasMeter, Limits, Meter, Ticker, arm, arm_async};
use wasmtime::{Caller, Config, Engine, Linker, Module, Store};

/// A stranger's store data: the meter is one field among others.
struct Data {
    lines: Vec<String>,
    meter: Meter,
}

impl HasMeter for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

/// An engine that can hold `limits`, its ticker, and a linker in which the guests find `env.host_log`.
struct Host {
    limits: Limits,
    engine: Engine,
    ticker: Ticker,
    linker: Linker<Data>,
}

impl Host {
    fn new(limits: Limits) -> Host {
        Host::with_profile(Profile::Untrusted, limits)
    }

    fn with_profile(profile: Profile, limits: Limits) -> Host {
        Host::with_config(profile.config(), limits)
    }

    fn with_config(mut config: Config, limits: Limits) -> Host {
        let engine = Engine::new(limits.configure(&mut config)).unwrap();
        let ticker = Ticker::start(&engine).unwrap();
        let mut linker = Linker::new(&engine);
        linker.func_wrap("env", "host_log", host_log).unwrap();
        Host { limits, engine, ticker, linker }
    }

    fn unarmed(&self) -> Store<Data> {
        Store::new(&self.engine, Data { lines: Vec::new(), meter: Meter::new(self.limits.clone()) })
    }

    fn store(&self) -> Store<Data> {
        let mut store = self.unarmed();
        arm(&mut store, &self.ticker).unwrap();
        store
    }

    fn async_store(&self) -> Store<Data> {
        let mut store = self.unarmed();
        arm_async(&mut store, &self.ticker).unwrap();
        store
    }

    fn module(&self, wat: &str) -> Module {
        Module::new(&self.engine, wat).unwrap()
    }

    /// Calls the export `run: func() -> i32` of a guest in a fresh store.
    fn run(&self, wat: &str) -> Result<Outcome<i32>, Fault> {
        self.run_in(&mut self.store(), &self.module(wat))
    }

    fn run_in(&self, store: &mut Store<Data>, module: &Module) -> Result<Outcome<i32>, Fault> {
        guard(store, |store| {
            let instance = self.linker.instantiate(&mut *store, module)?;
            instance.get_typed_func::<(), i32>(&mut *store, "run")?.call(store, ())
        })
    }
}

/// Takes a line from the guest, with its pointer checked.
fn host_log(mut caller: Caller<'_, Data>, address: u32, length: u32) -> wasmtime::Result<()> {
    let memory = exported_memory(&mut caller, "memory")?;
    let line = memory.read_utf8(&caller, address, length)?.to_owned();
    caller.data_mut().lines.push(line);
    Ok(())
}

/// What every fault promises: one line that says who, and causes that it does not say already.
fn check_text(fault: &Fault) {
    let text = fault.to_string();
    assert!(!text.contains('\n'), "more than one line: {text}");
    assert!(text.starts_with(&format!("{}: ", fault.kind().who())), "{text}");
    let mut told = text;
    let mut cause = fault.source();
    while let Some(error) = cause {
        let line = error.to_string();
        assert!(!told.contains(&line), "said twice: `{line}` in `{told}`");
        told.push_str(&line);
        cause = error.source();
    }
}
