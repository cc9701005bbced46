//! What crosses the component boundary: bytes copied by one call, handles held at one time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use host_limits::{Bytes, Exceeded, Limits, Meter, Ticker, arm};
use wasmtime::component::{Component, Linker, Resource, ResourceType};
use wasmtime::{Config, Engine, Store, StoreContextMut};

struct Thing;

/// Runs the export `run` of a component that may import `take: func(s: string)` and `make: func() -> own<thing>`. Gives
/// how many things were made, too.
fn run(limits: Limits, wat: &str) -> (Result<(), Option<Exceeded>>, usize) {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let mut config = Config::new();
    // With it each call of a component takes a handle more.
    limits.configure(&mut config).concurrency_support(false);
    let engine = Engine::new(&config).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let mut linker = Linker::<Meter>::new(&engine);
    linker.root().func_wrap("take", |_: StoreContextMut<'_, Meter>, (_text,): (String,)| Ok(())).unwrap();
    linker
        .root()
        .func_wrap("take-list", |_: StoreContextMut<'_, Meter>, (_texts,): (Vec<String>,)| Ok(()))
        .unwrap();
    linker.root().resource("thing", ResourceType::host::<Thing>(), |_, _| Ok(())).unwrap();
    let lend = |_: StoreContextMut<'_, Meter>, (_thing,): (Resource<Thing>,)| Ok(());
    linker.root().func_wrap("lend", lend).unwrap();
    linker
        .root()
        .func_wrap("make", move |_: StoreContextMut<'_, Meter>, (): ()| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok((Resource::<Thing>::new_own(1),))
        })
        .unwrap();
    let component = Component::new(&engine, wat).unwrap();
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker).unwrap();
    let result = linker
        .instantiate(&mut store, &component)
        .and_then(|instance| instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ()));
    (result.map_err(|error| store.data().explain(&error)), made.load(Ordering::Relaxed))
}

/// Hands the host a string of 2 MiB, from a memory of that size.
const STRING: &str = r#"(component
    (import "take" (func $take (param "s" string)))
    (core module $libc (memory (export "memory") 32))
    (core instance $libc (instantiate $libc))
    (core func $take (canon lower (func $take) (memory (core memory $libc "memory"))))
    (core module $main
        (import "" "take" (func $take (param i32 i32)))
        (func (export "run") (call $take (i32.const 0) (i32.const 2097152))))
    (core instance $main (instantiate $main (with "" (instance (export "take" (func $take))))))
    (func (export "run") (canon lift (core func $main "run"))))"#;

/// Asks the host for one resource after the other and gives none back.
const HANDLES: &str = r#"(component
    (import "thing" (type $thing (sub resource)))
    (import "make" (func $make (result (own $thing))))
    (core func $make (canon lower (func $make)))
    (core module $main
        (import "" "make" (func $make (result i32)))
        (func (export "run") (loop (drop (call $make)) (br 0))))
    (core instance $main (instantiate $main (with "" (instance (export "make" (func $make))))))
    (func (export "run") (canon lift (core func $main "run"))))"#;

#[test]
pub(crate) fn a_huge_string_is_not_copied() {
    let lifted = Bytes::mebi(1);
    let (refused, _) = run(Limits { lifted, ..Limits::default() }, STRING);
    assert_eq!(refused, Err(Some(Exceeded::Lifted { allowed: lifted })));
    assert_eq!(run(Limits { lifted: Bytes::mebi(4), ..Limits::default() }, STRING).0, Ok(()));
}

/// Hands the host a list of a million empty strings, each of which takes the host 24 bytes, or a list of lists.
const LIST: &str = r#"(component
    (import "take-list" (func $take (param "s" (list string))))
    (core module $libc (memory (export "memory") 128))
    (core instance $libc (instantiate $libc))
    (core func $take (canon lower (func $take) (memory (core memory $libc "memory"))))
    (core module $main
        (import "" "take" (func $take (param i32 i32)))
        (func (export "run") (call $take (i32.const 0) (i32.const 1000000))))
    (core instance $main (instantiate $main (with "" (instance (export "take" (func $take))))))
    (func (export "run") (canon lift (core func $main "run"))))"#;

#[test]
fn a_huge_list_of_nothing_is_not_copied() {
    let lifted = Bytes::mebi(1);
    let (refused, _) = run(Limits { lifted, ..Limits::default() }, LIST);
    assert_eq!(refused, Err(Some(Exceeded::Lifted { allowed: lifted })));
}

#[test]
pub(crate) fn a_flood_of_handles_is_stopped() {
    let (refused, made) = run(Limits { handles: 100, ..Limits::default() }, HANDLES);
    assert_eq!(refused, Err(Some(Exceeded::Handles { allowed: 100 })));
    assert!((100..=101).contains(&made), "{made} were made");
}

/// Asks the host for one resource and lends it to the host, which counts as long as the host has it.
const LEND: &str = r#"(component
    (import "thing" (type $thing (sub resource)))
    (import "make" (func $make (result (own $thing))))
    (import "lend" (func $lend (param "thing" (borrow $thing))))
    (core func $make (canon lower (func $make)))
    (core func $lend (canon lower (func $lend)))
    (core module $main
        (import "" "make" (func $make (result i32)))
        (import "" "lend" (func $lend (param i32)))
        (func (export "run") (call $lend (call $make))))
    (core instance $main (instantiate $main (with "" (instance
        (export "make" (func $make)) (export "lend" (func $lend))))))
    (func (export "run") (canon lift (core func $main "run"))))"#;

#[test]
fn a_handle_that_is_lent_counts() {
    let (refused, _) = run(Limits { handles: 1, ..Limits::default() }, LEND);
    assert_eq!(refused, Err(Some(Exceeded::Handles { allowed: 1 })));
    assert_eq!(run(Limits { handles: 2, ..Limits::default() }, LEND).0, Ok(()));
}

#[test]
fn text_of_the_host_is_not_taken_for_a_limit() {
    let meter = Meter::new(Limits::default());
    for text in [
        "no user named `x: store handle limit exceeded",
        "too much data is being copied between the host and the guest, says x",
        "x: memory minimum size of 1 pages exceeds memory limits",
        "requested len x exceeds limit 3",
        "requested len 5 exceeds limit 3 of mine",
    ] {
        assert_eq!(meter.explain(&wasmtime::Error::msg(text)), None, "{text}");
    }
}
