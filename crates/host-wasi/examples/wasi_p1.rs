//! Runs a WASI 0.1 module, linked by name as Wasmtime's own command line does it, and reads its exit code.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_wasi::{Grants, Output, Wasi, exit_code, p1};
use wasmtime::{Engine, Linker, Module, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::default();
    let module = Module::from_file(&engine, fixtures::path("p1-command"))?;

    let mut linker = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker)?;

    let grants = Grants::default()
        .args(["app", "--verbose", "--exit=7"])
        .env("GREETING", "hello")
        .stdout(Output::Capture(64 * 1024));
    let mut store = Store::new(&engine, Wasi::new(&grants)?);

    // Named "", the module becomes the default one; a command runs in an instance of its own at each call.
    linker.module(&mut store, "", &module)?;
    let run = linker.get_default(&mut store, "")?.typed::<(), ()>(&store)?;
    let ended = run.call(&mut store, ()).expect_err("this guest ends by `exit`, which comes as an error");

    let stdout = String::from_utf8(store.data().stdout())?;
    print!("{stdout}");
    let code = exit_code(&ended);
    println!("exit code {code:?}");

    assert_eq!(stdout, "arg 0 app\narg 1 --verbose\narg 2 --exit=7\nenv GREETING=hello\n");
    assert_eq!(code, Some(7));
    Ok(())
}
