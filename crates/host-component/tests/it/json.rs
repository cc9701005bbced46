//! Values as JSON: nothing is lost, and what does not fit is named with its place.

use host_component::json::{self, TextError};
use serde_json::{Value, json};
use wasmtime::Engine;
use wasmtime::component::{Component, Type, Val};

use crate::types::{named, ty, types};

/// Reads, writes, and writes as text and reads again: each time the same.
#[track_caller]
fn round_trip(ty: &Type, json: &Value) -> Val {
    let val = json::to_val(ty, json).unwrap_or_else(|error| panic!("{json}: {error}"));
    let written = json::from_val(&val).unwrap();
    assert_eq!(&written, json);
    let again: Value = serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap();
    assert_eq!(json::to_val(ty, &again).unwrap(), val, "{json}");
    let text = json::val_to_string(&val).unwrap();
    assert_eq!(json::parse(&text).unwrap(), written, "{json}");
    assert_eq!(json::val_from_str(ty, &text).unwrap(), val, "{json}");
    val
}

#[track_caller]
fn refused(ty: &Type, json: &Value, expected: &str) {
    let error = json::to_val(ty, json).unwrap_err().to_string();
    assert_eq!(error, expected, "{json}");
    let of_text = json::val_from_str(ty, &json.to_string()).unwrap_err();
    assert!(matches!(of_text, TextError::Fit(_)), "{json}");
    assert_eq!(of_text.to_string(), expected, "{json}");
}

#[test]
fn the_mapping_is_the_one_of_the_table() {
    let variant = named(r#"(variant (case "off") (case "on" u8))"#);
    let record = named(r#"(record (field "name" string) (field "debug" bool))"#);
    for (ty, json, val) in [
        (Type::Bool, json!(true), Val::Bool(true)),
        (Type::U64, json!(u64::MAX), Val::U64(u64::MAX)),
        (Type::S64, json!(i64::MIN), Val::S64(i64::MIN)),
        (Type::U8, json!(255), Val::U8(255)),
        (Type::S8, json!(-128), Val::S8(-128)),
        (Type::Float64, json!("NaN"), Val::Float64(f64::NAN)),
        (Type::Float32, json!("-Infinity"), Val::Float32(f32::NEG_INFINITY)),
        (Type::Float32, json!(0.1), Val::Float32(0.1)),
        (Type::Char, json!("ß"), Val::Char('ß')),
        (Type::String, json!("\u{0}x"), Val::String("\u{0}x".to_owned())),
        (ty("(list u8)"), json!([1, 2]), Val::List(vec![Val::U8(1), Val::U8(2)])),
        (ty("(list u8 2)"), json!([1, 2]), Val::FixedLengthList(vec![Val::U8(1), Val::U8(2)])),
        (ty("(map string u8)"), json!([["a", 1]]), Val::Map(vec![(Val::String("a".to_owned()), Val::U8(1))])),
        (ty("(tuple u8 string)"), json!([1, "x"]), Val::Tuple(vec![Val::U8(1), Val::String("x".to_owned())])),
        (
            record,
            json!({"name": "x", "debug": true}),
            Val::Record(vec![
                ("name".to_owned(), Val::String("x".to_owned())),
                ("debug".to_owned(), Val::Bool(true)),
            ]),
        ),
        (variant.clone(), json!("off"), Val::Variant("off".to_owned(), None)),
        (variant, json!({"on": 7}), Val::Variant("on".to_owned(), Some(Box::new(Val::U8(7))))),
        (named(r#"(enum "red" "green")"#), json!("red"), Val::Enum("red".to_owned())),
        (named(r#"(flags "read" "write")"#), json!(["write"]), Val::Flags(vec!["write".to_owned()])),
        (ty("(option u8)"), json!(null), Val::Option(None)),
        (ty("(option u8)"), json!(7), Val::Option(Some(Box::new(Val::U8(7))))),
        (ty("(option (option u8))"), json!(null), Val::Option(None)),
        (ty("(option (option u8))"), json!({"some": null}), Val::Option(Some(Box::new(Val::Option(None))))),
        (
            ty("(option (option u8))"),
            json!({"some": 7}),
            Val::Option(Some(Box::new(Val::Option(Some(Box::new(Val::U8(7))))))),
        ),
        (ty("(result u8 (error string))"), json!({"ok": 7}), Val::Result(Ok(Some(Box::new(Val::U8(7)))))),
        (
            ty("(result u8 (error string))"),
            json!({"err": "no"}),
            Val::Result(Err(Some(Box::new(Val::String("no".to_owned()))))),
        ),
        (ty("(result)"), json!({"ok": null}), Val::Result(Ok(None))),
        (ty("(result)"), json!({"err": null}), Val::Result(Err(None))),
    ] {
        assert_eq!(round_trip(&ty, &json), val, "{json}");
    }
}

#[test]
fn floats_keep_every_bit_through_text() {
    for bits in
        [1_u64, 0x7fef_ffff_ffff_ffff, 0x8000_0000_0000_0000, 0x3fb9_9999_9999_999a, 0x0010_0000_0000_0000]
    {
        let text =
            serde_json::to_string(&json::from_val(&Val::Float64(f64::from_bits(bits))).unwrap()).unwrap();
        let Val::Float64(back) = json::to_val(&Type::Float64, &serde_json::from_str(&text).unwrap()).unwrap()
        else {
            panic!("{text}");
        };
        assert_eq!(back.to_bits(), bits, "{text}");
    }
    // A prime step visits all exponents and signs.
    for bits in (0..u32::MAX).step_by(99_991).filter(|bits| !f32::from_bits(*bits).is_nan()) {
        let text =
            serde_json::to_string(&json::from_val(&Val::Float32(f32::from_bits(bits))).unwrap()).unwrap();
        let Val::Float32(back) = json::to_val(&Type::Float32, &serde_json::from_str(&text).unwrap()).unwrap()
        else {
            panic!("{text}");
        };
        assert_eq!(back.to_bits(), bits, "{text}");
    }
}

#[test]
fn whole_numbers_may_be_written_as_floats() {
    assert_eq!(json::to_val(&Type::U32, &json!(1e3)), Ok(Val::U32(1000)));
    assert_eq!(json::to_val(&Type::U64, &json!(1e18)), Ok(Val::U64(1_000_000_000_000_000_000)));
    assert_eq!(json::to_val(&Type::S64, &json!(-9_223_372_036_854_775_808.0)), Ok(Val::S64(i64::MIN)));
    assert_eq!(json::to_val(&Type::U8, &json!(-0.0)), Ok(Val::U8(0)));
    refused(&Type::U32, &json!(1.5), "at `$`: expected a whole number that is a u32, found 1.5");
    // The next number that is an `f64` after the largest `u64`.
    refused(
        &Type::U64,
        &json!(18_446_744_073_709_551_616.0),
        "at `$`: expected a whole number that is a u64, found 1.8446744073709552e+19",
    );
    refused(&Type::S64, &json!(1e300), "at `$`: expected a whole number that is a s64, found 1e+300");
}

#[test]
fn text_that_is_no_json_is_refused_with_its_place() {
    let error = json::parse("{\n  \"a\": 1,\n  b: 2}").unwrap_err();
    assert_eq!((error.line, error.column), (3, 3));
    assert_eq!(error.to_string(), "the text is not JSON at line 3, column 3");
    assert!(json::parse("").is_err());
    assert!(json::parse(&"[".repeat(100_000)).is_err());
    assert!(json::parse(&"{\"a\":".repeat(100_000)).is_err());
}

#[test]
fn a_value_deeper_than_webassembly_has_any_is_not_written() {
    let deep = (0..1000).fold(Val::U8(1), |val, _| Val::List(vec![val]));
    let error = json::from_val(&deep).unwrap_err();
    assert_eq!(error.problem.to_string(), "the value nests more than 128 deep");
    let lists: String = (1..99).map(|level| format!("(type $l{level} (list $l{}))", level - 1)).collect();
    let body = format!("(type $l0 (list u8)) {lists} (export \"f\" (func (param \"x\" $l98)))");
    let deepest = types(&body).remove(0);
    let val = (0..99).fold(Val::U8(1), |val, _| Val::List(vec![val]));
    assert_eq!(json::to_val(&deepest, &json::from_val(&val).unwrap()), Ok(val));
}

#[test]
fn an_option_may_be_left_out_of_a_record_and_nothing_else() {
    let record = named(r#"(record (field "a" (option u8)) (field "b" u8))"#);
    assert_eq!(json::to_val(&record, &json!({"b": 1})), json::to_val(&record, &json!({"a": null, "b": 1})));
    refused(&record, &json!({"a": 1}), "at `$`: the field `b` is missing");
    refused(&record, &json!({"b": 1, "c": 2}), "at `$`: the field `c` is unknown; there is `a`, `b`");
}

#[test]
fn errors_name_the_place() {
    let list = types(
        r#"(type $t' (record (field "name" string)))
           (export "t" (type $t (eq $t')))
           (type $l' (record (field "items" (list $t))))
           (export "l" (type $l (eq $l')))
           (export "f" (func (param "x" $l)))"#,
    )
    .remove(0);
    let json = json!({"items": [{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": 7}]});
    refused(&list, &json, "at `$.items[3].name`: expected a string, found 7");
    refused(
        &list,
        &json!({"items": {}}),
        "at `$.items`: expected an array for list<record { name: string }>, found an empty object",
    );
}

#[test]
fn what_does_not_fit_is_said_in_the_types_words() {
    refused(&Type::U8, &json!(256), "at `$`: expected a whole number that is a u8, found 256");
    refused(&Type::U8, &json!(-1), "at `$`: expected a whole number that is a u8, found -1");
    refused(&Type::Char, &json!("ab"), "at `$`: expected a string of one character, found the string \"ab\"");
    refused(&Type::Char, &json!(""), "at `$`: expected a string of one character, found the string \"\"");
    refused(&Type::Float32, &json!(1e39), "at `$`: expected a number that fits f32, found 1e+39");
    refused(
        &Type::Float64,
        &json!("inf"),
        "at `$`: expected a number, \"NaN\", \"Infinity\" or \"-Infinity\", found the string \"inf\"",
    );
    refused(&ty("(tuple u8 u8)"), &json!([1]), "at `$`: expected an array of 2, found an array of 1");
    refused(&ty("(list u8 2)"), &json!([1]), "at `$`: expected an array of 2, found an array of 1");
    refused(
        &ty("(map string u8)"),
        &json!([["a"]]),
        "at `$[0]`: expected an array of a key and a value, found an array of 1",
    );
    let flags = named(r#"(flags "read" "write")"#);
    refused(
        &flags,
        &json!(["read", "run"]),
        "at `$[1]`: the flag `run` is unknown; there is `read`, `write`",
    );
    refused(
        &flags,
        &json!(["read", "read"]),
        "at `$[1]`: expected each flag once, found the string \"read\"",
    );
    let variant = named(r#"(variant (case "off") (case "on" u8))"#);
    refused(
        &variant,
        &json!("on"),
        "at `$`: expected an object with the key `on` and a payload of type u8, found the string \"on\"",
    );
    refused(
        &variant,
        &json!({"off": 1}),
        "at `$.off`: expected the string \"off\" without a payload, found 1",
    );
    refused(
        &variant,
        &json!({"on": 1, "off": 1}),
        "at `$`: expected the name of a case, or an object with one case and its payload, found an object with `off`, `on`",
    );
    refused(
        &ty("(option (option u8))"),
        &json!(7),
        "at `$`: expected null or an object with the one key `some`, found 7",
    );
    refused(&ty("(result)"), &json!({"ok": 1}), "at `$.ok`: expected null, found 1");
}

#[test]
fn resources_have_no_json() {
    let own =
        types(r#"(export "r" (type $r (sub resource))) (export "f" (func (param "x" (list (own $r)))))"#)
            .remove(0);
    refused(&own, &json!([1]), "at `$[0]`: a resource has no JSON form");
    assert_eq!(json::to_val(&own, &json!([])), Ok(Val::List(Vec::new())));
}

#[test]
fn arguments_come_by_position_or_by_name() {
    let component = Component::new(&Engine::default(), crate::guests::ECHO).unwrap();
    let function = host_component::find(&component, "text").unwrap();
    let expected = Ok(vec![Val::String("x".to_owned())]);
    assert_eq!(json::arguments(&function, &json!(["x"])), expected);
    assert_eq!(json::arguments(&function, &json!({"text": "x"})), expected);
    for wrong in [json!([]), json!(["x", "y"]), json!({"txt": "x"}), json!({}), json!("x"), json!([1])] {
        assert!(json::arguments(&function, &wrong).is_err(), "{wrong}");
    }
}
