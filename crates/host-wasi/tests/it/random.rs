//! Seeded randomness: the same numbers in every run, and for both forms of guest.

use host_wasi::{Grants, Output, Randomness, Wasi, p2};
use wasmtime::Module;
use wasmtime::component::{Component, Linker};

use crate::command::{ENGINE, run_module, store};

fn wasi(random: Randomness) -> Wasi {
    Wasi::new(&Grants::default().random(random).stdout(Output::Capture(64))).unwrap()
}

/// What a module gets that asks for 8 bytes, twice.
fn p1_bytes(random: Randomness) -> Vec<u8> {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\10\00\00\00\10\00\00\00")
        (func (export "_start")
            (drop (call $random (i32.const 16) (i32.const 8)))
            (drop (call $random (i32.const 24) (i32.const 8)))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;
    let ended = run_module(&Module::new(&ENGINE, module).unwrap(), wasi(random));
    ended.result.unwrap();
    ended.wasi.stdout()
}

/// What a component gets: bytes, insecure bytes, a number after the bytes, an insecure one, and the insecure seed.
#[derive(Debug, PartialEq, Eq)]
struct Numbers {
    bytes: Vec<u8>,
    insecure_bytes: Vec<u8>,
    number: u64,
    insecure_number: u64,
    seed: Vec<u64>,
}

fn p2_numbers(random: Randomness) -> Numbers {
    let component = r#"(component
        (import "wasi:random/random@0.2.0" (instance $secure
            (export "get-random-bytes" (func (param "len" u64) (result (list u8))))
            (export "get-random-u64" (func (result u64)))))
        (import "wasi:random/insecure@0.2.0" (instance $insecure
            (export "get-insecure-random-bytes" (func (param "len" u64) (result (list u8))))
            (export "get-insecure-random-u64" (func (result u64)))))
        (import "wasi:random/insecure-seed@0.2.0" (instance $seed
            (export "insecure-seed" (func (result (tuple u64 u64))))))
        (core module $memory-module
            (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
        (core instance $memory (instantiate $memory-module))
        (alias core export $memory "memory" (core memory $m))
        (alias core export $memory "realloc" (core func $realloc))
        (core func $bytes (canon lower (func $secure "get-random-bytes") (memory $m) (realloc (core func $realloc))))
        (core func $insecure-bytes
            (canon lower (func $insecure "get-insecure-random-bytes") (memory $m) (realloc (core func $realloc))))
        (core func $number (canon lower (func $secure "get-random-u64")))
        (core func $insecure-number (canon lower (func $insecure "get-insecure-random-u64")))
        (core func $insecure-seed (canon lower (func $seed "insecure-seed") (memory $m)))
        (core module $main
            (import "host" "bytes" (func $bytes (param i64 i32)))
            (import "host" "insecure-bytes" (func $insecure-bytes (param i64 i32)))
            (import "host" "seed" (func $seed (param i32)))
            (import "host" "memory" (memory 1))
            (func (export "bytes") (result i32) (call $bytes (i64.const 16) (i32.const 8)) (i32.const 8))
            (func (export "insecure-bytes") (result i32)
                (call $insecure-bytes (i64.const 16) (i32.const 8)) (i32.const 8))
            (func (export "seed") (result i32)
                (i32.store (i32.const 8) (i32.const 16))
                (i32.store (i32.const 12) (i32.const 2))
                (call $seed (i32.const 16))
                (i32.const 8)))
        (core instance $program (instantiate $main (with "host" (instance
            (export "bytes" (func $bytes)) (export "insecure-bytes" (func $insecure-bytes))
            (export "seed" (func $insecure-seed)) (export "memory" (memory $m))))))
        (func (export "bytes") (result (list u8)) (canon lift (core func $program "bytes") (memory $m)))
        (func (export "insecure-bytes") (result (list u8))
            (canon lift (core func $program "insecure-bytes") (memory $m)))
        (func (export "seed") (result (list u64)) (canon lift (core func $program "seed") (memory $m)))
        (func (export "number") (result u64) (canon lift (core func $number)))
        (func (export "insecure-number") (result u64) (canon lift (core func $insecure-number))))"#;
    let component = Component::new(&ENGINE, component).unwrap();
    let mut linker = Linker::new(&ENGINE);
    p2::add_to_linker_sync(&mut linker).unwrap();
    let mut store = store(wasi(random));
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let mut bytes = |name| {
        let function = instance.get_typed_func::<(), (Vec<u8>,)>(&mut store, name).unwrap();
        function.call(&mut store, ()).unwrap().0
    };
    let (secure, insecure) = (bytes("bytes"), bytes("insecure-bytes"));
    let mut number = |name| {
        let function = instance.get_typed_func::<(), (u64,)>(&mut store, name).unwrap();
        function.call(&mut store, ()).unwrap().0
    };
    let (number, insecure_number) = (number("number"), number("insecure-number"));
    let seed = instance.get_typed_func::<(), (Vec<u64>,)>(&mut store, "seed").unwrap();
    let seed = seed.call(&mut store, ()).unwrap().0;
    Numbers { bytes: secure, insecure_bytes: insecure, number, insecure_number, seed }
}

/// If this fails after an update, then guests' results change that were to stay the same: say so where it is read.
#[test]
fn a_seed_gives_the_same_numbers_for_ever() {
    let numbers = p2_numbers(Randomness::Seeded(42));
    let expect = Numbers {
        bytes: vec![135, 113, 43, 164, 246, 31, 226, 106, 226, 9, 169, 148, 203, 196, 241, 8],
        insecure_bytes: vec![190, 105, 73, 118, 250, 164, 16, 124, 125, 83, 132, 214, 214, 135, 14, 65],
        number: 8609292461579739709,
        insecure_number: 2949326024407617138,
        seed: vec![4190838053710333181, 10015146395638651827],
    };
    assert_eq!(numbers, expect);
    assert_eq!(p1_bytes(Randomness::Seeded(42)), expect.bytes);
}

#[test]
fn another_seed_gives_other_numbers() {
    let (one, other) = (p2_numbers(Randomness::Seeded(1)), p2_numbers(Randomness::Seeded(2)));
    assert!(one.bytes != other.bytes && one.insecure_bytes != other.insecure_bytes, "{one:?}");
    assert!(one.number != other.number && one.insecure_number != other.insecure_number, "{one:?}");
    assert_ne!(one.seed, other.seed);
    assert_ne!(one.bytes, one.insecure_bytes);
}

#[test]
fn real_numbers_differ_from_run_to_run() {
    assert_ne!(p1_bytes(Randomness::Real), p1_bytes(Randomness::Real));
    let (one, other) = (p2_numbers(Randomness::Real), p2_numbers(Randomness::Real));
    assert!(one.bytes != other.bytes && one.insecure_bytes != other.insecure_bytes && one.seed != other.seed);
}
