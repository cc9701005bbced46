//! JSON text read and written without a `Value` in between: it means what it means by way of one.

use std::fmt::Write as _;

use host_component::json::{self, JsonProblem, TextError};
use wasmtime::component::{Type, Val};

use crate::types::{named, ty, types};

/// Reads `text` both ways, and gives what both said.
#[track_caller]
fn both(ty: &Type, text: &str) -> Result<Val, String> {
    let by_value = json::parse(text).map_err(|error| error.to_string());
    let by_value = by_value.and_then(|value| json::to_val(ty, &value).map_err(|error| error.to_string()));
    let read = json::val_from_str(ty, text).map_err(|error| error.to_string());
    assert_eq!(read, by_value, "{text}");
    read
}

#[track_caller]
fn refused(ty: &Type, text: &str, expected: &str) {
    assert_eq!(both(ty, text).unwrap_err(), expected, "{text}");
}

#[test]
fn numbers_are_read_as_they_are_written() {
    for (ty, text, val) in [
        (Type::U64, "18446744073709551615", Val::U64(u64::MAX)),
        (Type::S64, "-9223372036854775808", Val::S64(i64::MIN)),
        (Type::U64, "9007199254740993", Val::U64(9_007_199_254_740_993)),
        (Type::U64, "9007199254740993.0", Val::U64(9_007_199_254_740_992)),
        (Type::U32, " 1e3\n", Val::U32(1000)),
        (Type::U8, "-0", Val::U8(0)),
        (Type::Float64, "1e-999", Val::Float64(0.0)),
        (Type::Float64, "-0", Val::Float64(-0.0)),
        (Type::Float32, "0.1", Val::Float32(0.1)),
        (Type::Float64, "\"N\\u0061N\"", Val::Float64(f64::NAN)),
        (Type::Char, "\"\\ud83d\\ude00\"", Val::Char('😀')),
        (Type::String, "\"a\\n\\u0000\\\"\"", Val::String("a\n\0\"".to_owned())),
    ] {
        assert_eq!(both(&ty, text), Ok(val), "{text}");
    }
    refused(
        &Type::U64,
        "18446744073709551616",
        "at `$`: expected a whole number that is a u64, found 1.8446744073709552e+19",
    );
    refused(&Type::Float64, "1e999", "the text is not JSON at line 1, column 5");
}

#[test]
fn what_is_no_json_comes_before_what_does_not_fit() {
    let record = named(r#"(record (field "a" u8) (field "b" (option u8)))"#);
    for text in [
        r#"{"a": "x", "b": 1"#,
        r#"{"a": "x", "b": 1}}"#,
        r#"{"c": "\ud800", "a": 1}"#,
        r#"{"a": "x", "b": 1e999}"#,
        r#"{"a": "x", "b": nul}"#,
        r#"{"a": 1, "b": 2,}"#,
        r#"{"a" 1}"#,
        r#"{1: 2}"#,
        r#"["x", 1"#,
        "",
        "\"\u{1}\"",
    ] {
        let error = json::val_from_str(&record, text).unwrap_err();
        let TextError::Parse(error) = error else { panic!("{text}: {error}") };
        let expected = json::parse(text).unwrap_err();
        assert_eq!((error.line, error.column), (expected.line, expected.column), "{text}");
        assert_eq!(error.source.to_string(), expected.source.to_string(), "{text}");
    }
}

#[test]
fn the_last_of_several_fields_of_one_name_counts() {
    let record = named(r#"(record (field "a" u8) (field "b" (option u8)))"#);
    let fields = |a, b: Option<u8>| {
        let b = Val::Option(b.map(|b| Box::new(Val::U8(b))));
        Ok(Val::Record(vec![("a".to_owned(), Val::U8(a)), ("b".to_owned(), b)]))
    };
    assert_eq!(both(&record, r#"{"a": "x", "b": 7, "a": 1, "b": null, "a": 2}"#), fields(2, None));
    assert_eq!(both(&record, r#"{"b": 1, "a": 3}"#), fields(3, Some(1)));
    refused(
        &record,
        r#"{"a": 1, "a": "x"}"#,
        "at `$.a`: expected a whole number that is a u8, found the string \"x\"",
    );
    refused(
        &record,
        r#"{"z": 1, "a": "x", "y": 2, "z": 3}"#,
        "at `$`: the field `y` is unknown; there is `a`, `b`",
    );
    let result = ty("(result u8 (error string))");
    let ok = Ok(Val::Result(Ok(Some(Box::new(Val::U8(2))))));
    assert_eq!(both(&result, r#"{"ok": "x", "ok": 2}"#), ok);
    refused(
        &result,
        r#"{"ok": 1, "err": "x", "ok": 2}"#,
        "at `$`: expected an object with the one key `ok` or `err`, found an object with `err`, `ok`",
    );
    let variant = named(r#"(variant (case "off") (case "on" u8))"#);
    assert_eq!(
        both(&variant, r#"{"on": [], "on": 7}"#),
        Ok(Val::Variant("on".to_owned(), Some(Box::new(Val::U8(7)))))
    );
    refused(&variant, r#"{"up": 1}"#, "at `$`: the case `up` is unknown; there is `off`, `on`");
    refused(
        &variant,
        "{}",
        "at `$`: expected the name of a case, or an object with one case and its payload, found an empty object",
    );
}

#[test]
fn of_several_problems_the_same_one_is_told() {
    let tuple = ty("(tuple u8 u8)");
    refused(&tuple, r#"["x", 1, 2]"#, "at `$`: expected an array of 2, found an array of 3");
    refused(
        &tuple,
        r#"["x", "y"]"#,
        "at `$[0]`: expected a whole number that is a u8, found the string \"x\"",
    );
    refused(&ty("(list u8 2)"), r#"[[], 2, 3]"#, "at `$`: expected an array of 2, found an array of 3");
    refused(
        &ty("(map u8 u8)"),
        r#"[[1, 2], ["x", 2, 3]]"#,
        "at `$[1]`: expected an array of a key and a value, found an array of 3",
    );
    refused(
        &ty("(map u8 u8)"),
        r#"[["x", "y"]]"#,
        "at `$[0][0]`: expected a whole number that is a u8, found the string \"x\"",
    );
    refused(
        &ty("(map u8 u8)"),
        r#"[[1, "y"]]"#,
        "at `$[0][1]`: expected a whole number that is a u8, found the string \"y\"",
    );
    let record = named(r#"(record (field "a" u8) (field "b" u8) (field "c" u8))"#);
    refused(&record, r#"{"c": "x", "b": "y"}"#, "at `$`: the field `a` is missing");
    refused(
        &record,
        r#"{"c": "x", "b": "y", "a": 1}"#,
        "at `$.b`: expected a whole number that is a u8, found the string \"y\"",
    );
    let options = ty("(option (option u8))");
    refused(
        &options,
        r#"{"some": "x"}"#,
        "at `$.some`: expected a whole number that is a u8, found the string \"x\"",
    );
    refused(
        &options,
        r#"{"none": 1}"#,
        "at `$`: expected null or an object with the one key `some`, found an object with `none`",
    );
}

#[test]
fn text_nests_as_deep_as_it_does_for_a_value() {
    let lists = |depth: usize| {
        let lists: String =
            (1..depth).map(|level| format!("(type $l{level} (list $l{}))", level - 1)).collect();
        types(&format!("(type $l0 (list u8)) {lists} (export \"f\" (func (param \"x\" $l{})))", depth - 1))
            .remove(0)
    };
    let text = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(both(&lists(99), &text(99)).is_ok());
    for depth in [100, 126, 127, 128, 129, 100_000] {
        let error = both(&lists(99), &text(depth)).unwrap_err();
        assert_eq!(error.starts_with("the text is not JSON"), depth > 127, "{depth}: {error}");
    }
    let deep = (0..1000).fold(Val::U8(1), |val, _| Val::List(vec![val]));
    let error = json::val_to_string(&deep).unwrap_err();
    assert_eq!(error, json::from_val(&deep).unwrap_err());
    assert_eq!(error.problem, JsonProblem::TooDeep { deepest: 128 });
    assert_eq!(error.path.len(), 1 + 128 * "[0]".len());
}

/// A machine that is busy is late; the square of this would take hours.
#[test]
fn wide_objects_take_time_in_proportion() {
    const FIELDS: usize = 5_000;
    let definition: String = (0..FIELDS).map(|index| format!("(field \"f{index}\" (option $e))")).collect();
    let cases: String = (0..5_000).map(|index| format!(" \"c{index}\"")).collect();
    let record = types(&format!(
        r#"(type $e' (enum {cases})) (export "e" (type $e (eq $e')))
           (type $t' (record {definition})) (export "t" (type $t (eq $t')))
           (export "f" (func (param "x" $t)))"#
    ))
    .remove(0);
    let text = |name: &dyn Fn(usize) -> usize, case: &str| {
        let mut text = String::from("{\"f0\": null");
        for index in 0..200_000 {
            let _ = write!(text, ", \"f{}\": {case}", name(index));
        }
        text + "}"
    };
    assert!(both(&record, &text(&|index| FIELDS - 1 - index % FIELDS, "null")).is_ok());
    assert!(
        both(&record, &text(&|_| 7, "\"x\"")).unwrap_err().starts_with("at `$.f7`: the case `x` is unknown")
    );
    assert!(
        both(&record, &text(&|index| index, "\"x\"")).unwrap_err().starts_with("at `$`: the field `f10000`")
    );
}

#[test]
fn a_result_is_written_in_the_order_of_its_type() {
    let val = Val::Record(vec![
        ("b".to_owned(), Val::String("\"\u{1}/".to_owned())),
        ("a".to_owned(), Val::List(vec![Val::Float32(0.1), Val::Float64(f64::NAN), Val::Float64(1.0)])),
    ]);
    let text = r#"{"b":"\"\u0001/","a":[0.1,"NaN",1.0]}"#;
    assert_eq!(json::results_to_string(std::slice::from_ref(&val)).unwrap(), text);
    assert_eq!(json::results_to_string(&[]).unwrap(), "null");
    assert_eq!(json::results_to_string(&[Val::U8(1), val]).unwrap(), format!("[1,{text}]"));
}
