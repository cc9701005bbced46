//! Stores that serve several calls: each call's output and refusals are its own, and its allowances are whole.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use host_wasi::{
    Access, Grants, Output, OutputRefused, OutputStream, Quota, Recorded, Wasi, WasiOptions, p1, p2,
};
use wasmtime::component::{self, Component};
use wasmtime::{Instance, Linker, Module, Store};
use wasmtime_wasi::p2::bindings::sync::Command;

use crate::command::{ENGINE, component, store};

/// Prints ten bytes to standard output per `print`; `insist` does so whatever comes of it. `create` makes a file
/// with a new name in the first directory, and fills nothing. Each export is one call.
const PRINTER: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\10\00\00\00\0a\00\00\00")
    (data (i32.const 16) "123456789\0a")
    (global $name (mut i32) (i32.const 97))
    (func $print (export "print") (result i32)
        (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (func (export "print-half") (result i32) (local $errno i32)
        (i32.store (i32.const 4) (i32.const 5))
        (local.set $errno (call $print))
        (i32.store (i32.const 4) (i32.const 10))
        (local.get $errno))
    (func (export "insist") (result i32)
        (loop $again (drop (call $print)) (br $again))
        unreachable)
    (func (export "create") (result i32)
        (i32.store8 (i32.const 40) (global.get $name))
        (global.set $name (i32.add (global.get $name) (i32.const 1)))
        (call $open (i32.const 3) (i32.const 0) (i32.const 40) (i32.const 1) (i32.const 1)
            (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8))))"#;

/// One instance in one store.
struct Kept {
    store: Store<Wasi>,
    instance: Instance,
}

const NO_SPACE: i32 = 51;

impl Kept {
    fn open(options: &WasiOptions, grants: &Grants) -> Kept {
        let mut linker = Linker::new(&ENGINE);
        p1::add_to_linker_sync(&mut linker).unwrap();
        let mut store = store(options.open(grants).unwrap());
        let instance = linker.instantiate(&mut store, &Module::new(&ENGINE, PRINTER).unwrap()).unwrap();
        Kept { store, instance }
    }

    fn new(grants: Grants) -> Kept {
        Kept::open(&WasiOptions::new(), &grants)
    }

    fn call(&mut self, export: &str) -> wasmtime::Result<i32> {
        self.instance.get_typed_func::<(), i32>(&mut self.store, export)?.call(&mut self.store, ())
    }

    fn take(&mut self) -> Recorded {
        self.store.data_mut().take_recorded()
    }
}

#[test]
fn each_call_has_its_own_output_and_the_whole_allowance() {
    let mut kept = Kept::new(Grants::default().stdout(Output::Capture(25)));
    for call in 0..3 {
        assert_eq!((kept.call("print").unwrap(), kept.call("print").unwrap()), (0, 0), "call {call}");
        let recorded = kept.take();
        assert_eq!(recorded.stdout, b"123456789\n123456789\n", "call {call}");
        assert_eq!(recorded.output_refused, None, "call {call}");
    }
    assert_eq!(kept.take(), Recorded::default());
}

#[test]
fn a_component_that_is_called_again_has_it_too() {
    let grants = Grants::default().args(["command"]).stdout(Output::Capture(14));
    let mut linker = component::Linker::new(&ENGINE);
    p2::add_to_linker_sync(&mut linker).unwrap();
    let mut store = store(Wasi::new(&grants).unwrap());
    let component: &Component = component();
    for call in 0..3 {
        let command = Command::instantiate(&mut store, component, &linker).unwrap();
        command.wasi_cli_run().call_run(&mut store).unwrap().unwrap();
        assert_eq!(store.data_mut().take_recorded().stdout, b"arg 0 command\n", "call {call}");
    }
}

#[test]
fn a_refusal_is_told_once() {
    let mut kept = Kept::new(Grants::default().stdout(Output::Capture(25)));
    for call in 0..3 {
        // Ten failures in a call, which would be too many for all three together.
        let errors: Vec<i32> = (0..12).map(|_| kept.call("print").unwrap()).collect();
        assert_eq!(errors[..3], [0, 0, NO_SPACE], "call {call}");
        let refused = kept.take().output_refused.unwrap();
        assert_eq!((refused.stream, refused.limit), (OutputStream::Stdout, 25), "call {call}");
        assert_eq!(kept.store.data().output_refused(), None, "call {call}");
    }
    assert!(kept.call("insist").unwrap_err().is::<OutputRefused>());
    assert_eq!(kept.take().stdout.len(), 25);
}

#[test]
fn a_file_has_one_size_for_all_calls() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let mut kept = Kept::new(Grants::default().stdout(Output::File { path: path.clone(), size: 25 }));
    assert_eq!((kept.call("print").unwrap(), kept.call("print").unwrap()), (0, 0));
    assert_eq!(kept.take(), Recorded::default());
    assert_eq!(kept.call("print").unwrap(), NO_SPACE);
    assert!(kept.take().output_refused.is_some());
    assert_eq!(kept.take(), Recorded::default());
    assert_eq!(fs::metadata(&path).unwrap().len(), 25);
}

#[test]
fn lines_end_with_the_call_and_are_counted_anew() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let options =
        WasiOptions::new().max_lines(15).on_line(move |line| keep.lock().unwrap().push(line.text.to_owned()));
    let mut kept = Kept::open(&options, &Grants::default().stdout(Output::Lines(80)));
    for call in 0..3 {
        assert_eq!((kept.call("print").unwrap(), kept.call("print-half").unwrap()), (0, 0), "call {call}");
        assert_eq!(kept.take(), Recorded::default(), "call {call}");
        assert_eq!(*seen.lock().unwrap(), ["123456789", "12345"].repeat(call + 1), "call {call}");
    }
}

#[test]
fn denials_and_full_quotas_are_those_of_the_call() {
    let create_in = |path: &Path, quota: Option<Quota>| match quota {
        Some(quota) => Kept::new(Grants::default().directory_with_quota(path, "d", quota)),
        None => Kept::new(Grants::default().directory(path, "d", Access::ReadOnly)),
    };
    let folder = tempfile::tempdir().unwrap();
    let mut kept = create_in(folder.path(), None);
    for asked in ["d/a", "d/b"] {
        assert_ne!(kept.call("create").unwrap(), 0);
        let denials = kept.take().denials;
        assert!(matches!(&denials[..], [one] if one.asked.contains(asked)), "{denials:?}");
    }
    assert_eq!(kept.take(), Recorded::default());

    let mut kept = create_in(folder.path(), Some(Quota { bytes: 100, files: 1 }));
    assert_eq!(kept.call("create").unwrap(), 0);
    assert_eq!(kept.take().quota_refused, None);
    for refusals in [1, 2] {
        for _ in 0..refusals {
            assert_eq!(kept.call("create").unwrap(), NO_SPACE);
        }
        assert_eq!(kept.take().quota_refused.unwrap().refusals, refusals);
        assert_eq!(kept.store.data().quota_refused(), None);
    }
}
