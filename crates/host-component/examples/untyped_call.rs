//! A component nobody wrote bindings for: look at it, then call it with text.
//!
//! Run it with `cargo run -p host-component --example untyped_call`, after `cargo xtask guests`.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_component::doctor::Doctor;
use host_component::{HasLog, Log, call, inspect, json, log, wave};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

struct Host {
    log: Log,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl HasLog for Host {
    fn log(&mut self) -> &mut Log {
        &mut self.log
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

fn main() -> wasmtime::Result<()> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, fixtures::path("plugins/greeter"))?;

    let description = inspect::describe(&component);
    println!("exports: {:?}", description.exported_interfaces().collect::<Vec<_>>());
    println!("imports: {} interfaces", description.imported_interfaces().count());

    // A linker without `log`: the doctor says what is missing before anything runs.
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    let report = Doctor::new().check(&component, &linker).unwrap_err();
    println!("{report}");
    assert_eq!(report.problems.len(), 1);
    log::add_to_linker(&mut linker)?;
    Doctor::new().check(&component, &linker)?;

    let host = Host { log: Log::new(), wasi: WasiCtxBuilder::new().build(), table: ResourceTable::new() };
    let mut store = Store::new(&engine, host);
    let instance = linker.instantiate(&mut store, &component)?;

    // WAVE, as typed at a shell.
    let (process, arguments) = wave::parse_call(&component, r#"process("Ada")"#)?;
    println!("{}: {}", process.full_name(), process.signature());
    let results = call(&mut store, &instance, &process, &arguments)?;
    println!("wave: {}", wave::results(&results)?);
    assert_eq!(wave::results(&results)?, r#"ok("Hello, Ada!")"#);

    // JSON, as sent over a wire.
    let arguments = json::arguments(&process, &serde_json::json!({ "input": "" }))?;
    let results = call(&mut store, &instance, &process, &arguments)?;
    println!("json: {}", json::results(&results)?);
    assert_eq!(json::results(&results)?, serde_json::json!({ "err": "nobody to greet" }));

    // A mistake of ours is told apart, and the instance goes on.
    let mistake = json::arguments(&process, &serde_json::json!([42])).unwrap_err();
    println!("mistake: {mistake}");
    let error = call(&mut store, &instance, &process, &[]).unwrap_err();
    println!("mistake: {error}");
    let (version, none) = wave::parse_call(&component, "get-version()")?;
    println!("version: {}", wave::results(&call(&mut store, &instance, &version, &none)?)?);
    println!("logged: {:?}", store.data_mut().log().lines());
    Ok(())
}
