//! A fresh instance, one call, and its end: the price of giving every call a store of its own.

use std::hint::black_box;

use criterion::Criterion;
use host_core::{Allocation, EngineSettings, PoolSettings, guard};
use wasmtime::{InstancePre, Linker, Module};

use crate::comparison::Comparison;
use crate::{armed, engine, limits, optimised, raw};

/// As a compiler leaves it: a memory with data, a table, and a function that writes to its memory.
pub(crate) const GUEST: &str = r#"(module
    (memory (export "memory") 17)
    (table 20 funcref)
    (elem (i32.const 1) $touch)
    (data (i32.const 1048576) "what the guest brings along")
    (func $touch (export "run") (param i32 i32) (result i32)
        (i32.store (i32.const 1048600) (local.get 0))
        (i32.add (i32.load (i32.const 1048600)) (local.get 1))))"#;

pub(crate) fn measure(criterion: &mut Criterion, table: &mut String) {
    let pool = PoolSettings { guests: 64, ..PoolSettings::default() };
    let from_pool = EngineSettings { allocation: Allocation::Pool(pool), ..optimised() };
    for (name, settings) in [
        ("fresh instance, call, drop", optimised()),
        ("fresh instance from a pool, call, drop", from_pool.clone()),
    ] {
        let (engine, ticker) = engine(&settings);
        let module = Module::new(&engine, GUEST).expect("the guest is right");
        let by_hand = Linker::new(&engine).instantiate_pre(&module).expect("it needs nothing");
        let ours = Linker::new(&engine).instantiate_pre(&module).expect("it needs nothing");
        let mut fresh = Comparison::new(name);
        fresh.add("raw Wasmtime", || raw_call(&by_hand));
        fresh.add("host-core", || {
            let mut store = armed(&engine, &ticker);
            let outcome = guard(&mut store, |store| {
                let instance = ours.instantiate(&mut *store)?;
                instance.get_typed_func::<(i32, i32), i32>(&mut *store, "run")?.call(store, (2, 3))
            });
            black_box(outcome.expect("it adds"));
        });
        fresh.measure(criterion, table);
    }

    // The same guest on both, so that what the pool gives is one ratio.
    let [on_demand, pooled] = [optimised(), from_pool].map(|settings| {
        let engine = settings.engine(&limits()).expect("the settings fit together");
        let module = Module::new(&engine, GUEST).expect("the guest is right");
        Linker::new(&engine).instantiate_pre(&module).expect("it needs nothing")
    });
    let mut allocation = Comparison::new("fresh instance on demand and from a pool");
    allocation.add("on demand", || raw_call(&on_demand));
    allocation.add("from a pool", || raw_call(&pooled));
    allocation.measure(criterion, table);
}

fn raw_call(program: &InstancePre<raw::Guards>) {
    let mut store = raw::store(program.module().engine());
    let outcome = raw::guarded(&mut store, |store| {
        let instance = program.instantiate(&mut *store)?;
        instance.get_typed_func::<(i32, i32), i32>(&mut *store, "run")?.call(store, (2, 3))
    });
    black_box(outcome.expect("it adds"));
}
