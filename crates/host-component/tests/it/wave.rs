//! Calls and values as WAVE text.

use host_component::wave::{self, WaveError};
use wasmtime::Engine;
use wasmtime::component::{Component, Type, Val};

use crate::guests::{ARITHMETIC, ECHO};
use crate::types::{named, ty};

fn parse(text: &str) -> Result<(String, Vec<Val>), WaveError> {
    let component = Component::new(&Engine::default(), ECHO).unwrap();
    wave::parse_call(&component, text).map(|(function, arguments)| (function.full_name(), arguments))
}

#[test]
fn a_call_becomes_a_name_and_typed_values() {
    let (name, arguments) =
        parse(r#" items ( [{name: "x", color: red, size: some(3)}, {name: "y", color: green}] )"#).unwrap();
    assert_eq!(name, "items");
    assert_eq!(
        wave::results(&arguments).unwrap(),
        r#"[{name: "x", color: red, size: some(3)}, {name: "y", color: green}]"#
    );
    assert_eq!(parse("big(-9223372036854775808)").unwrap().1, [Val::S64(i64::MIN)]);
}

#[test]
fn text_inside_a_string_does_not_confuse_the_parser() {
    assert_eq!(parse(r#"text("a) (b, \"c\"")"#).unwrap().1, [Val::String("a) (b, \"c\"".to_owned())]);
}

#[test]
fn errors_show_the_place_and_the_type_expected() {
    for (text, expected) in [
        ("text", "expected a call such as `name(\"text\", 42)`, but there is none at byte 4"),
        ("(1)", "expected a call such as `name(\"text\", 42)`, but there is none at byte 0"),
        (
            "text(\"a\"",
            "the list of arguments is not well-formed at byte 8: expected `func(text: string) -> string`",
        ),
        (
            "text(\"a\") x",
            "the list of arguments is not well-formed at byte 10: expected `func(text: string) -> string`",
        ),
        ("text(7)", "argument `text`: expected `string` at byte 5"),
        ("  big( 1.5 )", "argument `number`: expected `s64` at byte 7"),
        ("rights({read, execute})", "argument `rights`: expected `flags { read, write }` at byte 7"),
        ("text()", "`text` is `func(text: string) -> string`: 0 given where 1 are needed"),
        ("text(\"a\", \"b\")", "`text` is `func(text: string) -> string`: 2 given where 1 are needed"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn errors_name_the_innermost_place_and_what_is_wrong_there() {
    for (text, position, expected, problem) in [
        (
            r#"items([{name: "x"}])"#,
            7,
            "record { name: string, color: enum { red, green }, size: option<u8> }",
            "the field `color` is missing",
        ),
        (
            r#"items([{name: "x", color: blue}])"#,
            26,
            "enum { red, green }",
            "the case `blue` is unknown; there is `red`, `green`",
        ),
        (
            r#"items([{name: "x", color: red, weight: 1}])"#,
            39,
            "record { name: string, color: enum { red, green }, size: option<u8> }",
            "the field `weight` is unknown; there is `name`, `color`, `size`",
        ),
        (r#"items([{name: "x", color: red, size: 256}])"#, 37, "u8", "invalid value"),
        ("float(1e999)", 6, "f64", "the number is out of range"),
        ("float(\"1\")", 6, "f64", "a value of another type is there"),
        (
            "rights({read, run})",
            7,
            "flags { read, write }",
            "the flag `run` is unknown; there is `read`, `write`",
        ),
    ] {
        let error = parse(text).unwrap_err();
        let WaveError::Value { position: found, expected: ty, source, .. } = &error else {
            panic!("{text}: {error}");
        };
        assert_eq!(
            (*found, ty.as_str(), source.to_string().as_str()),
            (position, expected, problem),
            "{text}"
        );
    }
}

#[test]
fn payloads_and_counts_are_told_apart() {
    let variant = named(r#"(variant (case "off") (case "on" u8))"#);
    for (ty, text, problem) in [
        (&variant, "on", "`on` needs a payload in parentheses"),
        (&variant, "off(1)", "`off` has no payload"),
        (&ty("(tuple u8 u8)"), "(1, 2, 3)", "3 items where 2 are needed"),
        (&ty("(list u8 2)"), "[1]", "1 items where 2 are needed"),
        (&ty("(map string u8)"), "[(\"a\", 1, 2, 3)]", "4 items where 2 are needed"),
        (&ty("(result)"), "ok(1)", "`ok` has no payload"),
    ] {
        let WaveError::Value { source, .. } = wave::to_val(ty, text).unwrap_err() else { panic!("{text}") };
        assert_eq!(source.to_string(), problem, "{text}");
    }
}

#[test]
fn some_and_ok_may_be_left_out_where_nothing_else_can_be_meant() {
    let one = || Box::new(Val::U8(1));
    assert_eq!(wave::to_val(&ty("(option u8)"), "1").unwrap(), Val::Option(Some(one())));
    assert_eq!(wave::to_val(&ty("(result u8)"), "1").unwrap(), Val::Result(Ok(Some(one()))));
    assert!(wave::to_val(&ty("(option (option u8))"), "1").is_err());
    // Names that are words of WAVE are marked.
    let flags = named(r#"(flags "some" "x")"#);
    assert_eq!(
        wave::to_val(&flags, "{%some, x}").unwrap(),
        Val::Flags(vec!["some".to_owned(), "x".to_owned()])
    );
}

#[test]
fn hostile_text_is_refused_and_not_more() {
    for text in [
        "text(",
        "text)",
        "text((",
        "items([[[[",
        "()",
        "",
        "(",
        "text(\"",
        "text('')",
        "big(1e999999)",
        "\u{0}()",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
    // Each in the place of a value; without a bound the stack would end first.
    for open in ["[", "(", "{a: ", "some(", "ok(", "x("] {
        let deep = open.repeat(100_000);
        assert!(parse(&format!("items({deep}")).is_err(), "{open}");
        assert!(parse(&format!("items{deep}")).is_err(), "{open}");
        let error = wave::to_val(&Type::U8, &deep).unwrap_err();
        let WaveError::Value { source, .. } = &error else { panic!("{open}: {error}") };
        assert_eq!(source.to_string(), "value nesting too deep", "{open}");
    }
}

#[test]
fn a_name_nobody_exports_is_an_error_with_near_names() {
    let component = Component::new(&Engine::default(), ARITHMETIC).unwrap();
    let error = wave::parse_call(&component, "tops(1)").unwrap_err();
    assert!(error.to_string().contains("did you mean `top`?"), "{error}");
}

#[test]
fn a_map_is_a_list_of_pairs() {
    let map =
        Val::Map(vec![(Val::String("a".to_owned()), Val::U8(1)), (Val::String("b".to_owned()), Val::U8(2))]);
    let text = wave::from_val(&map).unwrap();
    assert_eq!(text, r#"[("a", 1), ("b", 2)]"#);
    assert_eq!(wave::to_val(&ty("(map string u8)"), &text).unwrap(), map);
}

#[test]
fn a_value_deeper_than_webassembly_has_any_is_not_written() {
    let deep = (0..1000).fold(Val::U8(1), |val, _| Val::List(vec![val]));
    assert_eq!(wave::from_val(&deep).unwrap_err().to_string(), "the value nests more than 128 deep");
}
