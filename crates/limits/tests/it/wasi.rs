//! Budgets that WASI has to keep: open resources, random bytes, output.

use host_limits::{Bytes, Exceeded, HasMeter, Limits, Meter, Ticker, arm};
use host_wasi::{Access, Grants, HasWasi, Output, Wasi, WasiOptions};
use wasmtime::{Config, Engine, Linker, Module, Store};

struct Data {
    meter: Meter,
    wasi: Wasi,
}

impl HasMeter for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl HasWasi for Data {
    fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}

/// Runs `_start` as a program that takes the numbers of its limits to WASI. Gives the budget that ended it, and its
/// standard output.
fn run(limits: Limits, grants: &Grants, wat: &str) -> (Result<(), Option<Exceeded>>, Vec<u8>) {
    let mut config = Config::new();
    let engine = Engine::new(limits.configure(&mut config)).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let mut linker = Linker::<Data>::new(&engine);
    host_wasi::p1::add_to_linker_sync(&mut linker).unwrap();
    let module = Module::new(&engine, wat).unwrap();
    let mut wasi = WasiOptions::new().max_random(limits.random.get()).open(grants).unwrap();
    wasi.set_max_resources(limits.resources as usize);
    let mut store = Store::new(&engine, Data { meter: Meter::new(limits), wasi });
    arm(&mut store, &ticker).unwrap();
    let result = linker
        .instantiate(&mut store, &module)
        .and_then(|instance| instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ()));
    let Data { meter, wasi } = store.data();
    // A program that is refused its output gives up by itself, which only WASI can tell from other reasons.
    let refused =
        wasi.output_refused().map(|refused| Exceeded::Output { allowed: Bytes::new(refused.limit) });
    (result.map_err(|error| meter.explain(&error).or(refused)), wasi.stdout())
}

#[test]
pub(crate) fn resources() {
    let open_for_ever = r#"(module
        (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 16) ".")
        (func (export "_start")
            (loop $again
                (drop (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 2)
                    (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0)))
                (br $again))))"#;
    let folder = tempfile::tempdir().unwrap();
    let grants = Grants::default().directory(folder.path(), "data", Access::ReadOnly);
    let limits = Limits { resources: 20, ..Limits::default() };
    assert_eq!(run(limits, &grants, open_for_ever).0, Err(Some(Exceeded::Resources { allowed: 20 })));
}

#[test]
pub(crate) fn random() {
    let ask = r#"(module
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "_start") (drop (call $random (i32.const 0) (i32.const 1025)))))"#;
    let limits = |random| Limits { random: Bytes::new(random), ..Limits::default() };
    assert_eq!(run(limits(1025), &Grants::default(), ask).0, Ok(()));
    let refusal = Exceeded::Random { allowed: Bytes::kibi(1), asked: Bytes::new(1025) };
    assert_eq!(run(limits(1024), &Grants::default(), ask).0, Err(Some(refusal)));
}

#[test]
pub(crate) fn output() {
    // Writes 16 bytes for ever, or until it is refused.
    let write = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\10\00\00\00\10\00\00\00")
        (func (export "_start")
            (loop $again
                (br_if $again (i32.eqz (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))))
            unreachable))"#;
    let limits = Limits { output: Bytes::new(100), ..Limits::default() };
    let mut grants = Grants::default();
    grants.stdout = Output::Capture(limits.output.get());
    let (result, written) = run(limits, &grants, write);
    assert_eq!(result, Err(Some(Exceeded::Output { allowed: Bytes::new(100) })));
    assert_eq!(written.len(), 100);
}
