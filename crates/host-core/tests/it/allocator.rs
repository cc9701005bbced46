//! Memory that the host allocates by a guest's functions.

use host_core::{
    AllocDealloc, Allocator, AllocatorProtocol, CabiFree, CabiRealloc, FaultKind, MemoryAccess, MemoryError,
    Profile, guard,
};
use host_limits::Limits;
use wasmtime::{Caller, Instance, Store, Val};

use crate::{Data, Host};

/// Limits under which a guest that never ends is soon stopped.
pub(crate) fn host() -> Host {
    Host::with_profile(Profile::Development, Limits { fuel: Some(1_000_000), ..Limits::untrusted() })
}

pub(crate) fn start(host: &Host, wat: &str) -> (Store<Data>, Instance) {
    let mut store = host.store();
    let instance = host.linker.instantiate(&mut store, &host.module(wat)).unwrap();
    (store, instance)
}

/// A guest of `int` addresses whose allocator is handed out upwards from 1024, aligned to 16, and which remembers what
/// each function was called with last. `alloc` and `free` are the types of its functions, as in `(param $size i32)`.
pub(crate) fn guest(int: &str, alloc: &str, free: &str) -> String {
    let wide = if int == "i64" { "i64" } else { "" };
    let note = |of: &str, params: &str| {
        ["address", "size", "align", "new_size"]
            .into_iter()
            .filter(|name| params.contains(&format!("${name} ")))
            .map(|name| format!("(global.set ${of}_{name} (local.get ${name}))"))
            .collect::<String>()
    };
    let globals: String = ["alloc", "free"]
        .into_iter()
        .flat_map(|of| ["address", "size", "align", "new_size"].map(|name| format!("{of}_{name}")))
        .map(|name| format!(r#"(global ${name} (export "{name}") (mut {int}) ({int}.const 99))"#))
        .collect();
    let size = if alloc.contains("$new_size") { "$new_size" } else { "$size" };
    let (alloc_note, free_note) = (note("alloc", alloc), note("free", free));
    format!(
        r#"(module (memory (export "memory") {wide} 1) {globals}
            (global $next (mut {int}) ({int}.const 1024))
            (global $frees (export "frees") (mut i32) (i32.const 0))
            (func (export "alloc") {alloc} (result {int})
                {alloc_note}
                (global.get $next)
                (global.set $next ({int}.and ({int}.const -16)
                    ({int}.add ({int}.const 15) ({int}.add (global.get $next) (local.get {size}))))))
            (func (export "free") {free}
                {free_note}
                (global.set $frees (i32.add (global.get $frees) (i32.const 1))))
            (func (export "first") (param $at {int}) (result i32) (i32.load8_u (local.get $at))))"#
    )
}

pub(crate) const SIZE: &str = "(param $size i32)";
pub(crate) const ADDRESS_SIZE: &str = "(param $address i32) (param $size i32)";
pub(crate) const CABI: &str =
    "(param $address i32) (param $size i32) (param $align i32) (param $new_size i32)";

pub(crate) fn names() -> AllocDealloc {
    AllocDealloc::new("alloc", "free")
}

/// The value of a guest's global.
pub(crate) fn global(store: &mut Store<Data>, instance: &Instance, name: &str) -> i64 {
    match instance.get_global(&mut *store, name).unwrap().get(store) {
        Val::I32(value) => value.into(),
        Val::I64(value) => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_guest_reads_what_was_allocated_and_gets_it_back() {
    let host = host();
    let (mut store, instance) = start(&host, &guest("i32", SIZE, ADDRESS_SIZE));
    let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
    let outcome = guard(&mut store, |store| {
        let mut text = allocator.allocate_from(store, b"hello")?;
        assert_eq!((text.address(), text.size(), text.read()?), (1024, 5, &b"hello"[..]));
        let address = text.address() as u32;
        let first = instance.get_typed_func::<u32, u32>(&mut text, "first")?.call(&mut text, address)?;
        text.free()?;
        Ok(first)
    });
    assert_eq!(outcome.unwrap().value, u32::from(b'h'));
    assert_eq!(global(&mut store, &instance, "frees"), 1);
    assert_eq!(global(&mut store, &instance, "free_address"), 1024);
    assert_eq!(global(&mut store, &instance, "free_size"), 5);
}

#[test]
fn what_is_dropped_is_freed_once_and_what_is_handed_over_is_not() {
    let host = host();
    let (mut store, instance) = start(&host, &guest("i32", SIZE, ADDRESS_SIZE));
    let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
    drop(allocator.allocate(&mut store, 10u32, 1).unwrap());
    assert_eq!(global(&mut store, &instance, "frees"), 1);
    let address = allocator.clone().allocate_from(&mut store, b"yours").unwrap().into_address();
    assert_eq!(global(&mut store, &instance, "frees"), 1);
    assert_eq!(allocator.memory().read_bytes(&store, address, 5u32).unwrap(), b"yours");
}

#[test]
fn more_than_was_allocated_is_not_written() {
    let host = host();
    let (mut store, instance) = start(&host, &guest("i32", SIZE, ADDRESS_SIZE));
    let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
    let mut room = allocator.allocate(&mut store, 4u32, 1).unwrap();
    assert_eq!(room.write(b"hello").unwrap_err(), MemoryError::Overrun { length: 5, size: 4 });
    assert_eq!(room.read().unwrap(), [0; 4]);
}

/// The types of a guest's functions, the protocol that finds them, and what they must be called with for 24 bytes that
/// are aligned to 8: address, size, alignment and new size, where 99 is not given; `None` is not called.
pub(crate) type Shape = (String, String, AllocatorProtocol, [i64; 4], Option<[i64; 3]>);

/// Every shape of the functions, for addresses of the type `int`.
pub(crate) fn shapes(int: &str) -> Vec<Shape> {
    let aligned = "(param $size i32) (param $align i32)";
    let address = "(param $address i32)";
    let all = "(param $address i32) (param $size i32) (param $align i32)";
    let cabi = |free| AllocatorProtocol::from(CabiRealloc::new(free).named("alloc"));
    let by_export = || CabiFree::Export("free".into());
    let shapes = [
        (SIZE, address, names().into(), [99, 24, 99, 99], Some([1024, 99, 99])),
        (SIZE, ADDRESS_SIZE, names().into(), [99, 24, 99, 99], Some([1024, 24, 99])),
        (aligned, all, names().into(), [99, 24, 8, 99], Some([1024, 24, 8])),
        (CABI, "", cabi(CabiFree::Never), [0, 0, 8, 24], None),
        (CABI, address, cabi(by_export()), [0, 0, 8, 24], Some([1024, 99, 99])),
        (CABI, all, cabi(by_export()), [0, 0, 8, 24], Some([1024, 24, 8])),
        // Freed by the function that allocated.
        (CABI, "", cabi(CabiFree::Realloc), [1024, 24, 8, 0], None),
    ];
    shapes
        .map(|(alloc, free, protocol, allocated, freed)| {
            (alloc.replace("i32", int), free.replace("i32", int), protocol, allocated, freed)
        })
        .into()
}

/// What the functions were called with last is what the shape says.
pub(crate) fn check_calls(store: &mut Store<Data>, instance: &Instance, shape: &Shape) {
    let (alloc, free, _, allocated, freed) = shape;
    let mut found = |name: &str| global(store, instance, name);
    let names = ["alloc_address", "alloc_size", "alloc_align", "alloc_new_size"];
    assert_eq!(names.map(&mut found), *allocated, "{alloc} {free}");
    let names = ["free_address", "free_size", "free_align"];
    assert_eq!(names.map(&mut found), freed.unwrap_or([99; 3]), "{alloc} {free}");
    assert_eq!(found("frees"), i64::from(freed.is_some()), "{alloc} {free}");
}

#[test]
fn every_shape_of_function_gets_its_arguments() {
    let host = host();
    for int in ["i32", "i64"] {
        for shape in shapes(int) {
            let (mut store, instance) = start(&host, &guest(int, &shape.0, &shape.1));
            let allocator = Allocator::find(&mut store, &instance, shape.2.clone()).unwrap();
            allocator.allocate(&mut store, 24u32, 8).unwrap().free().unwrap();
            check_calls(&mut store, &instance, &shape);
        }
    }
}

#[test]
fn cabi_realloc_allocates_nothing_for_no_bytes_so_that_nothing_is_freed() {
    let host = host();
    let (mut store, instance) = start(&host, &guest("i32", CABI, "(param $address i32)"));
    let protocol = CabiRealloc::new(CabiFree::Export("free".into())).named("alloc");
    let allocator = Allocator::find(&mut store, &instance, protocol).unwrap();
    drop(allocator.allocate(&mut store, 0u32, 8).unwrap());
    assert_eq!(global(&mut store, &instance, "alloc_align"), 8);
    assert_eq!(global(&mut store, &instance, "frees"), 0);
}

#[test]
fn what_32_bits_cannot_address_is_not_asked_for() {
    let host = host();
    let (mut store, instance) = start(&host, &guest("i32", SIZE, ADDRESS_SIZE));
    let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
    let error = allocator.allocate(&mut store, 1u64 << 32, 1).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&MemoryError::TooLarge { size: 1 << 32 }));
    assert_eq!(global(&mut store, &instance, "alloc_size"), 99);
}

#[test]
fn an_allocator_may_grow_the_memory() {
    let host = host();
    let wat = r#"(module (memory (export "memory") 1)
        (func (export "alloc") (param i32) (result i32)
            (i32.mul (i32.const 65536) (memory.grow (i32.const 1))))
        (func (export "free") (param i32)))"#;
    let (mut store, instance) = start(&host, wat);
    let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
    let page = allocator.allocate_from(&mut store, &[7; 65_536]).unwrap();
    assert_eq!((page.address(), page.read().unwrap()), (65_536, &[7; 65_536][..]));
}

#[test]
fn a_panic_that_unwinds_calls_no_guest() {
    let host = host();
    let (mut store, instance) = start(&host, &guest("i32", SIZE, ADDRESS_SIZE));
    let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
    let fault = guard(&mut store, |store| -> wasmtime::Result<()> {
        let _held = allocator.allocate(store, 8u32, 1)?;
        panic!("half-way");
    })
    .unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Panic("half-way".into()));
    assert_eq!(global(&mut store, &instance, "frees"), 0);
}

#[test]
fn a_host_function_gives_its_caller_text() {
    let mut host = host();
    // Gives the address; the guest frees it.
    host.linker
        .func_wrap("env", "host_name", |mut caller: Caller<'_, Data>| {
            let allocator = Allocator::of_caller(&mut caller, names())?;
            Ok(allocator.allocate_from(&mut caller, b"name\0")?.into_address() as u32)
        })
        .unwrap();
    let wat = |answer| {
        format!(
            r#"(module (import "env" "host_name" (func $name (result i32))) (memory (export "memory") 1)
                (func (export "alloc") (param i32) (result i32) (i32.const {answer}))
                (func (export "free") (param i32))
                (func (export "run") (result i32) (i32.load (call $name))))"#
        )
    };
    assert_eq!(host.run(&wat(640)).unwrap().value, i32::from_le_bytes(*b"name"));
    let fault = host.run(&wat(65_532)).unwrap_err();
    let outside = MemoryError::OutOfBounds { address: 65_532, length: 5, size: 65_536 };
    assert_eq!(*fault.kind(), FaultKind::BadArgument(outside));
}
