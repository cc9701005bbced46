//! A guest that calls the host a thousand times.

use std::hint::black_box;

use host_core::HostFunctions;
use host_limits::{Meter, Ticker, arm};
use wasmtime::{Caller, Engine, Instance, Linker, Module, Store};

use super::Job;
use crate::compare::Comparison;
use crate::guests;
use crate::report::Aim;
use crate::rivals::{extism, wasmer as wasmer_rival};

pub(super) fn jobs() -> Vec<Job> {
    vec![Job::new(
        "a thousand host calls",
        "A guest calls a function of the host a thousand times, each time with what it got the time before.",
        compare,
    )]
}

fn compare() -> Comparison {
    let mut comparison = Comparison::of_times();
    add_raw(&mut comparison);
    add_ours(&mut comparison);
    comparison.aim(Aim::at_most(1.05));
    add_extism(&mut comparison);
    add_wasmer(&mut comparison);
    let next: Box<dyn Fn(i64) -> i64> = black_box(Box::new(|value| value + 1));
    comparison.run("native Rust: a boxed function", move || {
        let mut value = 0;
        while value < 1_000 {
            value = black_box(next(value));
        }
    });
    comparison
}

fn engine() -> Engine {
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    Engine::new(&config).expect("the settings fit together")
}

fn add_raw(comparison: &mut Comparison) {
    let engine = engine();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("env", "next", |_: Caller<'_, ()>, value: i64| value + 1).expect("the name is free");
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(u64::MAX / 2);
    let run = run(&linker, &mut store);
    comparison.run("raw Wasmtime: func_wrap", move || run(&mut store));
}

fn add_ours(comparison: &mut Comparison) {
    let engine = engine();
    let mut linker = Linker::new(&engine);
    HostFunctions::new("env")
        .func("next", |_: Caller<'_, Meter>, value: i64| -> i64 { value + 1 })
        .add_to_linker(&mut linker)
        .expect("the name is free");
    let ticker = Ticker::start(&engine).expect("there may be a thread more");
    let limits = host_limits::Limits {
        fuel: None,
        deadline: std::time::Duration::from_secs(24 * 3600),
        ..Default::default()
    };
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker).expect("the engine can hold the limits");
    let run = run(&linker, &mut store);
    comparison.run("host-core: HostFunctions, which catch panics", move || {
        let _ticker = &ticker;
        run(&mut store);
    });
}

fn run<T: 'static>(linker: &Linker<T>, store: &mut Store<T>) -> impl Fn(&mut Store<T>) + use<T> {
    let module = Module::new(linker.engine(), guests::calls_host()).expect("the guest is right");
    let instance: Instance = linker.instantiate(&mut *store, &module).expect("it is linked");
    let run = instance.get_typed_func::<(), i32>(&mut *store, "run").expect("it is exported");
    move |store| assert_eq!(run.call(store, ()).expect("it ends"), 0)
}

fn add_extism(comparison: &mut Comparison) {
    use ::extism::{CurrentPlugin, UserData, Val, ValType};
    let next = |_: &mut CurrentPlugin, values: &[Val], results: &mut [Val], _: UserData<()>| {
        results[0] = Val::I64(values[0].unwrap_i64() + 1);
        Ok(())
    };
    let builder = extism::builder(guests::calls_host());
    let builder = builder.with_function_in_namespace(
        "env",
        "next",
        [ValType::I64],
        [ValType::I64],
        UserData::new(()),
        next,
    );
    let mut plugin = builder.build().expect("the plug-in is right");
    comparison.run("Extism: a function of any types", move || extism::run(&mut plugin));
}

fn add_wasmer(comparison: &mut Comparison) {
    use ::wasmer::{Function, Instance, Module, Store, imports};
    let engine = wasmer_rival::engine(None);
    let module = Module::new(&engine, guests::calls_host()).expect("the guest is right");
    let mut store = Store::new(engine);
    let next = Function::new_typed(&mut store, |value: i64| value + 1);
    let imports = imports! { "env" => { "next" => next } };
    let instance = Instance::new(&mut store, &module, &imports).expect("it is linked");
    let run = instance.exports.get_typed_function::<(), i32>(&store, "run").expect("it is exported");
    comparison.run("wasmer: new_typed", move || assert_eq!(run.call(&mut store).expect("it ends"), 0));
}
