//! Modules that import from each other: `app` logs numbers through `logger`.
//!
//! By name in whatever order, once for many stores, with stubs for what is missing, and the plain Wasmtime way for
//! comparison.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_core::{MissingImport, Modules, Profile, guard};
use host_limits::{Limits, Meter, Ticker, arm};
use wasmtime::{Engine, Linker, Module, Store};

fn main() -> wasmtime::Result<()> {
    let limits = Limits::untrusted();
    let engine = Engine::new(limits.configure(&mut Profile::Untrusted.config()))?;
    let ticker = Ticker::start(&engine)?;
    let logger = Module::from_file(&engine, fixtures::path("logger"))?;
    let app = Module::from_file(&engine, fixtures::path("app"))?;
    let armed_store = || {
        let mut store = Store::new(&engine, Meter::new(limits.clone()));
        arm(&mut store, &ticker).map(|()| store)
    };

    // By name: the order is found, and all imports are checked before anything runs.
    let modules = Modules::new().add("app", app.clone())?.add("logger", logger.clone())?;
    println!("instantiated in this order: {}", modules.order()?.join(", "));
    assert_eq!(modules.order()?, ["logger", "app"]);
    let outcome = guard(&mut armed_store()?, |store| {
        let instances = modules.instantiate(&mut *store, &Linker::new(&engine))?;
        let call = |store: &mut Store<Meter>, module: &str, name| {
            instances[module].get_typed_func::<(), i32>(&mut *store, name)?.call(store, ())
        };
        Ok((call(store, "app", "run")?, call(store, "logger", "count")?, call(store, "logger", "total")?))
    })?;
    println!(
        "the app logged {} numbers; the logger counts {} of sum {}",
        outcome.value.0, outcome.value.1, outcome.value.2
    );
    assert_eq!(outcome.value, (3, 3, 6));

    // Linked once, instantiated many times: each store has its own numbers, and a report says what comes from where.
    let linked = modules.link(armed_store()?, &Linker::new(&engine))?;
    for import in linked.sources() {
        println!("{import}");
    }
    for _ in 0..3 {
        let outcome = guard(&mut armed_store()?, |store| {
            let instances = linked.instantiate(&mut *store)?;
            instances["app"].get_typed_func::<(), i32>(&mut *store, "run")?.call(&mut *store, ())?;
            instances["logger"].get_typed_func::<(), i32>(&mut *store, "total")?.call(store, ())
        })?;
        assert_eq!(outcome.value, 6);
    }

    // Plain Wasmtime: the order is yours to know.
    let mut store = armed_store()?;
    let mut linker = Linker::new(&engine);
    let logger_instance = linker.instantiate(&mut store, &logger)?;
    linker.instance(&mut store, "logger", logger_instance)?;
    let app_instance = linker.instantiate(&mut store, &app)?;
    let logged = app_instance.get_typed_func::<(), i32>(&mut store, "run")?.call(&mut store, ())?;
    let total = logger_instance.get_typed_func::<(), i32>(&mut store, "total")?.call(&mut store, ())?;
    assert_eq!((logged, total), (3, 6));

    // What is missing is told before anything runs, all of it, with what was perhaps meant.
    let misspelt = r#"(module (import "loger" "log" (func $log (param i32)))
        (func (export "run") (call $log (i32.const 1))))"#;
    let misspelt = Module::new(&engine, misspelt)?;
    let modules = Modules::new().add("app", misspelt)?.add("logger", logger)?;
    let error = modules.instantiate(&mut store, &Linker::new(&engine)).expect_err("there is no `loger`");
    println!("{error}");
    assert!(error.to_string().contains("did you mean `logger.log`?"));

    // Or the guest is let in all the same, and stopped when it calls what is missing.
    let linked = modules.stub_missing().link(&mut store, &Linker::new(&engine))?;
    println!("{}", linked.stubs().next().expect("one import is missing"));
    let fault = guard(&mut armed_store()?, |store| {
        let app = linked.instantiate(&mut *store)?["app"];
        app.get_typed_func::<(), ()>(&mut *store, "run")?.call(store, ())
    })
    .expect_err("it calls `loger.log`");
    println!("{fault}");
    assert!(fault.error().is::<MissingImport>());
    Ok(())
}
