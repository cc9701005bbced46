//! For types and values that nobody thought of: text loses nothing, and the schema accepts what is read and no more.
//!
//! `PROPTEST_CASES=10000` looks for longer.

mod mistake;
mod mutate;
mod shapes;
mod values;

use host_component::json::TextError;
use host_component::{ExportedFunction, call, exports, json, schema, type_text, wave};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use wasmtime::component::{Component, Linker, Type, Val};
use wasmtime::{Store, Trap};

use crate::types::{ENGINE, types};

use mistake::mistake;
use mutate::{Mutation, mutation};
use shapes::{Shape, shape};

/// How many types one property looks at, in a test run that has other things to do; each with several values.
const CASES: u32 = 192;

fn config(cases: u32) -> ProptestConfig {
    // As proptest reads it, which otherwise asks only where no number is given.
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A type, and values of it.
fn typed(rich: bool) -> impl Strategy<Value = (Type, Vec<Val>)> {
    shape(rich).prop_flat_map(|shape| {
        let ty = typed_shape(&shape);
        let values = vec(values::value(&ty), 8);
        (Just(ty), values)
    })
}

fn typed_shape(shape: &Shape) -> Type {
    let mut body = String::new();
    let text = shape.wat(&mut body);
    types(&format!("{body} (export \"f\" (func (param \"x\" {text})))")).remove(0)
}

/// A function with these parameters, which gives the last of them. It is never called, and made so that its core function has
/// the same type whatever they are: more parameters and results than fit without memory.
fn function(shapes: &[Shape]) -> (Component, ExportedFunction) {
    let mut body = String::new();
    let texts: Vec<String> = shapes.iter().map(|shape| shape.wat(&mut body)).collect();
    let params: String =
        texts.iter().enumerate().map(|(index, text)| format!("(param \"p{index}\" {text})")).collect();
    let result = texts.last().map_or("u8", String::as_str);
    let aliases: String = (0..body.lines().count())
        .map(|index| format!("(alias export $types \"t{index}\" (type $t{index}))"))
        .collect();
    let wat = format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "f") (param i32) (result i32) unreachable))
            (core instance $i (instantiate $m))
            (alias core export $i "memory" (core memory $memory))
            (alias core export $i "realloc" (core func $realloc))
            (import "types" (instance $types {body}))
            {aliases}
            (func (export "f")
                (param "pad" (option (tuple {pad}))) {params} (result (tuple u8 u8 {result}))
                (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))"#,
        pad = "u8 ".repeat(17),
    );
    let component = Component::new(&ENGINE, wat).unwrap();
    let function = exports(&component).remove(0);
    (component, function)
}

fn arguments() -> impl Strategy<Value = ((Component, ExportedFunction), Vec<Val>, Vec<Mutation>)> {
    vec(shape(true), 0..4).prop_flat_map(|shapes| {
        let (component, function) = function(&shapes);
        let values: Vec<_> = function.params().map(|(_, ty)| values::value(&ty)).collect();
        (Just((component, function)), values, vec(mutation(), 24))
    })
}

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn json_text_loses_nothing((ty, vals) in typed(true)) {
        let schema = schema::value(&ty).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        for val in vals {
            let json = json::from_val(&val).unwrap();
            let text = json.to_string();
            let parsed = json::parse(&text).unwrap();
            let written = json::val_to_string(&val).unwrap();
            prop_assert_eq!(&json::parse(&written).unwrap(), &json, "{}: {}", type_text(&ty), written);
            let read = json::val_from_str(&ty, &written).map_err(|error| error.to_string());
            prop_assert_eq!(read.as_ref(), Ok(&val), "{}: {}", type_text(&ty), written);
            prop_assert_eq!(&json::to_val(&ty, &parsed), &Ok(val), "{}: {}", type_text(&ty), text);
            prop_assert!(validator.is_valid(&parsed), "{}: {} is not in {}", type_text(&ty), text, schema);
        }
    }

    #[test]
    fn wave_text_loses_nothing((ty, vals) in typed(true)) {
        for val in vals {
            let text = wave::from_val(&val).unwrap();
            let back = wave::to_val(&ty, &text);
            prop_assert!(back.is_ok(), "{}: {}: {:?}", type_text(&ty), text, back);
            prop_assert_eq!(&back.unwrap(), &val, "{}: {}", type_text(&ty), text);
        }
    }

    /// Where Wasmtime has a notation, it is the one we write and read.
    #[test]
    fn wave_is_the_one_of_wasmtime((ty, vals) in typed(false)) {
        for val in vals {
            let text = wave::from_val(&val).unwrap();
            prop_assert_eq!(&text, &val.to_wave().unwrap(), "{}", type_text(&ty));
            let theirs = Val::from_wave(&ty, &text);
            prop_assert!(theirs.is_ok(), "{}: {}: {:?}", type_text(&ty), text, theirs);
            prop_assert_eq!(theirs.unwrap(), wave::to_val(&ty, &text).unwrap(), "{}: {}", type_text(&ty), text);
        }
    }

    /// The schema accepts what is read, and what is not read it refuses: of good values, and of good ones gone wrong.
    #[test]
    fn the_schema_agrees_with_what_is_read(((_, function), vals, mutations) in arguments()) {
        let schema = schema::arguments(&function).unwrap();
        let meta = jsonschema::draft202012::meta::validate(&schema);
        prop_assert!(meta.is_ok(), "{}: {:?}", schema, meta);
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let jsons = vals.iter().map(|val| json::from_val(val).unwrap());
        let result = json::from_val(&Val::Tuple(vec![Val::U8(1), Val::U8(2), vals[vals.len() - 1].clone()]));
        if function.params().len() > 1 {
            let schema = schema::result(&function).unwrap();
            prop_assert!(jsonschema::draft202012::new(&schema).unwrap().is_valid(&result.unwrap()));
        }
        let named = function.params().zip(jsons.clone()).map(|((name, _), json)| (name.to_owned(), json));
        for form in [Value::Object(named.collect()), Value::Array(jsons.collect())] {
            let read = json::arguments(&function, &form);
            prop_assert_eq!(read.as_ref(), Ok(&vals), "{}", form);
            prop_assert!(validator.is_valid(&form), "{} is not in {}", form, schema);
            let mut mutated = form.clone();
            for (index, mutation) in mutations.iter().enumerate() {
                // Some mistakes alone, some on top of others.
                if index % 3 == 0 {
                    mutated = form.clone();
                }
                mutation.apply(&mut mutated);
                let read = json::arguments(&function, &mutated);
                prop_assert_eq!(
                    validator.is_valid(&mutated),
                    read.is_ok(),
                    "{}: {}: {:?}: {}", function.signature(), mutated, read, schema
                );
            }
        }
    }

    /// Text means what it means by way of a `Value`, whatever is wrong with it, and the same is said about it.
    #[test]
    fn text_is_read_as_a_value_is(
        ((_, function), vals, mutations) in arguments(),
        mistakes in vec(mistake(), 24),
    ) {
        let jsons = vals.iter().map(|val| json::from_val(val).unwrap());
        let named = function.params().zip(jsons.clone()).map(|((name, _), json)| (name.to_owned(), json));
        for form in [Value::Object(named.collect()), Value::Array(jsons.collect())] {
            let mut text = form.to_string();
            for (index, (mistake, mutation)) in mistakes.iter().zip(&mutations).enumerate() {
                if index % 3 == 0 {
                    let mut mutated = form.clone();
                    if index % 2 == 0 {
                        mutation.apply(&mut mutated);
                    }
                    text = mutated.to_string();
                }
                let by_value = json::parse(&text).map_err(TextError::Parse);
                let by_value = by_value.and_then(|json| Ok(json::arguments(&function, &json)?));
                let read = json::arguments_from_str(&function, &text);
                // With the words of `serde_json`.
                prop_assert_eq!(format!("{:?}", read), format!("{:?}", by_value), "{}: {}", function.signature(), text);
                mistake.apply(&mut text);
            }
        }
    }

    /// What is read of text is accepted by the call: the guest is entered, and traps at once.
    #[test]
    fn what_is_read_is_accepted_by_the_call(((component, function), vals, _) in arguments()) {
        let mut store = Store::new(&ENGINE, ());
        let instance = Linker::new(&ENGINE).instantiate(&mut store, &component).unwrap();
        let json = vals.iter().map(|val| json::from_val(val).unwrap()).collect();
        let read = json::arguments(&function, &Value::Array(json)).unwrap();
        let error = call(&mut store, &instance, &function, &read).unwrap_err();
        prop_assert!(error.retires_store(), "{}: {:?}: {}", function.signature(), vals, error);
        let trap = error.into_wasmtime();
        prop_assert_eq!(trap.downcast_ref(), Some(&Trap::UnreachableCodeReached), "{}", trap);
    }

    /// Whatever is typed, the answer is a value or an error.
    #[test]
    fn wave_made_of_its_own_pieces_is_a_value_or_an_error(
        (ty, vals) in typed(true),
        pieces in vec(prop::sample::select(PIECES), 0..12),
        at in any::<prop::sample::Index>(),
    ) {
        let pieces = pieces.concat();
        let _ = wave::to_val(&ty, &pieces);
        for val in vals.iter().take(2) {
            let mut text = wave::from_val(val).unwrap();
            let mut place = at.index(text.len() + 1);
            while !text.is_char_boundary(place) {
                place -= 1;
            }
            text.insert_str(place, &pieces);
            if let Err(error) = wave::to_val(&ty, &text) {
                let wave::WaveError::Value { position, .. } = &error else { panic!("{text}: {error}") };
                prop_assert!(*position <= text.len(), "{}: {}", text, error);
            }
        }
    }
}

/// What WAVE is made of, and what it is not.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "some",
    "none",
    "ok",
    "err",
    "true",
    "inf",
    "nan",
    "-inf",
    "%",
    "-",
    "0",
    "1",
    "-1",
    "256",
    "1e400",
    "0.5",
    "a",
    "b",
    "\"",
    "\\",
    "'",
    "\"\"\"",
    "\n",
    "\\u{",
    "\\u{110000}",
    "ß",
    "'x'",
    "\"x\"",
    " ",
    "//",
    "handle(1)",
    "\u{0}",
];
