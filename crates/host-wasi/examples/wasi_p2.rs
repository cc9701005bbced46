//! Runs a WASI 0.2 component in a store with data of one's own.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_wasi::{Grants, HasWasi, Output, Stdin, Wasi, p2};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::p2::bindings::sync::Command;

/// What this program keeps for each guest.
struct ServerState {
    customer: String,
    wasi: Wasi,
}

/// Tells where the grants are; nothing more is asked of the store's data.
impl HasWasi for ServerState {
    fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::new();
    config.wasm_component_model(true);
    let engine = Engine::new(&config)?;
    let component = Component::from_file(&engine, fixtures::path("p2-command"))?;

    let mut linker = Linker::<ServerState>::new(&engine);
    p2::add_to_linker_sync(&mut linker)?;

    let grants = Grants::default()
        .args(["app", "--stdin"])
        .stdin(Stdin::Text("a line for the guest".into()))
        .stdout(Output::Capture(64 * 1024));
    let state = ServerState { customer: "first".into(), wasi: Wasi::new(&grants)? };
    let mut store = Store::new(&engine, state);

    let command = Command::instantiate(&mut store, &component, &linker)?;
    let result = command.wasi_cli_run().call_run(&mut store)?;

    let stdout = String::from_utf8(store.data().wasi.stdout())?;
    println!("the guest of the customer `{}` says:", store.data().customer);
    print!("{stdout}");

    assert_eq!(result, Ok(()));
    assert_eq!(stdout, "arg 0 app\narg 1 --stdin\nstdin 20 bytes a line for the guest\n");
    Ok(())
}
