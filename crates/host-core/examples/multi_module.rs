//! Modules that import from each other: `app` logs numbers through `logger`.
//!
//! By name in whatever order, and the plain Wasmtime way for comparison.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_core::{Modules, Profile, guard};
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
    let misspelt = Module::new(&engine, r#"(module (import "loger" "log" (func (param i32))))"#)?;
    let error = Modules::new()
        .add("app", misspelt)?
        .add("logger", logger)?
        .instantiate(&mut store, &Linker::new(&engine))
        .expect_err("there is no `loger`");
    println!("{error}");
    assert!(error.to_string().contains("did you mean `logger.log`?"));
    Ok(())
}
