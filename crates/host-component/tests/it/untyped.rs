//! Exports are found by name and called without bindings.

use host_component::{CallError, FindError, HasLog, Log, call, call_async, exports, find, json, wave};
use wasmtime::component::{Component, Val};
use wasmtime::{Engine, Store, Trap};

use crate::guests::{ARITHMETIC, Alone, ECHO, Host, plugin, plugin_linker};

fn full_name(wat: &str, asked: &str) -> Result<String, FindError> {
    let component = Component::new(&Engine::default(), wat).unwrap();
    find(&component, asked).map(|function| function.full_name())
}

#[test]
fn all_exported_functions_are_listed_with_their_types() {
    let component = Component::new(&Engine::default(), ARITHMETIC).unwrap();
    let listed: Vec<String> = exports(&component)
        .iter()
        .map(|function| format!("{} {}", function.full_name(), function.signature()))
        .collect();
    assert_eq!(
        listed,
        [
            "my:math/ints@0.2.3#double func(number: u32) -> u32",
            "my:math/ints@0.2.3#fail func()",
            "my:math/more@1.4.0#double func(number: u32) -> u32",
            "my:math/more@1.4.0#twice func(number: u32) -> u32",
            "top func(number: u32) -> u32",
        ]
    );
}

#[test]
fn every_spelling_finds_its_function() {
    for (asked, expected) in [
        ("top", "top"),
        ("twice", "my:math/more@1.4.0#twice"),
        ("ints#double", "my:math/ints@0.2.3#double"),
        ("ints.double", "my:math/ints@0.2.3#double"),
        ("my:math/ints#double", "my:math/ints@0.2.3#double"),
        ("my:math/ints.double", "my:math/ints@0.2.3#double"),
        ("my:math/ints@0.2.3#double", "my:math/ints@0.2.3#double"),
        ("my:math/ints@0.2.3.double", "my:math/ints@0.2.3#double"),
        ("my:math/ints.double@0.2.3", "my:math/ints@0.2.3#double"),
        // Compatible versions.
        ("my:math/ints@0.2.0#double", "my:math/ints@0.2.3#double"),
        ("my:math/ints.double@0.2.9", "my:math/ints@0.2.3#double"),
        ("my:math/more@1.0.0#double", "my:math/more@1.4.0#double"),
    ] {
        assert_eq!(full_name(ARITHMETIC, asked).as_deref(), Ok(expected), "{asked}");
    }
}

#[test]
fn names_that_mean_nothing_are_answered_with_what_there_is() {
    for asked in
        ["my:math/ints@0.3.0#double", "my:math/more@2.0.0#double", "ints", "ints#", "#double", "", "top#top"]
    {
        assert!(matches!(full_name(ARITHMETIC, asked), Err(FindError::Unknown { .. })), "{asked}");
    }
    let error = full_name(ARITHMETIC, "twise").unwrap_err();
    let FindError::Unknown { near, offered, .. } = &error else { panic!("{error}") };
    assert_eq!(near, &["twice"]);
    assert_eq!(offered.len(), 5);
    assert!(
        error.to_string().contains("`twise` (did you mean `twice`?); it exports `my:math/ints@0.2.3#double`"),
        "{error}"
    );
}

#[test]
fn an_ambiguous_name_is_answered_with_its_meanings() {
    let error = full_name(ARITHMETIC, "double").unwrap_err();
    let FindError::Ambiguous { candidates, .. } = &error else { panic!("{error}") };
    assert_eq!(candidates, &["my:math/ints@0.2.3#double", "my:math/more@1.4.0#double"]);
}

#[test]
fn functions_of_nested_instances_are_found() {
    let nested = r#"(component
        (core module $m (func (export "f") (result i32) (i32.const 7)))
        (core instance $i (instantiate $m))
        (func $f (result u8) (canon lift (core func $i "f")))
        (instance $inner (export "f" (func $f)))
        (instance $outer (export "inner" (instance $inner)))
        (export "outer" (instance $outer)))"#;
    let mut alone = Alone::new(nested);
    for asked in ["f", "outer#inner#f"] {
        let function = find(&alone.component, asked).unwrap();
        assert_eq!(function.full_name(), "outer#inner#f");
        let results = call(&mut alone.store, &alone.instance, &function, &[]).unwrap();
        assert_eq!(results, [Val::U8(7)]);
    }
}

#[test]
fn values_pass_through_a_guest_unharmed() {
    let mut alone = Alone::new(ECHO);
    let items = r#"[{"name": "naïve 💧", "color": "green", "size": 255}, {"name": "", "color": "red", "size": null}]"#;
    for (function, argument) in [
        ("items", items),
        ("text", r#""line\nbreak \u0000 ß""#),
        ("big", "-9223372036854775808"),
        ("float", "\"NaN\""),
        ("float", "-0.0"),
        ("float", "5e-324"),
        ("float", "\"-Infinity\""),
    ] {
        let function = find(&alone.component, function).unwrap();
        let argument: serde_json::Value = serde_json::from_str(argument).unwrap();
        let arguments = json::arguments(&function, &serde_json::json!([argument])).unwrap();
        let results = call(&mut alone.store, &alone.instance, &function, &arguments).unwrap();
        assert_eq!(json::results(&results).unwrap(), argument);
    }
}

#[test]
fn a_function_without_result_gives_none() {
    let mut alone = Alone::new(ECHO);
    let (function, arguments) = wave::parse_call(&alone.component, "rights({read})").unwrap();
    let results = call(&mut alone.store, &alone.instance, &function, &arguments).unwrap();
    assert_eq!(results, []);
    assert_eq!(wave::results(&results).unwrap(), "");
    assert_eq!(json::results(&results).unwrap(), serde_json::Value::Null);
}

#[test]
fn a_plugin_is_called_by_wave_text() {
    let engine = Engine::default();
    let component = plugin(&engine, "greeter");
    let mut store = Store::new(&engine, Host::new(Log::new()));
    let instance = plugin_linker(&engine).instantiate(&mut store, &component).unwrap();
    let mut run = |text: &str| {
        let (function, arguments) = wave::parse_call(&component, text).unwrap();
        wave::results(&call(&mut store, &instance, &function, &arguments).unwrap()).unwrap()
    };
    assert_eq!(run(r#"process("Ada")"#), r#"ok("Hello, Ada!")"#);
    assert_eq!(run(r#"my-org:my-plugin/plugin-api@0.1.0#process("")"#), r#"err("nobody to greet")"#);
    assert_eq!(run("plugin-api.get-version()"), r#""0.1.0""#);
    assert_eq!(store.data_mut().log().lines()[0], "greeting Ada");
}

#[tokio::test]
async fn an_async_store_is_called_in_the_same_way() {
    let mut alone = Alone::new(ARITHMETIC);
    let (function, arguments) = wave::parse_call(&alone.component, "top(21)").unwrap();
    let results = call_async(&mut alone.store, &alone.instance, &function, &arguments).await.unwrap();
    assert_eq!(results, [Val::U32(42)]);
}

#[test]
fn a_trap_is_found_in_the_source_of_the_error() {
    let mut alone = Alone::new(ARITHMETIC);
    let function = find(&alone.component, "fail").unwrap();
    let error = call(&mut alone.store, &alone.instance, &function, &[]).unwrap_err();
    assert_eq!(error.to_string(), "the call of `my:math/ints@0.2.3#fail` failed");
    assert!(std::error::Error::source(&error).is_some());
    let CallError::Failed { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.downcast_ref::<Trap>(), Some(&Trap::UnreachableCodeReached));
}

#[test]
fn a_function_of_another_component_is_refused() {
    let mut alone = Alone::new(ARITHMETIC);
    let other = Component::new(alone.store.engine(), ECHO).unwrap();
    let function = find(&other, "big").unwrap();
    let error = call(&mut alone.store, &alone.instance, &function, &[Val::S64(1)]).unwrap_err();
    assert!(matches!(error, CallError::OtherComponent { .. }), "{error}");
}

#[test]
fn the_name_of_an_interface_is_not_the_name_of_a_function() {
    let lone = Alone::new(
        r#"(component
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $it (export "run" (func $f)))
            (export "my:only/one@0.2.3" (instance $it)))"#,
    );
    for name in ["my:only/one@0.2.3", "my:only/one@0.2.9", "my:only/one"] {
        assert!(matches!(find(&lone.component, name), Err(FindError::Unknown { .. })), "{name}");
    }
    assert_eq!(find(&lone.component, "my:only/one@0.2.9#run").unwrap().name, "run");
    assert_eq!(find(&lone.component, "my:only/one.run@0.2.9").unwrap().name, "run");
}
