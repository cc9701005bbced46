//! Runs guests under grants: the built command, as a WASI 0.1 module and as a 0.2 component, and inline modules.

use std::sync::LazyLock;

use host_wasi::{Grants, Output, Wasi, p1, p2};
use wasmtime::component::{Component, Linker as ComponentLinker};
use wasmtime::{Config, Engine, Linker, Module, Result, Store, format_err};
use wasmtime_wasi::p2::bindings::sync::Command;

/// Both forms of the command: what holds for one holds for the other.
pub(crate) const BOTH: [Form; 2] = [Form::P1, Form::P2];

/// Enough for anything a test asks of a guest, and an end for one that never stops.
const FUEL: u64 = 20_000_000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    P1,
    P2,
}

/// What is left when a guest has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) result: Result<()>,
    pub(crate) wasi: Wasi,
}

impl Ended {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.wasi.stdout()).unwrap()
    }

    /// Whether one of the lines printed is `line`.
    pub(crate) fn printed(&self, line: &str) -> bool {
        self.stdout().lines().any(|printed| printed == line)
    }
}

pub(crate) static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Config::new().consume_fuel(true)).unwrap());

static MODULE: LazyLock<Module> =
    LazyLock::new(|| Module::new(&ENGINE, fixtures::bytes("p1-command")).unwrap());

static COMPONENT: LazyLock<Component> =
    LazyLock::new(|| Component::new(&ENGINE, fixtures::bytes("p2-command")).unwrap());

pub(crate) fn module() -> &'static Module {
    &MODULE
}

pub(crate) fn component() -> &'static Component {
    &COMPONENT
}

/// Runs the command with `args` after its name. Its standard output is captured unless the grants say otherwise.
pub(crate) fn run(form: Form, grants: Grants, args: &[&str]) -> Ended {
    let mut grants = grants.args(["command"]).args(args.iter().copied());
    if grants.stdout == Output::Discard {
        grants.stdout = Output::Capture(1 << 20);
    }
    let wasi = Wasi::new(&grants).unwrap();
    match form {
        Form::P1 => run_module(module(), wasi),
        Form::P2 => run_component(component(), wasi),
    }
}

pub(crate) fn run_module(module: &Module, wasi: Wasi) -> Ended {
    let mut store = store(wasi);
    let result = (|| {
        let mut linker = Linker::new(&ENGINE);
        p1::add_to_linker_sync(&mut linker)?;
        let instance = linker.instantiate(&mut store, module)?;
        instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())
    })();
    Ended { result, wasi: store.into_data() }
}

pub(crate) fn run_component(component: &Component, wasi: Wasi) -> Ended {
    let mut store = store(wasi);
    let result = (|| {
        let mut linker = ComponentLinker::new(&ENGINE);
        p2::add_to_linker_sync(&mut linker)?;
        let command = Command::instantiate(&mut store, component, &linker)?;
        let said = command.wasi_cli_run().call_run(&mut store)?;
        said.map_err(|()| format_err!("the component said that it failed"))
    })();
    Ended { result, wasi: store.into_data() }
}

pub(crate) fn store<T>(data: T) -> Store<T> {
    let mut store = Store::new(&ENGINE, data);
    store.set_fuel(FUEL).unwrap();
    store
}
