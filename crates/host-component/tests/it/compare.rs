//! Differences of types are found where they are, and shown on both sides.

use host_component::compare::{Comparison, functions};
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::{ComponentFunc, ComponentItem};

fn function(component: &Component, name: &str) -> ComponentFunc {
    match component.component_type().get_import(component.engine(), name).unwrap().ty {
        ComponentItem::ComponentFunc(function) => function,
        _ => panic!("no function"),
    }
}

/// Compares the imports `f` of two components with these bodies.
fn compared(left: &str, right: &str) -> Comparison {
    let engine = Engine::default();
    let component = |text: &str| Component::new(&engine, format!("(component {text})")).unwrap();
    functions(&function(&component(left), "f"), &function(&component(right), "f"))
}

/// A component's body whose function `f` has this type, with the record `entry` of these fields.
fn with_entry(fields: &str, ty: &str) -> String {
    format!(
        r#"(type $e' (record {fields})) (import "entry" (type $entry (eq $e')))
           (import "f" (func {ty}))"#
    )
}

#[track_caller]
fn sentences(comparison: &Comparison) -> Vec<String> {
    assert!(!comparison.cut);
    comparison.differences.iter().map(|difference| difference.sentence("ours", "theirs")).collect()
}

const TAKES: &str =
    r#"(param "to" string) (param "entries" (list $entry)) (result (result (option $entry) (error u8)))"#;

#[test]
fn what_is_the_same_does_not_differ() {
    let one = with_entry(r#"(field "name" string) (field "size" u32)"#, TAKES);
    assert_eq!(compared(&one, &one), Comparison::default());
    // Names of parameters are not passed.
    let other = one.replace("(param \"to\"", "(param \"destination\"");
    assert_eq!(compared(&one, &other), Comparison::default());
}

#[test]
fn a_field_of_another_type_is_marked_on_both_sides() {
    let one = with_entry(r#"(field "name" string) (field "size" u32)"#, TAKES);
    let other = with_entry(r#"(field "name" string) (field "size" u64)"#, TAKES);
    let comparison = compared(&one, &other);
    assert_eq!(
        sentences(&comparison),
        [
            "`entries[].size` is `u32` in ours, but `u64` in theirs",
            "`result.ok.some.size` is `u32` in ours, but `u64` in theirs",
        ]
    );
    assert_eq!(
        comparison.differences[0].sides("ours", "theirs"),
        "\
ours:    record { name: string, size: u32 }
                                ^^^^^^^^^
theirs:  record { name: string, size: u64 }
                                ^^^^^^^^^"
    );
}

#[test]
fn fields_that_one_side_has_alone_and_other_orders_are_named() {
    let takes = r#"(param "entry" $entry)"#;
    let one = with_entry(r#"(field "name" string) (field "size" u32)"#, takes);
    let fewer = with_entry(r#"(field "name" string)"#, takes);
    let renamed = with_entry(r#"(field "name" string) (field "length" u32)"#, takes);
    let swapped = with_entry(r#"(field "size" u32) (field "name" string)"#, takes);
    assert_eq!(sentences(&compared(&one, &fewer)), ["only ours has `entry.size`, `u32`"]);
    assert_eq!(
        sentences(&compared(&one, &renamed)),
        ["only ours has `entry.size`, `u32`", "only theirs has `entry.length`, `u32`"]
    );
    assert_eq!(
        sentences(&compared(&one, &swapped)),
        ["`entry` is `in the order name, size` in ours, but `in the order size, name` in theirs"]
    );
    let sides = compared(&one, &fewer).differences[0].sides("ours", "theirs");
    assert!(sides.ends_with("theirs:  record { name: string }"), "{sides}");
}

#[test]
fn every_kind_of_type_is_told_from_every_other() {
    let types = [
        "bool",
        "u8",
        "s8",
        "u16",
        "s16",
        "u32",
        "s32",
        "u64",
        "s64",
        "f32",
        "f64",
        "char",
        "string",
        "(list u8)",
        "(list u16)",
        "(option u8)",
        "(option u16)",
        "(result)",
        "(result u8)",
        "(result (error u8))",
        "(result u8 (error u8))",
        "(tuple u8)",
        "(tuple u8 u8)",
        "(tuple u8 u16)",
        "(enum \"a\")",
        "(enum \"b\")",
        "(enum \"a\" \"b\")",
        "(enum \"b\" \"a\")",
        "(flags \"a\")",
        "(flags \"a\" \"b\")",
        "(record (field \"a\" u8))",
        "(record (field \"a\" u16))",
        "(record (field \"b\" u8))",
        "(variant (case \"a\"))",
        "(variant (case \"a\" u8))",
        "(variant (case \"b\" u8))",
        "(variant (case \"a\" u8) (case \"b\"))",
    ];
    let engine = Engine::default();
    let mut body = String::new();
    for (index, ty) in types.iter().enumerate() {
        body.push_str(&format!(
            "(type $d{index} {}) (import \"t{index}\" (type $t{index} (eq $d{index})))\n\
             (import \"f{index}\" (func (param \"x\" $t{index})))\n",
            if ty.starts_with('(') { (*ty).to_owned() } else { format!("(tuple {ty} string)") }
        ));
    }
    let component = |engine| Component::new(engine, format!("(component {body})")).unwrap();
    let (left, right) = (component(&engine), component(&engine));
    for (i, one) in types.iter().enumerate() {
        for (j, other) in types.iter().enumerate() {
            let [a, b] = [function(&left, &format!("f{i}")), function(&right, &format!("f{j}"))];
            assert_eq!(functions(&a, &b).differences.is_empty(), i == j, "{one} and {other}");
        }
    }
}

#[test]
fn huge_types_are_compared_in_part_and_say_so() {
    let mut body = String::from("(type $t0 (tuple u8 u8))\n");
    for level in 1..17 {
        body.push_str(&format!("(type $t{level} (tuple $t{0} $t{0}))\n", level - 1));
    }
    body.push_str("(import \"f\" (func (param \"x\" (tuple $t16 $t16))))");
    let comparison = compared(&body, &body);
    assert!(comparison.cut && comparison.differences.is_empty());
}

#[test]
fn wide_types_are_shown_in_part() {
    let fields = |ty: &str| -> String {
        (0..500).map(|n| format!("(field \"f{n}\" {}) ", if n == 250 { ty } else { "u8" })).collect()
    };
    let takes = r#"(param "entry" $entry)"#;
    let comparison = compared(&with_entry(&fields("u8"), takes), &with_entry(&fields("s8"), takes));
    assert_eq!(
        comparison.differences[0].sides("a", "b"),
        "\
a:  record { …, f248: u8, f249: u8, f250: u8, f251: u8, f252: u8, … }
                                    ^^^^^^^^
b:  record { …, f248: u8, f249: u8, f250: s8, f251: u8, f252: u8, … }
                                    ^^^^^^^^"
    );
}
