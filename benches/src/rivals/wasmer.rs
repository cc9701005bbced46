//! Through wasmer with Cranelift, as it comes: it has no limits but what is built into a module.

use std::sync::Arc;

use wasmer::sys::{CompilerConfig, Cranelift, EngineBuilder};
use wasmer::{Engine, Imports, Instance, Memory, Module, Store, TypedFunction};
use wasmer_middlewares::Metering;

use crate::guests;

/// An engine, whose guests have so many points to spend if that is said, one for each instruction.
pub(crate) fn engine(points: Option<u64>) -> Engine {
    let mut compiler = Cranelift::default();
    if let Some(points) = points {
        compiler.push_middleware(Arc::new(Metering::new(points, |_| 1)));
    }
    EngineBuilder::new(compiler).engine().into()
}

/// The core module that echoes bytes.
pub(crate) struct Wasmer {
    engine: Engine,
    module: Module,
}

/// An instance that is kept.
pub(crate) struct Kept {
    store: Store,
    memory: Memory,
    alloc: TypedFunction<u32, u32>,
    dealloc: TypedFunction<(u32, u32), ()>,
    process: TypedFunction<(u32, u32), u64>,
}

impl Wasmer {
    pub(crate) fn echo() -> Wasmer {
        let engine = engine(None);
        let module = Module::new(&engine, guests::bytes_echo()).expect("it is a module");
        Wasmer { engine, module }
    }

    /// A call in a store of its own.
    pub(crate) fn fresh(&self, input: &[u8]) -> Vec<u8> {
        self.kept().call(input)
    }

    pub(crate) fn kept(&self) -> Kept {
        let mut store = Store::new(self.engine.clone());
        let instance = Instance::new(&mut store, &self.module, &Imports::new()).expect("it imports nothing");
        let exports = &instance.exports;
        Kept {
            memory: exports.get_memory("memory").expect("it is exported").clone(),
            alloc: exports.get_typed_function(&store, "alloc").expect("it is exported"),
            dealloc: exports.get_typed_function(&store, "dealloc").expect("it is exported"),
            process: exports.get_typed_function(&store, "process").expect("it is exported"),
            store,
        }
    }
}

impl Kept {
    pub(crate) fn call(&mut self, input: &[u8]) -> Vec<u8> {
        let length = u32::try_from(input.len()).expect("the input is small");
        let address = self.alloc.call(&mut self.store, length).expect("there is room");
        self.memory.view(&self.store).write(u64::from(address), input).expect("it is within the memory");
        let packed = self.process.call(&mut self.store, address, length).expect("it works");
        let (at, length_out) = (packed >> 32, packed & u64::from(u32::MAX));
        let mut output = vec![0; length_out as usize];
        self.memory.view(&self.store).read(at, &mut output).expect("it is within the memory");
        self.dealloc.call(&mut self.store, address, length).expect("it works");
        output
    }
}
