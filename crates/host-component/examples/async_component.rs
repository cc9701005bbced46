//! A plugin in an async host: the host function `log` waits until there is room, and other work goes on.
//!
//! Run it with `cargo run -p host-component --example async_component`, after `cargo xtask guests`.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_component::bindings::asynchronous::{MyPlugin, MyPluginImports};
use tokio::sync::mpsc;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

struct Host {
    lines: mpsc::Sender<String>,
    wasi: WasiCtx,
    table: ResourceTable,
}

/// A plain `async fn`: the guest is suspended until there is room for its line.
impl MyPluginImports for Host {
    async fn log(&mut self, message: String) {
        // Whether anybody still listens is not the guest's business.
        let _ = self.lines.send(message).await;
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> wasmtime::Result<()> {
    // Nothing needs to be switched on: every engine can do async.
    let engine = Engine::default();
    let component = Component::from_file(&engine, fixtures::path("plugins/greeter"))?;

    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    MyPlugin::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;

    // Room for one line: the plugin waits while the writer is behind.
    let (lines, mut written) = mpsc::channel(1);
    let writer = tokio::spawn(async move {
        let mut log = Vec::new();
        while let Some(line) = written.recv().await {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            println!("[written] {line}");
            log.push(line);
        }
        log
    });

    let host = Host { lines, wasi: WasiCtxBuilder::new().build(), table: ResourceTable::new() };
    let mut store = Store::new(&engine, host);
    let plugin = MyPlugin::instantiate_async(&mut store, &component, &linker).await?;
    let api = plugin.my_org_my_plugin_plugin_api();
    for name in ["Ada", "Grace", "Barbara"] {
        let answer = api.call_process(&mut store, name).await?;
        println!("{answer:?}");
        assert_eq!(answer, Ok(format!("Hello, {name}!")));
    }

    // With the store goes the sender, and with it the writer's work.
    drop(store);
    assert_eq!(writer.await?, ["greeting Ada", "greeting Grace", "greeting Barbara"]);
    Ok(())
}
