//! Calls of WASI 0.1 that no library makes, against a quota of ten bytes and three files.

use host_wasi::{Grants, Quota, Wasi};
use wasmtime::Module;

use crate::command::{ENGINE, run_module};
use crate::file_guest::measure;

const QUOTA: Quota = Quota { bytes: 10, files: 3 };

/// Codes of WASI 0.1.
const BAD_NUMBER: i32 = 8;
const NO_SPACE: i32 = 51;
const UNSUPPORTED: i32 = 58;

/// Runs calls, each of which is to give the code beside it, after a file `a` of eight bytes was opened as 4. At 64
/// stands a list of an empty buffer and one of three bytes, at 80 one of one byte.
fn check(calls: &[(&str, i32)]) {
    let body: String = calls
        .iter()
        .enumerate()
        .map(|(index, (call, code))| {
            format!(
                "(if (i32.ne (call {call}) (i32.const {code})) (then (global.set $wrong (i32.const {})) (return)))",
                index + 1
            )
        })
        .collect();
    let module = format!(
        r#"(module
        (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_pwrite" (func $pwrite (param i32 i32 i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_allocate" (func $allocate (param i32 i64 i64) (result i32)))
        (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $flags (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_renumber" (func $renumber (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $resize (param i32 i64) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 16) "abc")
        (data (i32.const 64) "\00\00\00\00\00\00\00\00\10\00\00\00\03\00\00\00")
        (data (i32.const 80) "\10\00\00\00\01\00\00\00")
        (global $wrong (export "wrong") (mut i32) (i32.const 0))
        (func (export "_start")
            (if (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 0)
                    (i64.const 0x1fffffff) (i64.const 0) (i32.const 0) (i32.const 32))
                (then unreachable))
            {body}
            (global.set $wrong (i32.const -1))))"#
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), [0; 8]).unwrap();
    let grants = Grants::default().directory_with_quota(folder.path(), "d", QUOTA);
    let module = Module::new(&ENGINE, module).unwrap();
    let mut store = crate::command::store(Wasi::new(&grants).unwrap());
    let mut linker = wasmtime::Linker::new(&ENGINE);
    host_wasi::p1::add_to_linker_sync(&mut linker).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
    start.call(&mut store, ()).unwrap();
    let wrong = instance.get_global(&mut store, "wrong").unwrap().get(&mut store).unwrap_i32();
    assert_eq!(wrong, -1, "the first wrong one, counted from 1: {calls:?}");
    assert!(measure(folder.path()).bytes <= QUOTA.bytes, "{calls:?}");
}

/// The list of three bytes, and of one; the last number is where the count of written bytes goes.
const THREE: &str = "(i32.const 64) (i32.const 2)";
const ONE: &str = "(i32.const 80) (i32.const 1)";

fn write(number: u32, buffers: &str) -> String {
    format!("$write (i32.const {number}) {buffers} (i32.const 32)")
}

fn write_at(number: u32, buffers: &str, offset: u64) -> String {
    format!("$pwrite (i32.const {number}) {buffers} (i64.const {offset}) (i32.const 32)")
}

#[test]
fn writing_where_it_fits_and_where_it_does_not() {
    check(&[
        (&write_at(4, THREE, 8), NO_SPACE),
        (&write_at(4, THREE, u64::MAX - 1), NO_SPACE),
        (&write_at(4, THREE, 7), 0),
        (&write_at(4, ONE, 10), NO_SPACE),
        (&write(4, THREE), 0),
        ("$seek (i32.const 4) (i64.const 1000000) (i32.const 0) (i32.const 32)", 0),
        (&write(4, ONE), NO_SPACE),
        ("$seek (i32.const 4) (i64.const 9) (i32.const 0) (i32.const 32)", 0),
        (&write(4, ONE), 0),
        (&write(4, ONE), NO_SPACE),
    ]);
}

#[test]
fn appending_by_a_flag_that_was_set_later() {
    check(&[
        ("$flags (i32.const 4) (i32.const 1)", 0),
        (&write(4, THREE), NO_SPACE),
        (&write_at(4, THREE, 0), NO_SPACE),
        (&write(4, ONE), 0),
        (&write(4, ONE), 0),
        (&write(4, ONE), NO_SPACE),
        ("$flags (i32.const 4) (i32.const 0)", 0),
        (&write_at(4, THREE, 0), 0),
    ]);
}

#[test]
fn under_another_number() {
    check(&[
        ("$renumber (i32.const 4) (i32.const 1)", 0),
        (&write(4, ONE), BAD_NUMBER),
        (&write_at(1, THREE, 8), NO_SPACE),
        (&write_at(1, THREE, 7), 0),
        ("$renumber (i32.const 1) (i32.const 1)", 0),
        (&write_at(1, THREE, 8), NO_SPACE),
    ]);
}

#[test]
fn a_directory_under_another_number() {
    let create = |number: u32, name: u32| {
        format!(
            "$open (i32.const {number}) (i32.const 0) (i32.const {name}) (i32.const 1) (i32.const 1)
                (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32)"
        )
    };
    check(&[
        ("$renumber (i32.const 3) (i32.const 2)", 0),
        (&create(2, 17), 0),
        (&write_at(3, THREE, 0), NO_SPACE),
        (&create(2, 18), 0),
        (&create(2, 19), NO_SPACE),
    ]);
}

#[test]
fn allocating_and_resizing() {
    check(&[
        ("$allocate (i32.const 4) (i64.const 0) (i64.const 1000000)", UNSUPPORTED),
        ("$resize (i32.const 4) (i64.const 11)", NO_SPACE),
        ("$resize (i32.const 4) (i64.const -1)", NO_SPACE),
        ("$resize (i32.const 4) (i64.const 10)", 0),
        (&write_at(4, ONE, 10), NO_SPACE),
    ]);
}

#[test]
fn a_file_without_a_name() {
    check(&[
        ("$unlink (i32.const 3) (i32.const 16) (i32.const 1)", 0),
        (&write_at(4, THREE, 8), NO_SPACE),
        (&write_at(4, THREE, 7), 0),
        (&write_at(4, ONE, 10), NO_SPACE),
    ]);
}

/// A guest that asks for the impossible is told so before anything is read.
#[test]
fn a_list_of_a_billion_buffers_is_not_read() {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 4096)
        (data (i32.const 16) "a")
        (func (export "_start")
            (if (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 1)
                    (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32))
                (then unreachable))
            (if (i32.ne (call $write (i32.const 4) (i32.const 64) (i32.const 30000000) (i32.const 32)) (i32.const 48))
                (then unreachable))))"#;
    let grants = Grants::default().scratch("tmp", QUOTA);
    run_module(&Module::new(&ENGINE, module).unwrap(), Wasi::new(&grants).unwrap()).result.unwrap();
}
