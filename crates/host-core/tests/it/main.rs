//! Guests that are linked, called and stopped, good ones and hostile ones, in stores that a stranger would write.

mod abi; // values of components that break the canonical ABI
mod backtrace; // names, files and lines of the guest's stack
mod guard; // outcomes and faults of sync calls
mod guard_async; // the same of async calls, and what only they can
mod input; // bytes that are no guest, exports that are not there
mod link; // imports, by name
mod memory; // what a guest says about its memory
mod spec; // the standard's own tests

use std::error::Error;

use host_core::{Fault, MemoryAccess, Outcome, Profile, exported_memory, guard};
use host_limits::{HasMeter, Limits, Meter, Ticker, arm, arm_async};
use wasmtime::{Caller, Engine, Linker, Module, Store};

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
        let engine = Engine::new(limits.configure(&mut profile.config())).unwrap();
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
