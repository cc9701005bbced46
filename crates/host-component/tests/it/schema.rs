//! JSON Schema: what is written, that it is valid, and that it is bounded. That it agrees with what is read is in `properties`.

use host_component::schema::{self, SchemaError};
use host_component::{exports, find, json};
use serde_json::{Value, json};
use wasmtime::Engine;
use wasmtime::component::{Component, Type};

use crate::guests::{ARITHMETIC, ECHO, plugin};
use crate::types::{ENGINE, named, ty, types};

/// Whether `json` fits `schema`, which must be a valid one.
#[track_caller]
fn fits(schema: &Value, json: &Value) -> bool {
    let validated = jsonschema::draft202012::meta::validate(schema);
    validated.unwrap_or_else(|error| panic!("{schema}: {error}"));
    jsonschema::draft202012::new(schema).unwrap().is_valid(json)
}

#[test]
fn the_schema_of_arguments_takes_both_forms() {
    let component = Component::new(&Engine::default(), ECHO).unwrap();
    let function = find(&component, "items").unwrap();
    let schema = schema::arguments(&function).unwrap();
    assert_eq!(
        schema,
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "description": function.signature(),
            "anyOf": [
                {
                    "type": "object",
                    "properties": { "items": { "type": "array", "items": { "$ref": "#/$defs/record-1" } } },
                    "required": ["items"],
                    "additionalProperties": false,
                },
                {
                    "type": "array",
                    "prefixItems": [{ "type": "array", "items": { "$ref": "#/$defs/record-1" } }],
                    "minItems": 1,
                    "maxItems": 1,
                },
            ],
            "$defs": {
                "enum-0": { "enum": ["red", "green"] },
                "record-1": {
                    "type": "object",
                    "properties": {
                        "name": { "type": "string" },
                        "color": { "$ref": "#/$defs/enum-0" },
                        "size": { "anyOf": [
                            { "type": "null" },
                            { "type": "integer", "minimum": 0, "maximum": 255 },
                        ] },
                    },
                    "required": ["name", "color"],
                    "additionalProperties": false,
                },
            },
        })
    );
    for good in [json!([[]]), json!({"items": [{"name": "x", "color": "red"}]})] {
        assert!(fits(&schema, &good), "{good}");
        assert!(json::arguments(&function, &good).is_ok(), "{good}");
    }
    for bad in [json!([]), json!({}), json!([[], []]), json!({"items": [{"name": "x"}]}), json!(null)] {
        assert!(!fits(&schema, &bad), "{bad}");
        assert!(json::arguments(&function, &bad).is_err(), "{bad}");
    }
    let result = schema::result(&find(&component, "rights").unwrap()).unwrap();
    assert!(fits(&result, &Value::Null) && !fits(&result, &json!([])));
}

#[test]
fn the_bounds_of_numbers_are_exact() {
    for (ty, good, bad) in [
        (Type::U64, json!(u64::MAX), json!(18_446_744_073_709_551_616.0)),
        (Type::U64, json!(0), json!(-1)),
        (Type::S64, json!(i64::MIN), json!(-9_223_372_036_854_777_856.0)),
        (Type::S64, json!(i64::MAX), json!(i64::MAX.unsigned_abs() + 1)),
        (Type::S8, json!(-128), json!(-129)),
        (Type::U8, json!(255.0), json!(255.5)),
        // The last number that rounds to the largest `f32`, and the first that does not.
        (Type::Float32, json!(3.402_823_567_797_336_3e38), json!(3.402_823_567_797_336_6e38)),
        (Type::Float32, json!("-Infinity"), json!("Inf")),
        (Type::Float64, json!(f64::MAX), json!(null)),
        (Type::Char, json!("😀"), json!("e\u{301}")),
    ] {
        let schema = schema::value(&ty).unwrap();
        assert!(fits(&schema, &good) && json::to_val(&ty, &good).is_ok(), "{good}");
        assert!(!fits(&schema, &bad) && json::to_val(&ty, &bad).is_err(), "{bad}");
    }
}

#[test]
fn handles_are_objects_and_streams_are_nothing() {
    let own =
        types(r#"(export "r" (type $r (sub resource))) (export "f" (func (param "x" (own $r))))"#).remove(0);
    let schema = schema::value(&own).unwrap();
    assert!(fits(&schema, &json!({"handle": 3})));
    for bad in [json!(3), json!({"handle": -1}), json!({}), json!({"handle": 1, "x": 1})] {
        assert!(!fits(&schema, &bad), "{bad}");
    }
    if ENGINE.get_concurrency_support() {
        let schema = schema::value(&ty("(list (stream u8))")).unwrap();
        assert!(fits(&schema, &json!([])) && !fits(&schema, &json!([1])));
    }
}

#[test]
fn one_document_has_all_exports() {
    let engine = Engine::default();
    let [arithmetic, echo] = [ARITHMETIC, ECHO].map(|wat| Component::new(&engine, wat).unwrap());
    for component in [arithmetic, echo, plugin(&engine, "greeter")] {
        let document = schema::component(&component).unwrap();
        let all = exports(&component);
        assert_eq!(document["functions"].as_object().unwrap().len(), all.len());
        for function in all {
            for (part, alone) in [
                ("arguments", schema::arguments(&function).unwrap()),
                ("result", schema::result(&function).unwrap()),
            ] {
                let mut schema = document["functions"][function.full_name()][part].clone();
                if let Some(definitions) = document.get("$defs") {
                    schema["$defs"] = definitions.clone();
                }
                for json in [
                    json!([]),
                    json!([1]),
                    json!(1),
                    json!(null),
                    json!([["read"]]),
                    json!([[{"name": "x", "color": "red"}]]),
                    json!([{"name": "x", "color": "red"}]),
                ] {
                    assert_eq!(
                        fits(&schema, &json),
                        fits(&alone, &json),
                        "{} {part} {json}",
                        function.full_name()
                    );
                }
            }
        }
    }
}

#[test]
fn a_type_used_often_is_written_once() {
    let pair = types(
        r#"(type $t' (record (field "name" string)))
           (export "t" (type $t (eq $t')))
           (export "f" (func (param "x" (tuple $t $t (list $t)))))"#,
    )
    .remove(0);
    let schema = schema::value(&pair).unwrap();
    assert_eq!(schema["$defs"].as_object().unwrap().len(), 1);
    assert_eq!(schema["prefixItems"][0], schema["prefixItems"][1]);
}

#[test]
fn a_type_that_is_huge_when_spelled_out_is_an_error() {
    let tuples: String =
        (1..17).map(|level| format!("(type $t{level} (tuple $t{0} $t{0}))", level - 1)).collect();
    let huge = types(&format!("(type $t0 (tuple u8 u8)) {tuples} (export \"f\" (func (param \"x\" $t16)))"))
        .remove(0);
    assert_eq!(schema::value(&huge), Err(SchemaError::TooLarge { limit: 100_000, what: "types" }));

    // Each of these functions is written in 20 bytes, and its type takes 16 KB as text.
    let functions: String = (0..400)
        .map(|index| {
            format!("(func (export \"f{index}\") (param \"x\" $t) (canon lift (core func $i \"f\")))")
        })
        .collect();
    let cases: String = (0..2000).map(|index| format!("\"case{index}\" ")).collect();
    let many = format!(
        r#"(component
            (core module $m (func (export "f") (param i32)))
            (core instance $i (instantiate $m))
            (type $t' (enum {cases}))
            (export $t "t" (type $t'))
            {functions})"#
    );
    let component = Component::new(&Engine::default(), many).unwrap();
    assert_eq!(
        schema::component(&component),
        Err(SchemaError::TooLarge { limit: 4 << 20, what: "bytes of names" })
    );
    assert!(schema::arguments(&find(&component, "f0").unwrap()).is_ok());

    let fields: String =
        (0..60).map(|index| format!("(field \"f{index}{}\" u8)", "x".repeat(90_000))).collect();
    let wordy = named(&format!("(record {fields})"));
    assert_eq!(schema::value(&wordy), Err(SchemaError::TooLarge { limit: 4 << 20, what: "bytes of names" }));
}
