//! What one instantiation makes, told from the bytes: instances, and the memories and tables of each.

use std::fmt::Write as _;

use host_limits::{Bytes, Rejected, StaticLimit, StaticLimits};

use crate::static_limits::{everything, runs_into, shape, shape_or_limit, wasm};

/// Components of which each instantiates the one before twice: `levels` of them make 2^levels instances.
pub(crate) fn doubling(levels: u32) -> String {
    let mut text = "(component (component $c0 (core module $m (memory 1) (table 1 funcref)) (core instance (instantiate $m)))".to_owned();
    for level in 1..=levels {
        write!(
            text,
            "(component $c{level} (alias outer 1 $c{0} (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))",
            level - 1
        )
        .unwrap();
    }
    write!(text, "(instance (instantiate $c{levels})))").unwrap();
    text
}

#[test]
pub(crate) fn instances() {
    assert_eq!(shape("(module)").instances, 1);
    assert_eq!(shape("(component)").instances, 1);
    // The root; one in each of the innermost, and these; two for each around two others.
    let shape = shape(&doubling(3));
    assert_eq!((shape.instances, shape.memories, shape.tables), (1 + 8 + 8 + 7, 8, 8));
    runs_into(StaticLimit::Instances, 24, &doubling(3));

    // 2^22 of them from two kilobytes, and more than can be counted.
    let bomb = wasm(&doubling(22));
    assert!(bomb.len() < 3_000, "{}", bomb.len());
    let error = StaticLimits::trusted().check(&bomb).unwrap_err();
    let Rejected::Limit { limit: StaticLimit::Instances, found, .. } = error else { panic!("{error}") };
    assert_eq!(found, 1 + (3 << 22) - 1);
    let error = StaticLimits::trusted().check(&wasm(&doubling(80))).unwrap_err();
    assert!(matches!(error, Rejected::Limit { limit: StaticLimit::Instances, found: u64::MAX, .. }));
}

#[test]
fn what_is_given_to_a_component_counts_as_the_largest_there_is() {
    let given = r#"(component
        (core module $large (memory 1) (memory 1) (table 1 funcref))
        (component $c (import "m" (core module $m)) (core instance (instantiate $m)) (core instance (instantiate $m)))
        (instance (instantiate $c (with "m" (core module $large)))))"#;
    let found = shape(given);
    assert_eq!((found.instances, found.memories, found.tables), (1 + 1 + 2, 4, 2));

    // A component that is given can make anything.
    let unbounded = r#"(component
        (component $c (import "c" (component $d)) (instance (instantiate $d))))"#;
    assert!(matches!(everything().check(&wasm(unbounded)), Err(Rejected::Unbounded { offset: 1.. })));
    let exported = r#"(component
        (component $c (component $d) (export "d" (component $d)))
        (instance $i (instantiate $c))
        (alias export $i "d" (component $e))
        (instance (instantiate $e)))"#;
    assert!(matches!(everything().check(&wasm(exported)), Err(Rejected::Unbounded { .. })));
}

#[test]
fn exported_and_aliased_components_are_found_again() {
    let text = r#"(component
        (core module $m (memory 1))
        (component $c (alias outer 1 $m (core module $n)) (core instance (instantiate $n)))
        (export $d "d" (component $c))
        (instance (instantiate $d))
        (export $n "n" (core module $m))
        (core instance (instantiate $n)))"#;
    let found = shape(text);
    assert_eq!((found.instances, found.memories), (1 + 1 + 1 + 1, 2));
}

#[test]
fn what_an_instance_exports_has_a_number_too() {
    let text = r#"(component
        (component $c (core module $x) (export "m" (core module $x)))
        (instance $i (instantiate $c))
        (alias export $i "m" (core module))
        (core module $counted (memory 1) (memory 1))
        (core instance (instantiate $counted)))"#;
    assert_eq!(shape(text).memories, 2);
}

#[test]
pub(crate) fn memories() {
    runs_into(StaticLimit::Memories, 2, "(module (memory 1) (memory 1))");
    // Only those that are its own.
    assert_eq!(shape(r#"(module (import "" "" (memory 1)))"#).memories, 0);
    runs_into(StaticLimit::Memories, 8, &doubling(3));
}

#[test]
pub(crate) fn tables() {
    runs_into(StaticLimit::Tables, 2, "(module (table 1 funcref) (table 1 funcref))");
    runs_into(StaticLimit::Tables, 8, &doubling(3));
}

#[test]
fn memory_and_table_elements_count_for_each_instance() {
    let found = shape(&doubling(3));
    assert_eq!((found.memory, found.table_elements), (Bytes::kibi(8 * 64), 8));
    runs_into(StaticLimit::Memory, 8 << 16, &doubling(3));
    runs_into(StaticLimit::TableElements, 8, &doubling(3));
    // Of what is given to a component, as of the largest there is.
    let given = r#"(component
        (core module $wide (memory 5)) (core module $long (table 7 funcref))
        (component $c (import "m" (core module $m)) (core instance (instantiate $m)) (core instance (instantiate $m)))
        (instance (instantiate $c (with "m" (core module $wide)))))"#;
    runs_into(StaticLimit::Memory, 10 << 16, given);
    runs_into(StaticLimit::TableElements, 14, given);
    // What no instance has is declared all the same.
    runs_into(StaticLimit::Memory, 3 << 16, "(component (core module (memory 1)) (core module (memory 2)))");
    // A hundred times as much memory as a limit allows for one.
    let many = "(core instance (instantiate $m))".repeat(100);
    let text = format!("(component (core module $m (memory 1024)) {many})");
    assert_eq!(shape_or_limit(&text), Err(StaticLimit::Memory));
}

/// A number costs four bytes of the file, and ten times as much of whoever keeps what it stands for.
#[test]
fn what_a_component_numbers_is_bounded() {
    let modules = |aliases: usize| {
        let alias = "(alias outer $c $m (core module))".repeat(aliases);
        wasm(&format!("(component $c (core module $m) {alias})"))
    };
    let components = |aliases: usize| {
        let alias = "(alias outer $c $d (component))".repeat(aliases);
        wasm(&format!("(component $c (component $d) {alias})"))
    };
    let exports = |exports: usize| {
        let export: String =
            (0..exports).map(|index| format!("(export \"e{index}\" (core module $m))")).collect();
        wasm(&format!("(component $c (core module $m) {export})"))
    };
    for (bytes, more, of) in [
        (modules(999), modules(1000), "modules"),
        (components(999), components(1000), "components"),
        (exports(999), exports(1000), "modules"),
    ] {
        everything().check(&bytes).unwrap();
        let error = everything().check(&more).unwrap_err();
        let Rejected::IndexSpace { of: found, allowed: 1000, offset: 1.. } = error else { panic!("{error}") };
        assert_eq!(found, of);
    }
    let memories = |memories: usize| wasm(&format!("(module {})", "(memory 0)".repeat(memories)));
    everything().check(&memories(100)).unwrap();
    let error = everything().check(&memories(101)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "one part of the code has more than 100 memories, and Wasmtime accepts no more (found at offset 0xd4)"
    );
}
