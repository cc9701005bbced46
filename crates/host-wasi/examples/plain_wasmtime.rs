//! A plain Wasmtime program that gives a guest a scratch directory, and is told what it asked for in vain.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_wasi::{Grants, HasWasi, Wasi, p2};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::sync::Command;

/// What this program keeps for each guest: anything, and the grants.
struct Customer {
    name: String,
    wasi: Wasi,
}

impl HasWasi for Customer {
    fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, fixtures::path("p2-command"))?;
    let mut linker = Linker::<Customer>::new(&engine);
    p2::add_to_linker_sync(&mut linker)?;

    // As it would stand in a file. What is not named is not there.
    let grants: Grants = toml::from_str(
        r#"
        args = ["report", "--write=/tmp/note", "--read=/tmp/note", "--connect=10.0.0.1:80"]
        stdout = { capture = 65536 }
        network = ["tcp://127.0.0.1:8080"]

        [[scratch]]
        guest = "/tmp"
        bytes = 1048576
        files = 10
        "#,
    )?;
    let customer = Customer { name: "ada".into(), wasi: Wasi::new(&grants)? };
    let mut store = Store::new(&engine, customer);
    let command = Command::instantiate(&mut store, &component, &linker)?;
    assert_eq!(command.wasi_cli_run().call_run(&mut store)?, Ok(()));

    let Customer { name, wasi } = store.data();
    let said = String::from_utf8(wasi.stdout())?;
    println!("the guest of {name} says:\n{said}");
    assert!(said.contains("file /tmp/note written by guest"));

    for denial in wasi.denials() {
        println!("{denial}");
    }
    assert_eq!(wasi.denials()[0].grant, r#"network = ["tcp://10.0.0.1:80"]"#);
    Ok(())
}
