//! The core module that echoes bytes, by hand.

use std::time::Instant;

use wasmtime::{Engine, Instance, InstancePre, Linker, Memory, Store, TypedFunc};

use super::{Host, Ticker, answer, arm, caught, engine, store};
use crate::guests;

pub(crate) struct Module {
    engine: Engine,
    plugin: InstancePre<Host>,
    _ticker: Ticker,
}

/// An instance that is kept.
pub(crate) struct KeptModule {
    store: Store<Host>,
    exports: Exports,
    _ticker: Ticker,
}

/// What a call needs of an instance.
struct Exports {
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    dealloc: TypedFunc<(u32, u32), ()>,
    process: TypedFunc<(u32, u32), u64>,
}

impl Module {
    pub(crate) fn new() -> Module {
        let engine = engine(true);
        let module = wasmtime::Module::new(&engine, guests::bytes_echo()).expect("it is a module");
        let plugin = Linker::new(&engine).instantiate_pre(&module).expect("it imports nothing");
        let ticker = Ticker::start(&engine);
        Module { engine, plugin, _ticker: ticker }
    }

    /// A call in a store of its own.
    pub(crate) async fn fresh(&self, input: &[u8]) -> Vec<u8> {
        let begun = Instant::now();
        let mut store = store(&self.engine);
        arm(&mut store, begun);
        let work = async {
            let instance = self.plugin.instantiate_async(&mut store).await?;
            Exports::of(&mut store, &instance)?.call(&mut store, input).await
        };
        let value = caught(work).await.expect("it works");
        answer(&mut store, begun, value).value
    }

    pub(crate) async fn kept(&self) -> KeptModule {
        let mut store = store(&self.engine);
        arm(&mut store, Instant::now());
        let instance = self.plugin.instantiate_async(&mut store).await.expect("it is linked");
        let exports = Exports::of(&mut store, &instance).expect("it exports them");
        KeptModule { store, exports, _ticker: Ticker::start(&self.engine) }
    }
}

impl KeptModule {
    /// A call with limits of its own, in the same instance as the one before.
    pub(crate) async fn call(&mut self, input: &[u8]) -> Vec<u8> {
        let begun = Instant::now();
        arm(&mut self.store, begun);
        let value = caught(self.exports.call(&mut self.store, input)).await.expect("it works");
        answer(&mut self.store, begun, value).value
    }
}

impl Exports {
    fn of(store: &mut Store<Host>, instance: &Instance) -> wasmtime::Result<Exports> {
        Ok(Exports {
            memory: instance
                .get_memory(&mut *store, "memory")
                .ok_or_else(|| wasmtime::Error::msg("no memory"))?,
            alloc: instance.get_typed_func(&mut *store, "alloc")?,
            dealloc: instance.get_typed_func(&mut *store, "dealloc")?,
            process: instance.get_typed_func(&mut *store, "process")?,
        })
    }

    async fn call(&self, store: &mut Store<Host>, input: &[u8]) -> wasmtime::Result<Vec<u8>> {
        let length = u32::try_from(input.len())?;
        let address = self.alloc.call_async(&mut *store, length).await?;
        self.memory.write(&mut *store, address as usize, input)?;
        let packed = self.process.call_async(&mut *store, (address, length)).await?;
        let (at, length_out) = ((packed >> 32) as usize, (packed & u64::from(u32::MAX)) as usize);
        let output = self.memory.data(&*store).get(at..at + length_out);
        let output = output.ok_or_else(|| wasmtime::Error::msg("out of bounds"))?.to_vec();
        self.dealloc.call_async(&mut *store, (address, length)).await?;
        Ok(output)
    }
}
