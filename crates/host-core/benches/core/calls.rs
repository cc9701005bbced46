//! Calls into the guest, and out of it to a host function.

use std::hint::black_box;

use criterion::Criterion;
use host_core::{Export, HostFunctions, guard};
use wasmtime::{Caller, Engine, Linker, Module, TypedFunc};

use crate::comparison::Comparison;
use crate::{armed, engine, optimised, raw};

const ADD: &str =
    r#"(module (func (export "run") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#;

/// Calls the host so many times in one call of its own.
const OUT: &str = r#"(module
    (import "env" "next" (func $next (param i32) (result i32)))
    (func (export "run") (param $count i32) (param $value i32) (result i32)
        (loop $again
            (local.set $value (call $next (local.get $value)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br_if $again (local.get $count)))
        (local.get $value)))"#;
const CALLS: i32 = 1_000;

pub(crate) fn measure(criterion: &mut Criterion, table: &mut String) {
    call_in(criterion, table);
    call_out(criterion, table);
}

fn call_in(criterion: &mut Criterion, table: &mut String) {
    let (engine, ticker) = engine(&optimised());
    let module = Module::new(&engine, ADD).expect("the guest is right");

    let mut by_hand = raw::store(&engine);
    let add = find(&engine, &module, &mut by_hand);
    let mut ours = armed(&engine, &ticker);
    let instance = Linker::new(&engine).instantiate(&mut ours, &module).expect("it needs nothing");
    let export = Export::<(i32, i32), i32>::find(&mut ours, &instance, "run").expect("it is there");

    let mut calls = Comparison::new("typed call in, unguarded");
    calls.add("raw Wasmtime", || {
        black_box(add.call(&mut by_hand, black_box((2, 3))).expect("it adds"));
    });
    calls.add("host-core: func", || {
        black_box(export.func().call(&mut ours, black_box((2, 3))).expect("it adds"));
    });
    calls.measure(criterion, table);

    let mut calls = Comparison::new("typed call in, with its usage");
    calls.add("raw Wasmtime", || {
        black_box(raw::guarded(&mut by_hand, |store| add.call(store, black_box((2, 3)))).expect("it adds"));
    });
    calls.add("host-core: guard", || {
        black_box(guard(&mut ours, |store| export.func().call(store, black_box((2, 3)))).expect("it adds"));
    });
    calls.measure(criterion, table);

    let mut calls = Comparison::new("typed call in, with its usage and a span");
    calls.add("raw Wasmtime", || {
        black_box(raw::guarded(&mut by_hand, |store| add.call(store, black_box((2, 3)))).expect("it adds"));
    });
    calls.add("host-core: Export::call", || {
        black_box(export.call(&mut ours, black_box((2, 3))).expect("it adds"));
    });
    calls.measure(criterion, table);
}

fn find<T: 'static>(
    engine: &Engine,
    module: &Module,
    store: &mut wasmtime::Store<T>,
) -> TypedFunc<(i32, i32), i32> {
    let instance = Linker::new(engine).instantiate(&mut *store, module).expect("it needs nothing");
    instance.get_typed_func(store, "run").expect("it is there")
}

fn call_out(criterion: &mut Criterion, table: &mut String) {
    let (engine, ticker) = engine(&optimised());
    let module = Module::new(&engine, OUT).expect("the guest is right");

    let mut by_hand = raw::store(&engine);
    let mut linker = Linker::new(&engine);
    let next = |_: Caller<'_, raw::Guards>, value: i32| value.wrapping_add(1);
    linker.func_wrap("env", "next", next).expect("the name is free");
    let instance = linker.instantiate(&mut by_hand, &module).expect("it is linked");
    let run = instance.get_typed_func::<(i32, i32), i32>(&mut by_hand, "run").expect("it is there");

    let mut ours = armed(&engine, &ticker);
    let mut linker = Linker::new(&engine);
    HostFunctions::new("env")
        .func("next", |_: Caller<'_, host_limits::Meter>, value: i32| -> i32 { value.wrapping_add(1) })
        .add_to_linker(&mut linker)
        .expect("the name is free");
    let instance = linker.instantiate(&mut ours, &module).expect("it is linked");
    let our_run = instance.get_typed_func::<(i32, i32), i32>(&mut ours, "run").expect("it is there");

    let mut calls = Comparison::new("host call out, a thousand times");
    calls.add("raw Wasmtime: func_wrap", || {
        black_box(run.call(&mut by_hand, (CALLS, 0)).expect("it counts"));
    });
    calls.add("host-core: HostFunctions", || {
        black_box(our_run.call(&mut ours, (CALLS, 0)).expect("it counts"));
    });
    calls.measure(criterion, table);
}
