//! Values as JSON: nothing is lost, and what does not fit is named with its place.

use std::fmt::Write;

use host_component::{json, type_text, wave};
use serde_json::{Value, json};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Type, Val};
use wasmtime::{Config, Engine};

/// The types of the functions `f0`, `f1`, … of an imported instance with this body.
fn types(body: &str) -> Vec<Type> {
    let mut config = Config::new();
    config.wasm_component_model_map(true).wasm_component_model_fixed_length_lists(true);
    let engine = Engine::new(&config).unwrap();
    let component = Component::new(&engine, format!("(component (import \"i\" (instance {body})))")).unwrap();
    let ty = component.component_type();
    let Some(ComponentItem::ComponentInstance(instance)) = ty.get_import(&engine, "i").map(|item| item.ty)
    else {
        panic!("the import is an instance");
    };
    let functions = instance.exports(&engine).filter_map(|(_, item)| match item.ty {
        ComponentItem::ComponentFunc(function) => function.params().next().map(|(_, ty)| ty),
        _ => None,
    });
    functions.collect()
}

fn ty(text: &str) -> Type {
    types(&format!("(export \"f\" (func (param \"x\" {text})))")).remove(0)
}

fn named(definition: &str) -> Type {
    types(&format!(
        r#"(type $t' {definition}) (export "t" (type $t (eq $t'))) (export "f" (func (param "x" $t)))"#
    ))
    .remove(0)
}

/// Reads, writes, and writes as text and reads again: each time the same.
#[track_caller]
fn round_trip(ty: &Type, json: &Value) -> Val {
    let val = json::to_val(ty, json).unwrap_or_else(|error| panic!("{json}: {error}"));
    let written = json::from_val(&val).unwrap();
    assert_eq!(&written, json);
    let again: Value = serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap();
    assert_eq!(json::to_val(ty, &again).unwrap(), val, "{json}");
    val
}

#[track_caller]
fn refused(ty: &Type, json: &Value, expected: &str) {
    let error = json::to_val(ty, json).unwrap_err().to_string();
    assert_eq!(error, expected, "{json}");
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
fn whole_numbers_may_be_written_as_floats_where_that_is_exact() {
    assert_eq!(json::to_val(&Type::U32, &json!(1e3)), Ok(Val::U32(1000)));
    refused(&Type::U32, &json!(1.5), "at `$`: expected a whole number that is a u32, found 1.5");
    refused(&Type::U64, &json!(1e18), "at `$`: expected a whole number that is a u64, found 1e+18");
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

#[test]
fn generated_values_of_generated_types_come_back_the_same() {
    let mut random = Random(0x5eed);
    for ty in &generate_types(&mut random, 150, true) {
        for _ in 0..20 {
            let val = generate_value(&mut random, ty);
            let text = serde_json::to_string(&json::from_val(&val).unwrap()).unwrap();
            let back = json::to_val(ty, &serde_json::from_str(&text).unwrap());
            assert_eq!(back.as_ref(), Ok(&val), "{}: {text}", type_text(ty));
        }
    }
}

#[test]
fn generated_values_come_back_the_same_from_wave() {
    let mut random = Random(0x3a7e);
    for ty in &generate_types(&mut random, 150, false) {
        for _ in 0..20 {
            let val = generate_value(&mut random, ty);
            let text = wave::from_val(&val).unwrap();
            let back =
                wave::to_val(ty, &text).unwrap_or_else(|error| panic!("{}: {text}: {error}", type_text(ty)));
            assert_eq!(back, val, "{}: {text}", type_text(ty));
        }
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Extremes as often as anything between.
    fn bits(&mut self) -> u64 {
        match self.below(4) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << self.below(64),
            _ => self.next(),
        }
    }
}

/// Types as a component has them; maps and lists of fixed length, which WAVE cannot read, only if `exotic`.
fn generate_types(random: &mut Random, count: usize, exotic: bool) -> Vec<Type> {
    let mut body = String::new();
    for index in 0..count {
        let ty = generate_type(random, 4, exotic, &mut body);
        writeln!(body, "(export \"f{index}\" (func (param \"x\" {ty})))").unwrap();
    }
    let types = types(&body);
    assert_eq!(types.len(), count);
    types
}

/// A type as WAT; what must have a name is declared in `body`.
fn generate_type(random: &mut Random, depth: u32, exotic: bool, body: &mut String) -> String {
    let simple =
        ["bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string"];
    if depth == 0 || random.below(4) == 0 {
        return simple[random.below(simple.len() as u64) as usize].to_owned();
    }
    let count = 1 + random.below(3);
    let members = |random: &mut Random, body: &mut String, write: &dyn Fn(u64, String) -> String| {
        (0..count)
            .map(|index| write(index, generate_type(random, depth - 1, exotic, body)))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let definition = match random.below(if exotic { 10 } else { 8 }) {
        0 => return format!("(list {})", generate_type(random, depth - 1, exotic, body)),
        8 => return format!("(list {} {count})", generate_type(random, depth - 1, exotic, body)),
        2 => return format!("(option {})", generate_type(random, depth - 1, exotic, body)),
        3 => return format!("(tuple {})", members(random, body, &|_, ty| ty)),
        4 => {
            let [ok, err] = [(); 2].map(|()| generate_type(random, depth - 1, exotic, body));
            return match random.below(4) {
                0 => "(result)".to_owned(),
                1 => format!("(result {ok})"),
                2 => format!("(result (error {err}))"),
                _ => format!("(result {ok} (error {err}))"),
            };
        }
        9 => return format!("(map string {})", generate_type(random, depth - 1, exotic, body)),
        6 => format!("(record {})", members(random, body, &|index, ty| format!("(field \"f{index}\" {ty})"))),
        7 => format!(
            "(variant (case \"some\") {})",
            members(random, body, &|index, ty| format!("(case \"c{index}\" {ty})"))
        ),
        1 => r#"(enum "ok" "red" "null")"#.to_owned(),
        _ => r#"(flags "a" "b" "c" "some")"#.to_owned(),
    };
    let name = format!("t{}", body.lines().count());
    writeln!(body, "(type $d{name} {definition}) (export \"{name}\" (type ${name} (eq $d{name})))").unwrap();
    format!("${name}")
}

fn generate_value(random: &mut Random, ty: &Type) -> Val {
    let some = |random: &mut Random, ty: Option<Type>| ty.map(|ty| Box::new(generate_value(random, &ty)));
    let bits = random.bits();
    match ty {
        Type::Bool => Val::Bool(bits & 1 == 1),
        Type::S8 => Val::S8(bits as i8),
        Type::U8 => Val::U8(bits as u8),
        Type::S16 => Val::S16(bits as i16),
        Type::U16 => Val::U16(bits as u16),
        Type::S32 => Val::S32(bits as i32),
        Type::U32 => Val::U32(bits as u32),
        Type::S64 => Val::S64(bits as i64),
        Type::U64 => Val::U64(bits),
        Type::Float32 => Val::Float32(f32::from_bits(bits as u32)),
        Type::Float64 => Val::Float64(f64::from_bits(bits)),
        Type::Char => Val::Char(char::from_u32(bits as u32 % 0x11_0000).unwrap_or('"')),
        Type::String => Val::String(
            (0..random.below(5)).filter_map(|_| char::from_u32(random.next() as u32 % 0x3000)).collect(),
        ),
        Type::List(list) => {
            Val::List((0..random.below(4)).map(|_| generate_value(random, &list.ty())).collect())
        }
        Type::FixedLengthList(list) => {
            Val::FixedLengthList((0..list.len()).map(|_| generate_value(random, &list.ty())).collect())
        }
        Type::Map(map) => Val::Map(
            (0..random.below(3))
                .map(|_| (generate_value(random, &map.key()), generate_value(random, &map.value())))
                .collect(),
        ),
        Type::Record(record) => Val::Record(
            record.fields().map(|field| (field.name.to_owned(), generate_value(random, &field.ty))).collect(),
        ),
        Type::Tuple(tuple) => Val::Tuple(tuple.types().map(|ty| generate_value(random, &ty)).collect()),
        Type::Variant(variant) => {
            let count = variant.cases().len() as u64;
            let case = variant.cases().nth(random.below(count) as usize).unwrap();
            Val::Variant(case.name.to_owned(), some(random, case.ty))
        }
        Type::Enum(names) => Val::Enum(
            names.names().nth(random.below(names.names().len() as u64) as usize).unwrap().to_owned(),
        ),
        Type::Flags(flags) => {
            Val::Flags(flags.names().filter(|_| random.below(2) == 0).map(str::to_owned).collect())
        }
        Type::Option(option) => {
            Val::Option(if bits & 1 == 0 { None } else { some(random, Some(option.ty())) })
        }
        Type::Result(result) => Val::Result(if bits & 1 == 0 {
            Ok(some(random, result.ok()))
        } else {
            Err(some(random, result.err()))
        }),
        _ => panic!("the generator makes no such type"),
    }
}
