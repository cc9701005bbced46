//! Guests whose allocators answer whatever they like, do not come back, or are not what they should be.

use std::cell::RefCell;

use host_core::{AllocDealloc, Allocator, AllocatorProtocol, CabiRealloc, FaultKind, MemoryError, guard};
use host_limits::Exceeded;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use wasmtime::{Trap, Val};

use crate::allocator::{ADDRESS_SIZE, SIZE, global, guest, host, names, start};
use crate::check_text;

/// A guest whose `alloc` gives the global `answer`, whatever it is asked.
fn answering(int: &str) -> String {
    let wide = if int == "i64" { "i64" } else { "" };
    format!(
        r#"(module (memory (export "memory") {wide} 1)
            (global $answer (export "answer") (mut {int}) ({int}.const 0))
            (global $frees (export "frees") (mut i32) (i32.const 0))
            (func (export "alloc") (param {int} {int}) (result {int}) (global.get $answer))
            (func (export "free") (param {int} {int})
                (global.set $frees (i32.add (global.get $frees) (i32.const 1)))))"#
    )
}

#[test]
fn no_answer_of_an_allocator_hurts_its_host() {
    let host = host();
    for (int, answer, size, expected) in [
        ("i32", 0, 8u32, MemoryError::NoRoom { size: 8 }),
        ("i32", 65_529, 8, MemoryError::Misaligned { address: 65_529, align: 8 }),
        ("i32", 65_528, 9, MemoryError::OutOfBounds { address: 65_528, length: 9, size: 65_536 }),
        ("i32", 65_544, 0, MemoryError::OutOfBounds { address: 65_544, length: 0, size: 65_536 }),
        ("i32", -8, 16, MemoryError::OutOfBounds { address: 0xffff_fff8, length: 16, size: 65_536 }),
        ("i64", 0, 8, MemoryError::NoRoom { size: 8 }),
        ("i64", -8, 16, MemoryError::OutOfBounds { address: u64::MAX - 7, length: 16, size: 65_536 }),
        ("i64", 1 << 32, 8, MemoryError::OutOfBounds { address: 1 << 32, length: 8, size: 65_536 }),
    ] {
        let (mut store, instance) = start(&host, &answering(int));
        let value = if int == "i32" { Val::I32(answer as i32) } else { Val::I64(answer) };
        instance.get_global(&mut store, "answer").unwrap().set(&mut store, value).unwrap();
        let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
        let fault = guard(&mut store, |store| allocator.allocate(store, size, 8).map(drop)).unwrap_err();
        assert_eq!(*fault.kind(), FaultKind::BadArgument(expected));
        check_text(&fault);
        assert_eq!(global(&mut store, &instance, "frees"), 0, "what was not given is not given back");
    }
}

#[test]
fn any_answer_is_taken_or_refused() {
    let host = host();
    let (mut store, instance) = start(&host, &answering("i64"));
    let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
    let answer = instance.get_global(&mut store, "answer").unwrap();
    store.set_fuel(u64::MAX).unwrap();
    let store = RefCell::new(store);
    let number = || prop_oneof![0..40u64, 65_500..65_600u64, u64::MAX - 40..=u64::MAX, any::<u64>()];
    let config = ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&(number(), number(), any::<u32>(), 0..32u32), |(address, size, odd, bit)| {
            let mut store = store.borrow_mut();
            answer.set(&mut *store, Val::I64(address as i64)).unwrap();
            let held = allocator.allocate(&mut *store, size, 1 << bit).map(|held| held.into_address());
            let inside = address.checked_add(size).is_some_and(|end| end <= 65_536);
            let good = inside && address % (1 << bit) == 0 && (address != 0 || size == 0);
            assert_eq!(held.is_ok(), good, "{held:?}");
            assert!(held.map_or_else(|error| error.is::<MemoryError>(), |given| given == address));
            if !odd.is_power_of_two() {
                let error = allocator.allocate(&mut *store, size, odd).unwrap_err();
                assert_eq!(error.downcast_ref(), Some(&MemoryError::Alignment { align: odd }));
            }
            Ok(())
        })
        .unwrap();
}

/// A guest whose functions do these.
fn doing(alloc: &str, free: &str) -> String {
    format!(
        r#"(module (memory (export "memory") 1)
            (func (export "alloc") (param i32) (result i32) {alloc}) (func (export "free") (param i32) {free}))"#
    )
}

#[test]
fn an_allocator_that_traps_or_never_ends_is_a_fault_as_any_call() {
    let host = host();
    let allocate = |wat: &str| {
        let (mut store, instance) = start(&host, wat);
        let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
        guard(&mut store, |store| allocator.allocate(store, 8u32, 1)?.free()).unwrap_err()
    };
    let trap = FaultKind::Trap(Trap::UnreachableCodeReached);
    let fuel = FaultKind::Budget(Exceeded::Fuel { allowed: 1_000_000 });
    assert_eq!(*allocate(&doing("unreachable", "")).kind(), trap);
    assert_eq!(*allocate(&doing("(loop (br 0)) unreachable", "")).kind(), fuel);
    assert_eq!(*allocate(&doing("(i32.const 8)", "unreachable")).kind(), trap);
    assert_eq!(*allocate(&doing("(i32.const 8)", "(loop (br 0))")).kind(), fuel);
}

#[test]
fn a_drop_that_cannot_free_is_quiet() {
    let host = host();
    let (mut store, instance) = start(&host, &doing("(i32.const 8)", "unreachable"));
    let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
    let outcome = guard(&mut store, |store| allocator.allocate(store, 8u32, 1).map(drop));
    outcome.unwrap();
}

#[test]
fn an_allocator_that_is_not_there_or_has_another_type_is_named() {
    let host = host();
    let find = |wat: &str, protocol: AllocatorProtocol| {
        let (mut store, instance) = start(&host, wat);
        Allocator::find(&mut store, &instance, protocol).unwrap_err()
    };
    let narrow = guest("i32", SIZE, ADDRESS_SIZE);
    assert_eq!(
        find(&narrow, AllocDealloc::default().into()).to_string(),
        "the guest exports no function named `dealloc` to allocate or free with; build it so that it does"
    );
    assert_eq!(
        find(&narrow, CabiRealloc::default().into()),
        MemoryError::NoFunction { name: "cabi_realloc".into() }
    );
    assert_eq!(
        find(&narrow, CabiRealloc::default().named("alloc").into()).to_string(),
        "the guest's `alloc` should be func(i32, i32, i32, i32) -> i32, but is func(i32) -> i32"
    );
    assert_eq!(
        find(&narrow, AllocDealloc::new("memory", "free").into()).to_string(),
        "the guest's `memory` should be func(i32) -> i32 or func(i32, i32) -> i32, but is memory of 1 or more pages"
    );
    assert_eq!(
        find(&narrow, AllocDealloc::new("alloc", "first").into()).to_string(),
        "the guest's `first` should be func(i32), func(i32, i32) or func(i32, i32, i32), but is func(i32) -> i32"
    );
    // Functions of 32 bits for a memory of 64.
    let mixed = narrow.replace(r#"(memory (export "memory")  1)"#, r#"(memory (export "memory") i64 1)"#);
    let mixed = mixed.replace("(i32.load8_u (local.get $at))", "(i32.const 0)");
    assert!(
        matches!(find(&mixed, names().into()), MemoryError::FunctionType { wanted, .. } if wanted.contains("i64"))
    );
    let error = find(r#"(module (func (export "alloc")))"#, names().into());
    assert_eq!(error, MemoryError::NoExport { name: "memory".into() });
}

#[test]
fn nothing_may_be_allocated_at_address_0_and_is_not_freed() {
    let host = host();
    let (mut store, instance) = start(&host, &answering("i32"));
    let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
    let nothing = allocator.allocate_from(&mut store, b"").unwrap();
    assert_eq!((nothing.address(), nothing.read().unwrap()), (0, &b""[..]));
    drop(nothing);
    assert_eq!(global(&mut store, &instance, "frees"), 0);
}
