//! The linker of WASI 0.1.

use host_wasi::{Grants, HasWasi, Output, Wasi, exit_code, p1};
use wasmtime::Linker;

use crate::command::{ENGINE, Form, module, run, store};

/// A stranger's data, with the grants in one of its fields.
struct MyData {
    calls: u32,
    wasi: Wasi,
}

impl HasWasi for MyData {
    fn wasi(&mut self) -> &mut Wasi {
        self.calls += 1;
        &mut self.wasi
    }
}

#[test]
fn it_works_with_data_of_ones_own() {
    let grants = Grants::default().args(["mine"]).stdout(Output::Capture(100));
    let mut store = store(MyData { calls: 0, wasi: Wasi::new(&grants).unwrap() });
    let mut linker = Linker::new(&ENGINE);
    p1::add_to_linker_sync(&mut linker).unwrap();
    let instance = linker.instantiate(&mut store, module()).unwrap();
    instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap().call(&mut store, ()).unwrap();
    assert!(store.data().calls > 0);
    assert_eq!(store.data().wasi.stdout(), b"arg 0 mine\n");
}

#[test]
fn exit_codes_come_through() {
    let code = |args: &[&str]| {
        let ended = run(Form::P1, Grants::default(), args);
        ended.result.map_err(|error| exit_code(&error))
    };
    assert_eq!(code(&[]), Ok(()));
    assert_eq!(code(&["--exit=0"]), Err(Some(0)));
    assert_eq!(code(&["--exit=3"]), Err(Some(3)));
    assert_eq!(code(&["--panic"]), Err(None));
    assert_eq!(code(&["--exit=300"]), Err(None));
}

#[test]
fn adding_twice_is_an_error() {
    let mut linker = Linker::<Wasi>::new(&ENGINE);
    p1::add_to_linker_sync(&mut linker).unwrap();
    assert!(p1::add_to_linker_sync(&mut linker).is_err());
}

#[test]
fn a_context_built_without_grants_is_taken_too() {
    let mut wasi = Wasi::from(wasmtime_wasi::WasiCtxBuilder::new().arg("built").build_p1());
    wasi.set_max_resources(10);
    assert!(crate::command::run_module(module(), wasi).result.is_ok());
}
