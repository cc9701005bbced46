//! Code that declares too much of something.

use host_limits::{Bytes, Proposal, Proposals, Rejected, Shape, StaticLimit, StaticLimits};

use crate::static_instances;

pub(crate) fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) fn everything() -> StaticLimits {
    StaticLimits { proposals: Proposals::all(), ..StaticLimits::trusted() }
}

pub(crate) fn shape(text: &str) -> Shape {
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
pub(crate) fn runs_into(limit: StaticLimit, found: u64, text: &str) -> u64 {
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
fn total_locals() {
    runs_into(
        StaticLimit::TotalLocals,
        4 + 2 + 1,
        "(module (func (local i32 i64 i32) (local i32)) (func (param i32) (local i32)) (func (local i64)))",
    );
    runs_into(
        StaticLimit::TotalLocals,
        2,
        "(component (core module (func (local i32))) (core module (func (local i32))))",
    );
    // Many parameters are said in two bytes a function: the number of their type.
    let text = "(module (rec (type (struct)) (type $f (func (param i32 i32 i32)))) (func (type $f)) (func (type $f)))";
    runs_into(StaticLimit::TotalLocals, 6, text);
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
fn the_items_of_a_group_of_imports_count_each() {
    let group = r#"(module (import "m" (item "a" (func)) (item "b" (func)) (item "c" (func))) (import "m" "d" (func)))"#;
    runs_into(StaticLimit::Imports, 4, group);
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

pub(crate) fn shape_or_limit(text: &str) -> Result<Shape, StaticLimit> {
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

#[test]
fn names() {
    let named = "(module $name (func $function))";
    let bytes = wasm(named);
    let at = bytes.windows(4).position(|window| window == b"name").unwrap() + 4;
    runs_into(StaticLimit::Names, (bytes.len() - at) as u64, named);
    let named = "(component $name)";
    let bytes = wasm(named);
    let at = bytes.windows(14).position(|window| window == b"component-name").unwrap() + 14;
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
    ("total-locals", total_locals),
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
    ("instances", static_instances::instances),
    ("memories", static_instances::memories),
    ("tables", static_instances::tables),
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
