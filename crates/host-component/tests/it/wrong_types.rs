//! A mistake of the host's is said before the call, and costs no instance.

use host_component::{ArgumentError, CallError, call, find};
use wasmtime::component::{ResourceAny, Val};

use crate::guests::{Alone, ECHO};

/// Calls with what is wrong, then with what is right in the same instance.
#[track_caller]
fn refused(alone: &mut Alone, name: &str, wrong: &[Val], expected: &str) {
    let function = find(&alone.component, name).unwrap();
    let error = call(&mut alone.store, &alone.instance, &function, wrong).unwrap_err();
    assert!(matches!(error, CallError::Arguments(_)), "{error}");
    assert_eq!(error.to_string(), expected);
    let big = find(&alone.component, "big").unwrap();
    let results = call(&mut alone.store, &alone.instance, &big, &[Val::S64(1)]).unwrap();
    assert_eq!(results, [Val::S64(1)], "the instance still works");
}

fn item(name: Val, color: &str, size: Option<Val>) -> Val {
    Val::Record(vec![
        ("name".to_owned(), name),
        ("color".to_owned(), Val::Enum(color.to_owned())),
        ("size".to_owned(), Val::Option(size.map(Box::new))),
    ])
}

fn text(text: &str) -> Val {
    Val::String(text.to_owned())
}

#[test]
fn the_wrong_number_of_arguments() {
    let mut alone = Alone::new(ECHO);
    refused(&mut alone, "text", &[], "`text` takes 1 argument (`text`), not 0");
    refused(&mut alone, "text", &[text("x"), text("y")], "`text` takes 1 argument (`text`), not 2");
}

#[test]
fn arguments_of_the_wrong_type() {
    let mut alone = Alone::new(ECHO);
    let at =
        |place: &str, rest: &str| format!("argument `items` of `items` does not fit at `{place}`: {rest}");
    let list = |items: Vec<Val>| [Val::List(items)];
    let good = || item(text("x"), "red", None);

    refused(
        &mut alone,
        "text",
        &[Val::U32(1)],
        "argument `text` of `text` does not fit at `$`: expected string, found u32",
    );
    refused(
        &mut alone,
        "big",
        &[Val::U64(1)],
        "argument `number` of `big` does not fit at `$`: expected s64, found u64",
    );
    refused(
        &mut alone,
        "items",
        &list(vec![good(), item(Val::Char('x'), "red", None)]),
        &at("$[1].name", "expected string, found char"),
    );
    refused(
        &mut alone,
        "items",
        &list(vec![item(text("x"), "blue", None)]),
        &at("$[0].color", "expected enum { red, green }, found `blue`"),
    );
    refused(
        &mut alone,
        "items",
        &list(vec![item(text("x"), "red", Some(Val::U16(1)))]),
        &at("$[0].size.some", "expected u8, found u16"),
    );
    let Val::Record(mut fields) = good() else { unreachable!() };
    fields.swap(0, 1);
    refused(
        &mut alone,
        "items",
        &list(vec![Val::Record(fields.clone())]),
        &at("$[0]", "expected the field `name` in this place, found the field `color`"),
    );
    fields.pop();
    refused(
        &mut alone,
        "items",
        &list(vec![Val::Record(fields)]),
        &at(
            "$[0]",
            "expected the 3 fields of record { name: string, color: enum { red, green }, size: option<u8> }, found 2 fields",
        ),
    );
    let flags = Val::Flags(vec!["read".to_owned(), "run".to_owned()]);
    refused(
        &mut alone,
        "rights",
        &[flags],
        "argument `rights` of `rights` does not fit at `$`: expected flags { read, write }, found the flag `run`",
    );
}

#[test]
fn how_deep_a_value_nests_does_not_matter() {
    let deep = (0..1000).fold(Val::U8(1), |val, _| Val::List(vec![val]));
    refused(
        &mut Alone::new(ECHO),
        "text",
        std::slice::from_ref(&deep),
        "argument `text` of `text` does not fit at `$`: expected string, found list",
    );
    // The deepest type there is, and a mistake at its bottom.
    let lists: String = (1..98).map(|level| format!("(type $l{level} (list $l{}))", level - 1)).collect();
    let mut alone = Alone::new(&format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "f") (param i32 i32)))
            (core instance $i (instantiate $m))
            (alias core export $i "memory" (core memory $memory))
            (alias core export $i "realloc" (core func $realloc))
            (type $l0 (list u8)) {lists}
            (func (export "f") (param "x" $l97)
                (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))"#
    ));
    let function = find(&alone.component, "f").unwrap();
    let error = call(&mut alone.store, &alone.instance, &function, &[deep]).unwrap_err();
    let CallError::Arguments(ArgumentError::Type { path, expected, found, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (path.as_str(), expected.as_str(), found.as_str()),
        (format!("${}", "[0]".repeat(98)).as_str(), "u8", "list")
    );
}

#[test]
fn resources_must_be_of_the_instances_own_type() {
    // `make` gives a handle of the component's resource, `use` takes one back.
    let wat = r#"(component
        (type $r' (resource (rep i32)))
        (core func $new (canon resource.new $r'))
        (core module $m
            (import "r" "new" (func $new (param i32) (result i32)))
            (func (export "make") (result i32) (call $new (i32.const 7)))
            (func (export "use") (param i32)))
        (core instance $i (instantiate $m (with "r" (instance (export "new" (func $new))))))
        (export $r "thing" (type $r'))
        (func (export "make") (result (own $r)) (canon lift (core func $i "make")))
        (func (export "use") (param "thing" (borrow $r)) (canon lift (core func $i "use"))))"#;
    let mut alone = Alone::new(wat);
    let [make, take] = ["make", "use"].map(|name| find(&alone.component, name).unwrap());
    let made = |alone: &mut Alone, instance| -> ResourceAny {
        match call(&mut alone.store, &instance, &make, &[]).unwrap()[0] {
            Val::Resource(handle) => handle,
            ref other => panic!("{other:?}"),
        }
    };
    let first = alone.instance;
    let second = wasmtime::component::Linker::new(alone.store.engine())
        .instantiate(&mut alone.store, &alone.component)
        .unwrap();
    let foreign = made(&mut alone, second);
    let error = call(&mut alone.store, &first, &take, &[Val::Resource(foreign)]).unwrap_err();
    let CallError::Arguments(ArgumentError::Type { parameter, found, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!((parameter.as_str(), found.as_str()), ("thing", "a resource of another type"));
    let own = made(&mut alone, first);
    call(&mut alone.store, &first, &take, &[Val::Resource(own)]).unwrap();
}

#[test]
fn the_guest_is_not_entered_for_a_mistake() {
    // The guest's allocator counts upwards; Wasmtime alone would have run it for the first item.
    let mut alone = Alone::new(ECHO);
    let allocated = |alone: &mut Alone| {
        let function = find(&alone.component, "allocated").unwrap();
        call(&mut alone.store, &alone.instance, &function, &[]).unwrap()
    };
    let before = allocated(&mut alone);
    let items = [Val::List(vec![item(text("x"), "red", None), item(Val::U8(1), "red", None)])];
    let function = find(&alone.component, "items").unwrap();
    call(&mut alone.store, &alone.instance, &function, &items).unwrap_err();
    assert_eq!(allocated(&mut alone), before);
    let raw = alone.instance.get_func(&mut alone.store, "items").unwrap();
    raw.call(&mut alone.store, &items, &mut [Val::Bool(false)]).unwrap_err();
    assert_ne!(allocated(&mut alone), before, "the reason for the check is still there");
}
