//! The linker of WASI 0.2.

use host_wasi::{Grants, HasWasi, Output, Wasi, exit_code, p2};
use wasmtime::component::{Linker, ResourceType};
use wasmtime_wasi::p2::bindings::sync::Command;

use crate::command::{ENGINE, Form, component, run, store};

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
    p2::add_to_linker_sync(&mut linker).unwrap();
    let command = Command::instantiate(&mut store, component(), &linker).unwrap();
    command.wasi_cli_run().call_run(&mut store).unwrap().unwrap();
    assert!(store.data().calls > 0);
    assert_eq!(store.data().wasi.stdout(), b"arg 0 mine\n");
}

#[test]
fn an_exit_code_comes_as_good_or_bad() {
    let code = |args: &[&str]| {
        let ended = run(Form::P2, Grants::default(), args);
        ended.result.map_err(|error| exit_code(&error))
    };
    assert_eq!(code(&[]), Ok(()));
    assert_eq!(code(&["--exit=0"]), Err(Some(0)));
    assert_eq!(code(&["--exit=3"]), Err(Some(1)));
    assert_eq!(code(&["--panic"]), Err(None));
}

#[test]
fn adding_twice_is_an_error() {
    let mut linker = Linker::<Wasi>::new(&ENGINE);
    p2::add_to_linker_sync(&mut linker).unwrap();
    assert!(p2::add_to_linker_sync(&mut linker).is_err());
    assert!(p2::add_to_linker_async(&mut Linker::<Wasi>::new(&ENGINE)).is_ok());
}

/// Each interface of `wasi:cli/imports`, with one thing that is in it.
pub(crate) const INTERFACES: [(&str, &str); 27] = [
    ("cli/environment", "get-environment"),
    ("cli/exit", "exit"),
    ("cli/stdin", "get-stdin"),
    ("cli/stdout", "get-stdout"),
    ("cli/stderr", "get-stderr"),
    ("cli/terminal-input", "terminal-input"),
    ("cli/terminal-output", "terminal-output"),
    ("cli/terminal-stdin", "get-terminal-stdin"),
    ("cli/terminal-stdout", "get-terminal-stdout"),
    ("cli/terminal-stderr", "get-terminal-stderr"),
    ("clocks/monotonic-clock", "now"),
    ("clocks/wall-clock", "now"),
    ("filesystem/preopens", "get-directories"),
    ("filesystem/types", "descriptor"),
    ("io/error", "error"),
    ("io/poll", "pollable"),
    ("io/streams", "output-stream"),
    ("random/insecure", "get-insecure-random-bytes"),
    ("random/insecure-seed", "insecure-seed"),
    ("random/random", "get-random-bytes"),
    ("sockets/instance-network", "instance-network"),
    ("sockets/ip-name-lookup", "resolve-addresses"),
    ("sockets/network", "network"),
    ("sockets/tcp", "tcp-socket"),
    ("sockets/tcp-create-socket", "create-tcp-socket"),
    ("sockets/udp", "udp-socket"),
    ("sockets/udp-create-socket", "create-udp-socket"),
];

#[test]
fn no_interface_is_forgotten() {
    let mut linkers = [Linker::<Wasi>::new(&ENGINE), Linker::<Wasi>::new(&ENGINE)];
    p2::add_to_linker_sync(&mut linkers[0]).unwrap();
    p2::add_to_linker_async(&mut linkers[1]).unwrap();
    for linker in &mut linkers {
        for (interface, item) in INTERFACES {
            // A name that is taken cannot be defined again.
            let name = format!("wasi:{interface}@0.2.12");
            let mut root = linker.root();
            let mut instance = root.instance(&name).unwrap();
            let again = instance.resource(item, ResourceType::host::<()>(), |_, _| Ok(()));
            assert!(again.is_err(), "{name} has no {item}");
        }
    }
}

#[test]
fn the_list_of_interfaces_is_what_the_linker_has() {
    // What the test above finds in the linker, and what a command imports.
    let mut found: Vec<String> =
        INTERFACES.iter().map(|(interface, _)| format!("wasi:{interface}@0.2.12")).collect();
    found.sort();
    assert_eq!(found, p2::INTERFACES);
    let wanted = component();
    for (name, _) in wanted.component_type().imports(&ENGINE) {
        let (interface, _) = name.split_once('@').unwrap();
        assert!(p2::INTERFACES.iter().any(|listed| listed.starts_with(&format!("{interface}@"))), "{name}");
    }
}
