//! Resources that pass between components: lent, given away, dropped, and used when they must not be.

use host_component::compose::{ComposeError, NodeFailed, TooManyResources};
use host_component::{CallError, Components, Composition, find};
use wasmtime::component::{Component, Linker, Val};
use wasmtime::{Config, Engine, Store};

/// Things: a number each, made, read, and eaten; how many were destroyed.
const MAKER: &str = r#"(component
    (core module $counter
        (global $dropped (mut i32) (i32.const 0))
        (func (export "dtor") (param i32)
            (if (i32.eq (local.get 0) (i32.const 666)) (then unreachable))
            (global.set $dropped (i32.add (global.get $dropped) (i32.const 1))))
        (func (export "dropped") (result i32) (global.get $dropped)))
    (core instance $counter (instantiate $counter))
    (type $thing' (resource (rep i32) (dtor (core func $counter "dtor"))))
    (core func $new (canon resource.new $thing'))
    (core func $rep (canon resource.rep $thing'))
    (core func $drop (canon resource.drop $thing'))
    (core module $m
        (import "c" "new" (func $new (param i32) (result i32)))
        (import "c" "rep" (func $rep (param i32) (result i32)))
        (import "c" "drop" (func $drop (param i32)))
        (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
        (func (export "read") (param i32) (result i32) (local.get 0))
        (func (export "eat") (param i32) (result i32)
            (local $number i32)
            (local.set $number (call $rep (local.get 0)))
            (call $drop (local.get 0))
            (local.get $number)))
    (core instance $i (instantiate $m (with "c" (instance
        (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
    (func $make (param "number" u32) (result (own $thing')) (canon lift (core func $i "make")))
    (func $read (param "thing" (borrow $thing')) (result u32) (canon lift (core func $i "read")))
    (func $eat (param "thing" (own $thing')) (result u32) (canon lift (core func $i "eat")))
    (func $dropped (result u32) (canon lift (core func $counter "dropped")))
    (component $api
        (import "thing" (type $t (sub resource)))
        (import "make" (func $make (param "number" u32) (result (own $t))))
        (import "read" (func $read (param "thing" (borrow $t)) (result u32)))
        (import "eat" (func $eat (param "thing" (own $t)) (result u32)))
        (import "dropped" (func $dropped (result u32)))
        (export $out "thing" (type $t))
        (export "make" (func $make) (func (param "number" u32) (result (own $out))))
        (export "read" (func $read) (func (param "thing" (borrow $out)) (result u32)))
        (export "eat" (func $eat) (func (param "thing" (own $out)) (result u32)))
        (export "dropped" (func $dropped)))
    (instance $api (instantiate $api
        (with "thing" (type $thing')) (with "make" (func $make)) (with "read" (func $read))
        (with "eat" (func $eat)) (with "dropped" (func $dropped))))
    (export "x:y/things@1.0.0" (instance $api)))"#;

/// Uses things: each function gives what came of it.
const USER: &str = r#"(component
    (import "x:y/things@1.0.0" (instance $things
        (export "thing" (type $t (sub resource)))
        (export "make" (func (param "number" u32) (result (own $t))))
        (export "read" (func (param "thing" (borrow $t)) (result u32)))
        (export "eat" (func (param "thing" (own $t)) (result u32)))
        (export "dropped" (func (result u32)))))
    (alias export $things "thing" (type $t))
    (core func $make (canon lower (func $things "make")))
    (core func $read (canon lower (func $things "read")))
    (core func $eat (canon lower (func $things "eat")))
    (core func $dropped (canon lower (func $things "dropped")))
    (core func $drop (canon resource.drop $t))
    (core module $m
        (import "c" "make" (func $make (param i32) (result i32)))
        (import "c" "read" (func $read (param i32) (result i32)))
        (import "c" "eat" (func $eat (param i32) (result i32)))
        (import "c" "dropped" (func $dropped (result i32)))
        (import "c" "drop" (func $drop (param i32)))
        (func (export "lend") (param i32) (result i32)
            (local $t i32) (local $seen i32)
            (local.set $t (call $make (local.get 0)))
            (local.set $seen (i32.add (call $read (local.get $t)) (call $read (local.get $t))))
            (call $drop (local.get $t))
            (local.get $seen))
        (func (export "give") (param i32) (result i32) (call $eat (call $make (local.get 0))))
        (func (export "keep") (param i32) (result i32)
            (loop $again
                (drop (call $make (local.get 0)))
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (br_if $again (local.get 0)))
            (i32.const 0))
        (func (export "churn") (param i32) (result i32)
            (loop $again
                (call $drop (call $make (local.get 0)))
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (br_if $again (local.get 0)))
            (call $dropped))
        (func (export "use-after-giving") (param i32) (result i32)
            (local $t i32)
            (local.set $t (call $make (local.get 0)))
            (drop (call $eat (local.get $t)))
            (call $read (local.get $t)))
        (func (export "dropped") (param i32) (result i32) (call $dropped)))
    (core instance $i (instantiate $m (with "c" (instance
        (export "make" (func $make)) (export "read" (func $read)) (export "eat" (func $eat))
        (export "dropped" (func $dropped)) (export "drop" (func $drop))))))
    (func (export "lend") (param "number" u32) (result u32) (canon lift (core func $i "lend")))
    (func (export "give") (param "number" u32) (result u32) (canon lift (core func $i "give")))
    (func (export "keep") (param "number" u32) (result u32) (canon lift (core func $i "keep")))
    (func (export "churn") (param "number" u32) (result u32) (canon lift (core func $i "churn")))
    (func (export "use-after-giving") (param "number" u32) (result u32) (canon lift (core func $i "use-after-giving")))
    (func (export "dropped") (param "number" u32) (result u32) (canon lift (core func $i "dropped"))))"#;

fn components(engine: &Engine) -> Components {
    let component = |text: &str| Component::new(engine, text).unwrap();
    Components::new().add("maker", component(MAKER)).unwrap().add("user", component(USER)).unwrap()
}

/// Engines with concurrency, where it is compiled in, and without: they count borrows in different ways.
fn engines() -> Vec<Engine> {
    let with = Engine::default();
    let without = Engine::new(Config::new().concurrency_support(false)).unwrap();
    if cfg!(feature = "component-model-async") {
        assert!(with.get_concurrency_support(), "it is on where it is compiled in");
    }
    vec![with, without]
}

/// Calls functions of the user one after the other in one store, and gives the results and the store.
fn calls(
    engine: &Engine,
    state: Composition,
    calls: &[(&str, u32)],
) -> (Vec<Result<u32, CallError>>, Store<Composition>) {
    let components = components(engine);
    let linked = components.link(&Linker::new(engine)).unwrap();
    let mut store = Store::new(engine, state);
    let instances = linked.instantiate(&mut store).unwrap();
    let results = calls.iter().map(|(name, argument)| {
        let function = find(components.get("user").unwrap(), name).unwrap();
        let results = instances.call(&mut store, "user", &function, &[Val::U32(*argument)])?;
        match results[..] {
            [Val::U32(number)] => Ok(number),
            ref other => panic!("{other:?}"),
        }
    });
    let results = results.collect();
    (results, store)
}

#[test]
fn what_is_lent_and_given_arrives_and_is_destroyed_where_it_is_from() {
    for engine in engines() {
        let (results, store) = calls(
            &engine,
            Composition::new(),
            &[("lend", 21), ("dropped", 0), ("give", 7), ("dropped", 0), ("lend", 5), ("dropped", 0)],
        );
        let results: Vec<u32> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(results, [42, 1, 7, 2, 10, 3]);
        assert_eq!(store.data().resources(), 0);
    }
}

#[tokio::test]
async fn async_stores_destroy_too() {
    for engine in engines() {
        let components = components(&engine);
        let linked = components.link_async(&Linker::new(&engine)).unwrap();
        let mut store = Store::new(&engine, Composition::new());
        let instances = linked.instantiate_async(&mut store).await.unwrap();
        for (name, argument, expected) in [("lend", 21, 42), ("give", 7, 7), ("churn", 100, 102)] {
            let function = find(components.get("user").unwrap(), name).unwrap();
            let results = instances.call_async(&mut store, "user", &function, &[Val::U32(argument)]).await;
            assert_eq!(results.unwrap(), [Val::U32(expected)], "{name}");
        }
        assert_eq!(store.data().resources(), 0);
    }
}

#[test]
fn numbers_are_used_again_and_what_is_kept_is_bounded() {
    for engine in engines() {
        let state = Composition::new().with_resource_limit(10);
        let (results, store) = calls(&engine, state, &[("churn", 500), ("keep", 10), ("keep", 1)]);
        assert_eq!(*results[0].as_ref().unwrap(), 500);
        assert!(results[1].is_ok());
        let Err(CallError::Failed { source, .. }) = &results[2] else { panic!("{results:?}") };
        assert_eq!(source.downcast_ref::<TooManyResources>().unwrap().limit, 10);
        assert_eq!(store.data().resources(), 10);
    }
}

#[test]
fn what_was_given_away_cannot_be_used() {
    for engine in engines() {
        let (mut results, store) = calls(&engine, Composition::new(), &[("use-after-giving", 1)]);
        let Some(Err(CallError::Failed { source, .. })) = results.pop() else { panic!() };
        let failed: &NodeFailed = source.downcast_ref().unwrap();
        assert_eq!((failed.node.as_str(), failed.function.as_deref()), ("user", Some("use-after-giving")));
        assert_eq!(store.data().failed(), Some("user"));
        assert!(format!("{source:#}").contains("unknown handle index"), "{source:#}");
    }
}

#[test]
fn a_destructor_that_fails_is_named() {
    for engine in engines() {
        let (mut results, store) = calls(&engine, Composition::new(), &[("lend", 666)]);
        let Some(Err(CallError::Failed { source, .. })) = results.pop() else { panic!() };
        let failed: &NodeFailed = source.downcast_ref().unwrap();
        assert_eq!(failed.node, "maker");
        assert_eq!(failed.function.as_deref(), Some("x:y/things@1.0.0#[resource-drop]thing"));
        assert_eq!(store.data().failed(), Some("maker"));
    }
}

#[test]
fn resources_from_different_places_are_different() {
    // The reader is to get the things of the one maker, and the passer those of the other.
    let engine = Engine::default();
    let passer = r#"(component
        (import "x:y/things@1.0.0" (instance $things
            (export "thing" (type $t (sub resource)))
            (export "make" (func (param "number" u32) (result (own $t))))))
        (alias export $things "thing" (type $t))
        (core func $make (canon lower (func $things "make")))
        (func $make (param "number" u32) (result (own $t)) (canon lift (core func $make)))
        (component $api
            (import "thing" (type $t (sub resource)))
            (import "make" (func $make (param "number" u32) (result (own $t))))
            (export $out "thing" (type $t))
            (export "make" (func $make) (func (param "number" u32) (result (own $out)))))
        (instance $api (instantiate $api (with "thing" (type $t)) (with "make" (func $make))))
        (export "x:y/more-things@1.0.0" (instance $api)))"#;
    let reader = r#"(component
        (import "x:y/things@1.0.0" (instance $things
            (export "thing" (type $t (sub resource)))
            (export "read" (func (param "thing" (borrow $t)) (result u32)))))
        (alias export $things "thing" (type $t))
        (import "x:y/more-things@1.0.0" (instance
            (export "thing" (type $u (eq $t)))
            (export "make" (func (param "number" u32) (result (own $u)))))))"#;
    let component = |text: &str| Component::new(&engine, text).unwrap();
    let components = Components::new()
        .add("maker", component(MAKER))
        .unwrap()
        .add("other", component(MAKER))
        .unwrap()
        .add("passer", component(passer))
        .unwrap()
        .add("reader", component(reader))
        .unwrap()
        .connect("passer", "x:y/things", "maker");
    let linker = Linker::<Composition>::new(&engine);
    components.clone().connect("reader", "x:y/things", "maker").link(&linker).unwrap();
    let error = components.connect("reader", "x:y/things", "other").link(&linker).unwrap_err();
    let ComposeError::Imports { problems } = &error else { panic!("{error}") };
    assert_eq!(problems.len(), 2, "{error}");
    assert!(error.to_string().contains("it is a resource from another place"), "{error}");
}
