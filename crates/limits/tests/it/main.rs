//! Guests that run into each budget, in stores that a stranger would write.

mod bulk; // single instructions that take long
mod counts; // memories, tables, instances
mod deadline; // loops, start functions, blocked host calls, cancellation
mod endings; // what is known of a call by how it ended
mod every_field; // no budget without a guest that runs into it
mod fuel;
mod hostile_code; // made to hurt whoever reads it
mod isolation; // one guest never pays for another
mod ledger; // totals of many stores
mod ledger_fuel; // and what they burn in a window of time
mod lifted; // what crosses the component boundary: bytes, handles
mod memory; // linear memory and tables, summed over the store
mod proposals; // what code uses of them
mod setup; // engines that cannot hold the limits
mod stack;
mod static_instances; // what an instantiation multiplies to
mod static_limits; // code that declares too much
mod ticks; // what is told while a guest runs
mod waits; // time that is not the guest's
mod wasi; // resources, random bytes, output

use host_limits::{Exceeded, HasMeter, Limits, Meter, Ticker, Usage, arm, usage};
use wasmtime::{Config, Engine, Instance, Linker, Module, Store};

/// A stranger's store data: the meter is one field among others.
struct Data {
    calls: u32,
    meter: Meter,
}

impl HasMeter for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

/// An engine that can hold `limits`, its ticker, and a linker with the host functions of the guests below.
struct Host {
    limits: Limits,
    engine: Engine,
    ticker: Ticker,
    linker: Linker<Data>,
}

impl Host {
    fn new(limits: Limits) -> Host {
        let mut config = Config::new();
        limits.configure(&mut config);
        let engine = Engine::new(&config).unwrap();
        let ticker = Ticker::start(&engine).unwrap();
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("host", "call", |mut caller: wasmtime::Caller<'_, Data>| caller.data_mut().calls += 1)
            .unwrap();
        Host { limits, engine, ticker, linker }
    }

    fn store(&self) -> Store<Data> {
        self.store_with(self.limits.clone())
    }

    fn store_with(&self, limits: Limits) -> Store<Data> {
        let mut store = Store::new(&self.engine, Data { calls: 0, meter: Meter::new(limits) });
        arm(&mut store, &self.ticker).unwrap();
        store
    }

    fn instantiate(&self, store: &mut Store<Data>, wat: &str) -> wasmtime::Result<Instance> {
        let module = Module::new(&self.engine, wat)?;
        self.linker.instantiate(store, &module)
    }
}

/// What became of a guest's `run`, and what it spent.
struct Run {
    result: Result<i32, wasmtime::Error>,
    reason: Option<Exceeded>,
    usage: Usage,
    calls: u32,
}

/// Runs the export `run: func() -> i32` of a module in a fresh store.
fn run(limits: Limits, wat: &str) -> Run {
    let host = Host::new(limits);
    let mut store = host.store();
    run_in(&host, &mut store, wat)
}

fn run_in(host: &Host, store: &mut Store<Data>, wat: &str) -> Run {
    let result = host
        .instantiate(store, wat)
        .and_then(|instance| instance.get_typed_func::<(), i32>(&mut *store, "run")?.call(&mut *store, ()));
    let reason = result.as_ref().err().and_then(|error| store.data().meter.explain(error));
    Run { result, reason, usage: usage(store), calls: store.data().calls }
}
