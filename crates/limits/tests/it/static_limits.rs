//! Code that declares too much of something, and code that was made to hurt whoever reads it.

use std::fmt::Write as _;

use host_limits::{Bytes, Proposal, Proposals, Rejected, Shape, StaticLimit, StaticLimits};
use proptest::prelude::*;
use wasmtime::component::Component;
use wasmtime::{Config, Engine, Module};

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn everything() -> StaticLimits {
    StaticLimits { proposals: Proposals::all(), ..StaticLimits::trusted() }
}

fn shape(text: &str) -> Shape {
    everything().check(&wasm(text)).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Sets one field, by its name in a policy.
fn limited(field: &str, most: u64) -> StaticLimits {
    let mut limits = serde_json::to_value(everything()).unwrap();
    let slot = &mut limits[field];
    *slot = if slot.is_string() { format!("{most}B").into() } else { most.into() };
    serde_json::from_value(limits).unwrap()
}

/// `text` has exactly `found` of `limit`: that many are allowed, one less is refused, where it says.
fn runs_into(limit: StaticLimit, found: u64, text: &str) -> u64 {
    let bytes = wasm(text);
    limited(limit.name(), found).check(&bytes).unwrap_or_else(|error| panic!("{error}: {text}"));
    match limited(limit.name(), found - 1).check(&bytes).unwrap_err() {
        Rejected::Limit { limit: name, allowed, found: there, offset } => {
            assert_eq!((name, allowed, there), (limit, found - 1, found), "{text}");
            assert!(offset <= bytes.len() as u64);
            offset
        }
        other => panic!("{other}: {text}"),
    }
}

#[test]
fn size() {
    let length = wasm("(module)").len() as u64;
    assert_eq!(runs_into(StaticLimit::Size, length, "(module)"), 0);
    // Nothing is read of a file that is too long.
    let error = StaticLimits { size: Bytes::new(2), ..everything() }.check(b"garbage").unwrap_err();
    assert!(matches!(error, Rejected::Limit { limit: StaticLimit::Size, found: 7, .. }));
}

#[test]
fn functions() {
    runs_into(StaticLimit::Functions, 3, "(module (func) (func) (func))");
    runs_into(StaticLimit::Functions, 2, "(component (core module (func)) (core module (func)))");
}

#[test]
fn function_size() {
    // The count of locals, the instructions and the end.
    let at = runs_into(StaticLimit::FunctionSize, 5, "(module (func) (func nop nop nop) (func nop))");
    assert_eq!(wasm("(module (func) (func nop nop nop) (func nop))")[at as usize..][..4], [0, 1, 1, 1]);
}

#[test]
fn locals() {
    runs_into(
        StaticLimit::Locals,
        3,
        "(module (func (local i32 i64 i32)) (func (param i32 i32 i32 i32) (local i32)))",
    );
    // Two groups of as many as can be said in five bytes each.
    let text = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x10\x01\x0e\x02\xff\xff\xff\xff\x0f\x7f\xff\xff\xff\xff\x0f\x7e\x0b";
    let error = StaticLimits::trusted().check(text).unwrap_err();
    assert!(
        matches!(error, Rejected::Limit { limit: StaticLimit::Locals, found: 0xffff_ffff, .. }),
        "{error}"
    );
}

#[test]
fn imports() {
    runs_into(StaticLimit::Imports, 2, r#"(module (import "a" "b" (func)) (import "a" "c" (func)))"#);
    runs_into(
        StaticLimit::Imports,
        2,
        r#"(component (import "a" (func)) (core module (import "a" "c" (func))))"#,
    );
}

#[test]
fn exports() {
    runs_into(StaticLimit::Exports, 2, r#"(module (func (export "a") (export "b")))"#);
    runs_into(StaticLimit::Exports, 1, r#"(component (component $c) (export "c" (component $c)))"#);
}

#[test]
fn types() {
    runs_into(StaticLimit::Types, 2, "(module (type (func)) (type (func (param i32))))");
    runs_into(StaticLimit::Types, 3, "(module (rec (type (struct)) (type (struct)) (type (struct))))");
    // One, with two declarations in it.
    let instance = r#"(component (type (instance (type $t u8) (export "t" (type (eq $t))))))"#;
    runs_into(StaticLimit::Types, 3, instance);
    let module = r#"(component (core type (module (type (func)) (type (func)))))"#;
    runs_into(StaticLimit::Types, 3, module);
}

#[test]
fn globals() {
    runs_into(StaticLimit::Globals, 2, "(module (global i32 (i32.const 1)) (global i32 (i32.const 1)))");
}

#[test]
fn data_segments() {
    runs_into(StaticLimit::DataSegments, 2, r#"(module (memory 1) (data "") (data (i32.const 0) "a"))"#);
}

#[test]
fn element_segments() {
    runs_into(
        StaticLimit::ElementSegments,
        2,
        "(module (table 1 funcref) (elem func) (elem (i32.const 0) func))",
    );
}

#[test]
fn image() {
    // Two bytes that are far from each other.
    let far = r#"(module (memory 1000) (data (i32.const 10) "a") (data (i32.const 10000009) "b"))"#;
    runs_into(StaticLimit::Image, 10_000_000, far);
    // In any order, overlapping, and in the memory that each is for.
    let text = r#"(module (memory $a 1) (memory $b 1)
        (data (memory $a) (i32.const 20) "abcd") (data (memory $a) (i32.const 10) "ab")
        (data (memory $a) (i32.const 11) "abcd") (data (memory $b) (i32.const 60000) "abc")
        (data (memory $a) (i32.const 65536) "") (data "passive"))"#;
    runs_into(StaticLimit::Image, 14 + 3, text);
    // Where it is only known later, its length counts.
    let later = r#"(module (import "" "" (global $g i32)) (memory 1) (data (global.get $g) "abc"))"#;
    runs_into(StaticLimit::Image, 3, later);
    let high = r#"(module (memory i64 1) (data (i64.const 0) "a") (data (i64.const -1) "b"))"#;
    assert_eq!(shape_or_limit(high), Err(StaticLimit::Image));
}

fn shape_or_limit(text: &str) -> Result<Shape, StaticLimit> {
    everything().check(&wasm(text)).map_err(|error| match error {
        Rejected::Limit { limit, .. } => limit,
        other => panic!("{other}"),
    })
}

#[test]
fn memory() {
    runs_into(StaticLimit::Memory, 5 << 16, "(module (memory 2) (memory i64 3))");
    runs_into(StaticLimit::Memory, 5, "(module (memory 5 (pagesize 1)))");
    runs_into(StaticLimit::Memory, 3 << 16, "(component (core module (memory 1)) (core module (memory 2)))");
    let most = "(module (memory i64 0x1000000000000) (memory i64 0x1000000000000))";
    assert_eq!(shape_or_limit(most), Err(StaticLimit::Memory));
}

#[test]
fn table_elements() {
    runs_into(StaticLimit::TableElements, 5, "(module (table 2 funcref) (table 3 externref))");
}

#[test]
fn nesting() {
    assert_eq!(shape("(module)").nesting, 0);
    runs_into(StaticLimit::Nesting, 1, "(component)");
    runs_into(StaticLimit::Nesting, 3, "(component (component) (component (component)))");
    // Types of components too, in the component that they stand in.
    runs_into(StaticLimit::Nesting, 3, "(component (type (component (type (instance)))))");
    runs_into(StaticLimit::Nesting, 3, "(component (component (type (instance))))");
}

#[test]
fn modules() {
    assert_eq!(shape("(module)").modules, 0);
    runs_into(StaticLimit::Modules, 2, "(component (core module) (component (core module)))");
}

/// Components of which each instantiates the one before twice: `levels` of them make 2^levels instances.
fn doubling(levels: u32) -> String {
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
fn instances() {
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
fn memories() {
    runs_into(StaticLimit::Memories, 2, "(module (memory 1) (memory 1))");
    // Only those that are its own.
    assert_eq!(shape(r#"(module (import "" "" (memory 1)))"#).memories, 0);
    runs_into(StaticLimit::Memories, 8, &doubling(3));
}

#[test]
fn tables() {
    runs_into(StaticLimit::Tables, 2, "(module (table 1 funcref) (table 1 funcref))");
    runs_into(StaticLimit::Tables, 8, &doubling(3));
}

#[test]
fn names() {
    let named = "(module $name (func $function))";
    let bytes = wasm(named);
    let at = bytes.windows(4).position(|window| window == b"name").unwrap() + 4;
    runs_into(StaticLimit::Names, (bytes.len() - at) as u64, named);
}

#[test]
fn proposals() {
    let vector = "(module (func (drop (v128.const i32x4 0 0 0 0))))";
    let without = StaticLimits { proposals: Proposals::default().without(Proposal::Simd), ..everything() };
    let Err(Rejected::Proposal { proposal: Proposal::Simd, offset }) = without.check(&wasm(vector)) else {
        panic!("not refused")
    };
    assert_eq!(wasm(vector)[offset as usize], 0xfd);
    assert!(without.check(&wasm("(module (func (drop (i32.const 0))))")).is_ok());
}

/// Each field of a policy, and the test in which something runs into it.
const CASES: &[(&str, fn())] = &[
    ("size", size),
    ("functions", functions),
    ("function-size", function_size),
    ("locals", locals),
    ("imports", imports),
    ("exports", exports),
    ("types", types),
    ("globals", globals),
    ("data-segments", data_segments),
    ("element-segments", element_segments),
    ("image", image),
    ("memory", memory),
    ("table-elements", table_elements),
    ("nesting", nesting),
    ("modules", modules),
    ("instances", instances),
    ("memories", memories),
    ("tables", tables),
    ("names", names),
    ("proposals", proposals),
];

#[test]
fn every_field_has_a_test() {
    crate::every_field::each_has_a_test(StaticLimits::default(), CASES);
    // And what was found has the same fields.
    let names = |value: serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let shape = serde_json::to_value(Shape::default()).unwrap();
    assert_eq!(names(shape), names(serde_json::to_value(StaticLimits::default()).unwrap()));
}

/// A piece of code for each proposal that there is text for.
const SAMPLES: &[(Proposal, &str)] = &[
    (Proposal::SignExtension, "(module (func (drop (i32.extend8_s (i32.const 0)))))"),
    (Proposal::SaturatingFloatToInt, "(module (func (drop (i32.trunc_sat_f32_s (f32.const 0)))))"),
    (
        Proposal::BulkMemory,
        "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
    ),
    (Proposal::BulkMemory, r#"(module (memory 1) (data "passive"))"#),
    (Proposal::ReferenceTypes, "(module (table 1 externref))"),
    (Proposal::ReferenceTypes, "(module (func (param externref)))"),
    (Proposal::ReferenceTypes, "(module (table 1 funcref) (table 1 funcref))"),
    (Proposal::MultiValue, "(module (func (result i32 i32) (i32.const 0) (i32.const 0)))"),
    (Proposal::MultiValue, "(module (func (i32.const 0) (block (param i32) (drop))))"),
    (Proposal::Simd, "(module (func (drop (v128.const i32x4 0 0 0 0))))"),
    (Proposal::Simd, "(module (func (local v128)))"),
    (Proposal::Simd, "(module (global (mut v128) (v128.const i32x4 0 0 0 0)))"),
    (
        Proposal::RelaxedSimd,
        "(module (func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))))",
    ),
    (Proposal::ExtendedConst, "(module (global i32 (i32.add (i32.const 1) (i32.const 1))))"),
    (Proposal::TailCall, "(module (func $f (return_call $f)))"),
    (Proposal::Threads, "(module (memory 1 1 shared))"),
    (Proposal::Threads, "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))"),
    (Proposal::MultiMemory, "(module (memory 1) (memory 1))"),
    (Proposal::MultiMemory, r#"(module (import "" "" (memory 1)) (memory 1))"#),
    (Proposal::Memory64, "(module (memory i64 1))"),
    (Proposal::Memory64, "(module (table i64 1 funcref))"),
    (
        Proposal::FunctionReferences,
        "(module (type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0))))",
    ),
    (Proposal::FunctionReferences, "(module (func (param (ref func))))"),
    (Proposal::Gc, "(module (type (struct)))"),
    (Proposal::Gc, "(module (type (array i8)))"),
    (Proposal::Gc, "(module (func (param anyref)))"),
    (Proposal::Gc, "(module (rec (type (func)) (type (func))))"),
    (Proposal::Exceptions, "(module (tag $t) (func (throw $t)))"),
    (Proposal::Exceptions, "(module (tag $t))"),
    (Proposal::Exceptions, r#"(module (import "" "" (tag)))"#),
    (Proposal::Exceptions, "(module (func (try_table)))"),
    (Proposal::LegacyExceptions, "(module (func try catch_all end))"),
    (Proposal::StackSwitching, "(module (type $f (func)) (type (cont $f)))"),
    (
        Proposal::WideArithmetic,
        "(module (func (param i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 0))))",
    ),
    (Proposal::CustomPageSizes, "(module (memory 1 (pagesize 1)))"),
    (Proposal::MemoryControl, "(module (memory 1) (func (memory.discard (i32.const 0) (i32.const 0))))"),
    (Proposal::SharedEverythingThreads, "(module (type (shared (struct))))"),
    (Proposal::SharedEverythingThreads, "(component (core func (canon thread.available_parallelism)))"),
    (Proposal::CustomDescriptors, r#"(module (func (import "" "") (exact)))"#),
    (Proposal::ComponentModel, "(component)"),
    (Proposal::ComponentModelAsync, "(component (core func (canon task.cancel)))"),
    (Proposal::ComponentModelAsync, "(component (type (stream u8)))"),
    (Proposal::ComponentModelAsync, "(component (type (func async)))"),
    (Proposal::ComponentModelThreading, "(component (core func (canon thread.index)))"),
    (Proposal::ComponentModelErrorContext, "(component (core func (canon error-context.drop)))"),
    (Proposal::ComponentModelErrorContext, "(component (type error-context))"),
    (Proposal::ComponentModelMap, "(component (type (map string u8)))"),
    (Proposal::ComponentModelFixedLengthLists, "(component (type (list u8 3)))"),
    (Proposal::ComponentModelValues, r#"(component (import "v" (value string)))"#),
    (Proposal::CompactImports, r#"(module (import "m" (item "a" (func)) (item "b" (func))))"#),
];

#[test]
fn every_proposal_is_recognised_in_a_sample_and_in_nothing_else() {
    let untested: Vec<_> = Proposals::all()
        .iter()
        .filter(|proposal| SAMPLES.iter().all(|(sample, _)| sample != proposal))
        // No text is known for it.
        .filter(|proposal| *proposal != Proposal::ComponentModelGc)
        .collect();
    assert_eq!(untested, []);
    for (proposal, text) in SAMPLES {
        let wasm = wasm(text);
        let found = everything().check(&wasm).unwrap_or_else(|error| panic!("{error}: {text}")).proposals;
        assert!(found.contains(*proposal), "{proposal}: {text}: {found:?}");
        let without = StaticLimits { proposals: Proposals::all().without(*proposal), ..everything() };
        let refused = without.check(&wasm).unwrap_err();
        assert!(
            matches!(refused, Rejected::Proposal { proposal: named, .. } if named == *proposal),
            "{refused}"
        );
    }
    let plain = r#"(module (import "a" "b" (func $f (param i32) (result i32))) (table 1 funcref) (memory 1)
        (global (mut i32) (i32.const 1)) (elem (i32.const 0) $f) (data (i32.const 0) "a")
        (func (export "run") (param f64) (local i64)
            (drop (call_indirect (param i32) (result i32) (i32.const 0) (i32.const 0)))
            (block (result i32) (memory.grow (i32.const 1))) (drop)))"#;
    assert_eq!(shape(plain).proposals, Proposals::none());
}

/// What an engine would refuse is refused here without compiling, and what it accepts is accepted.
#[test]
fn an_engine_refuses_what_it_is_known_not_to_support() {
    let narrow = {
        let mut config = Config::new();
        config.wasm_simd(false).wasm_relaxed_simd(false).wasm_multi_memory(false).wasm_memory64(false);
        config.wasm_tail_call(false).wasm_gc(false).wasm_exceptions(false).wasm_function_references(false);
        Engine::new(&config).unwrap()
    };
    for engine in [Engine::default(), narrow] {
        let limits = StaticLimits { proposals: Proposals::of(&engine), ..everything() };
        for (proposal, text) in SAMPLES {
            let wasm = wasm(text);
            let ours = limits.check(&wasm);
            let theirs = match wasm[4..8] {
                [_, _, 0, 0] => Module::from_binary(&engine, &wasm).map(drop),
                _ => Component::from_binary(&engine, &wasm).map(drop),
            };
            if let Err(error) = &ours {
                assert!(theirs.is_err(), "{proposal} is refused by us alone ({error}): {text}");
            }
        }
    }
}

#[test]
fn the_guests_of_this_project_pass() {
    for guest in ["add", "p2-command", "plugins/greeter"] {
        let bytes = fixtures::bytes(guest);
        for limits in [StaticLimits::untrusted(), StaticLimits::default(), StaticLimits::trusted()] {
            let shape = limits.check(&bytes).unwrap_or_else(|error| panic!("{guest}: {error}"));
            assert_eq!(shape.size, Bytes::new(bytes.len() as u64));
            assert!(shape.functions > 0 && shape.instances > 0, "{guest}: {shape:?}");
        }
    }
}

#[test]
fn refusals_say_what_where_and_what_to_do() {
    let text = |limits: &StaticLimits, wasm: &[u8]| limits.check(wasm).unwrap_err().to_string();
    let two = wasm("(module (memory 2) (func) (func))");
    assert_eq!(
        text(&limited("functions", 1), &two),
        "the code has 2 functions, and 1 are allowed (found at offset 0x10); raise `functions` if it is to be trusted that far"
    );
    assert_eq!(
        text(&limited("memory", 65536), &two),
        "the code has 128KiB of memory from the start, and 64KiB are allowed (found at offset 0x16); \
         raise `memory` if it is to be trusted that far"
    );
    let none = StaticLimits { proposals: Proposals::none(), ..everything() };
    assert_eq!(
        text(&none, &wasm("(component)")),
        "the code uses the proposal `component-model`, which is not allowed (found at offset 0x0)"
    );
    assert!(text(&none, b"hello").contains("not valid WebAssembly"));
}

// Made to hurt.

fn leb(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

fn section(id: u8, contents: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(contents.len() as u64), contents].concat()
}

const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn types_nested_by_the_million_do_not_overflow_the_stack() {
    // A type, an instance type, with one declaration: a type.
    let mut types = vec![1];
    for _ in 0..1_000_000 {
        types.extend([0x42, 1, 1]);
    }
    let bomb = [COMPONENT, &section(7, &types)].concat();
    assert!(matches!(
        everything().check(&bomb),
        Err(Rejected::Limit { limit: StaticLimit::Nesting, found: 101, .. })
    ));
    let wide = StaticLimits { nesting: u64::MAX, types: u64::MAX, ..everything() };
    assert!(matches!(wide.check(&bomb), Err(Rejected::Malformed { .. })));
}

#[test]
fn components_nested_by_the_thousand_are_counted() {
    let mut nested = COMPONENT.to_vec();
    for _ in 0..2_000 {
        nested = [COMPONENT, &section(4, &nested)].concat();
    }
    let error = everything().check(&nested).unwrap_err();
    assert!(matches!(error, Rejected::Limit { limit: StaticLimit::Nesting, found: 101, .. }), "{error}");
    let wide = StaticLimits { nesting: u64::MAX, ..everything() };
    assert_eq!(wide.check(&nested).unwrap().nesting, 2_001);
}

#[test]
fn counts_of_what_is_not_there_ask_for_no_memory() {
    let most = [0xff, 0xff, 0xff, 0xff, 0x0f];
    // The start section has no count but the number of a function, which is not looked at here.
    for id in (1..=13).filter(|id| *id != 8) {
        for header in [MODULE, COMPONENT] {
            let bytes = [header, &section(id, &most)].concat();
            assert!(everything().check(&bytes).is_err(), "{id}");
        }
    }
    // A table of branches to four billion places.
    let body = [&[0, 0x0e][..], &most, &[0x0b]].concat();
    let code = [&[1][..], &leb(body.len() as u64), &body].concat();
    let bytes = [MODULE, &section(1, &[1, 0x60, 0, 0]), &section(3, &[1, 0]), &section(10, &code)].concat();
    assert!(everything().check(&bytes).is_err());
}

#[test]
fn numbers_that_are_too_long_are_refused() {
    let overlong = [MODULE, &[1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]].concat();
    assert!(matches!(everything().check(&overlong), Err(Rejected::Malformed { .. })));
}

#[test]
fn every_cut_of_a_file_is_refused() {
    let whole = wasm(&doubling(2));
    for length in 0..whole.len() {
        // Where a section ends, what is before it is a file.
        let _ = everything().check(&whole[..length]);
    }
    assert!(everything().check(&whole[..whole.len() - 1]).is_err());
    assert!(everything().check(&[&whole[..], &[0]].concat()).is_err());
    assert!(everything().check(b"").is_err());
}

/// Twice the bytes take about twice the time: files of many megabytes end soon, whatever they are full of.
#[test]
fn large_files_of_every_kind_are_read_in_one_pass() {
    let many = 2_000_000;
    let wide = StaticLimits {
        types: u64::MAX,
        exports: u64::MAX,
        element_segments: u64::MAX,
        data_segments: u64::MAX,
        function_size: Bytes::gibi(1),
        ..everything()
    };
    let function = |body: &[u8]| {
        let code = [&[1][..], &leb(body.len() as u64), body].concat();
        [MODULE, &section(1, &[1, 0x60, 0, 0]), &section(3, &[1, 0]), &section(10, &code)].concat()
    };
    let repeat = |items: usize, item: &[u8]| [&leb(items as u64)[..], &item.repeat(items)].concat();
    let blocks = [&[0][..], &[0x02, 0x40].repeat(many), &[0x0b].repeat(many + 1)].concat();
    let branches = [&[0, 0x41, 0, 0x0e][..], &repeat(many, &[0]), &[0, 0x0b]].concat();
    for (name, bytes) in [
        ("types", [MODULE, &section(1, &repeat(many, &[0x60, 0, 0]))].concat()),
        ("elements", [MODULE, &section(9, &repeat(many, &[1, 0, 0]))].concat()),
        ("data", [MODULE, &section(11, &repeat(many, &[1, 0]))].concat()),
        ("blocks in blocks", function(&blocks)),
        ("branches", function(&branches)),
        ("component types", [COMPONENT, &section(7, &repeat(many, &[0x72, 0]))].concat()),
        ("aliases", [COMPONENT, &section(6, &repeat(many, &[3, 2, 0, 0]))].concat()),
    ] {
        let started = std::time::Instant::now();
        let _ = wide.check(&bytes);
        // Some hundred milliseconds, unoptimised; a pass for each item would take hours.
        assert!(started.elapsed().as_secs() < 60, "{name}");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = SAMPLES.iter().map(|(_, text)| wasm(text)).collect();
    seeds.push(wasm(&doubling(5)));
    seeds
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200), component in any::<bool>()) {
        let header = if component { COMPONENT } else { MODULE };
        let _ = everything().check(&bytes);
        let _ = everything().check(&[header, &bytes].concat());
    }

    #[test]
    fn changed_code_is_read_without_harm(
        seed in 0..SAMPLES.len() + 1,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = everything().check(&bytes);
        let _ = StaticLimits::untrusted().check(&bytes);
    }
}

#[test]
fn the_tighter_of_two_is_tighter_than_both() {
    let (a, b) = (StaticLimits::untrusted(), limited("functions", 7));
    let both = a.intersect(&b);
    assert_eq!(both, b.intersect(&a));
    assert_eq!(both, both.intersect(&a).intersect(&b));
    assert_eq!((both.functions, both.size, both.proposals), (7, a.size, a.proposals));
    let presets = [StaticLimits::untrusted(), StaticLimits::default(), StaticLimits::trusted()];
    for pair in presets.windows(2) {
        assert_eq!(pair[0].intersect(&pair[1]), pair[0]);
    }
}
