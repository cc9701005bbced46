//! How many things a guest may have open, and how many random bytes it may ask for.

use host_wasi::{Access, Grants, Wasi, WasiOptions};
use wasmtime::Module;
use wasmtime::component::ResourceTableError;

use crate::command::{ENGINE, run_module};

/// Opens its directory again and again and closes nothing.
const OPEN_FOR_EVER: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) ".")
    (func (export "_start")
        (loop $again
            (drop (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 2)
                (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0)))
            (br $again))))"#;

#[test]
fn a_guest_that_opens_for_ever_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let module = Module::new(&ENGINE, OPEN_FOR_EVER).unwrap();
    let grants = Grants::default().directory(folder.path(), "data", Access::ReadOnly);
    let mut wasi = Wasi::new(&grants).unwrap();
    wasi.set_max_resources(50);
    let mut ended = run_module(&module, wasi);
    let error = ended.result.unwrap_err();
    let full = error.downcast_ref::<ResourceTableError>();
    assert!(matches!(full, Some(ResourceTableError::Full)), "{error:?}");
    assert!(ended.wasi.view().table.push(()).is_err(), "the table should be full");
}

#[test]
fn there_is_a_limit_without_asking() {
    let mut wasi = Wasi::new(&Grants::default()).unwrap();
    let table = wasi.view().table;
    let taken = std::iter::from_fn(|| table.push(()).ok()).take(1_000_000).count();
    assert_eq!(taken, Wasi::DEFAULT_MAX_RESOURCES);
}

/// Asks for BYTES random bytes at once.
const RANDOM: &str = r#"(module
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (memory (export "memory") 64)
    (func (export "_start") (drop (call $random (i32.const 0) (i32.const BYTES)))))"#;

#[test]
fn a_guest_that_asks_for_too_much_randomness_is_stopped() {
    let run = |bytes: u64, wasi: Wasi| {
        let module = Module::new(&ENGINE, RANDOM.replace("BYTES", &bytes.to_string())).unwrap();
        run_module(&module, wasi).result.map_err(|error| error.root_cause().to_string())
    };
    let wasi = |most| WasiOptions::new().max_random(most).open(&Grants::default()).unwrap();
    assert_eq!(run(100, wasi(100)), Ok(()));
    assert_eq!(run(101, wasi(100)), Err("requested len 101 exceeds limit 100".to_owned()));
    let default = || Wasi::new(&Grants::default()).unwrap();
    assert_eq!(run(Wasi::DEFAULT_MAX_RANDOM, default()), Ok(()));
    run(Wasi::DEFAULT_MAX_RANDOM + 1, default()).unwrap_err();
}
