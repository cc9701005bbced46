//! A plugin with typed bindings, sync: host imports, instantiation, calls.
//!
//! Run it with `cargo run -p host-component --example bindgen_typed`, after `cargo xtask guests`.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_component::bindings::sync::MyPluginPre;
use host_component::{HasLog, Log, log};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// The data of one store: what the plugin logged, and WASI without any grant.
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

// The plugin is a Rust program; its standard library wants WASI to be there, even if it is given nothing.
impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

fn main() -> wasmtime::Result<()> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, fixtures::path("plugins/greeter"))?;

    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    log::add_to_linker(&mut linker)?;

    // Everything about the component's world is checked here, once; what follows is cheap enough to do for each call.
    let plugin = MyPluginPre::new(linker.instantiate_pre(&component)?)?;

    let log = Log::with_limit(4096).to(|line| println!("[plugin] {line}"));
    let host = Host { log, wasi: WasiCtxBuilder::new().build(), table: ResourceTable::new() };
    let mut store = Store::new(&engine, host);
    let plugin = plugin.instantiate(&mut store)?;
    let api = plugin.my_org_my_plugin_plugin_api();

    println!("version {}", api.call_get_version(&mut store)?);
    for name in ["Ada", ""] {
        match api.call_process(&mut store, name)? {
            Ok(answer) => println!("{name:?} -> {answer}"),
            Err(reason) => println!("{name:?} -> the plugin says no: {reason}"),
        }
    }

    assert_eq!(api.call_process(&mut store, "Ada")?.as_deref(), Ok("Hello, Ada!"));
    assert!(store.data().log.lines().contains(&"greeting Ada".to_owned()));
    Ok(())
}
