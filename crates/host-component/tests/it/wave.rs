//! Calls and values as WAVE text.

use host_component::wave::{self, WaveError};
use wasmtime::Engine;
use wasmtime::component::{Component, Val};

use crate::guests::{ARITHMETIC, ECHO};

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
    let error = parse(r#"items([{name: "x"}])"#).unwrap_err();
    assert!(error.to_string().starts_with("argument `items`: expected `list<record { name: string, color: enum { red, green }, size: option<u8> }>`"), "{error}");
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
    assert!(parse(&format!("items({}", "[".repeat(100_000))).is_err());
}

#[test]
fn a_name_nobody_exports_is_an_error_with_near_names() {
    let component = Component::new(&Engine::default(), ARITHMETIC).unwrap();
    let error = wave::parse_call(&component, "tops(1)").unwrap_err();
    assert!(error.to_string().contains("did you mean `top`?"), "{error}");
}

#[test]
fn what_has_no_notation_is_an_error_however_deep_it_lies() {
    let map = Val::Map(vec![(Val::U8(1), Val::U8(2))]);
    let deep = Val::Result(Ok(Some(Box::new(Val::Record(vec![("x".to_owned(), Val::List(vec![map]))])))));
    assert_eq!(wave::from_val(&deep).unwrap_err().to_string(), "a map has no WAVE notation");
}
