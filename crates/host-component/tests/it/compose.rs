//! Which component gets what from whom, and what is said when that does not work out.

use host_component::compose::{ComposeError, Linkers, MOST_COMPONENTS, Problem};
use host_component::{CallError, Components, Composition, doctor, find};
use wasmtime::component::{Component, Linker, Val};
use wasmtime::{Engine, Store};

/// A component that exports `interface` with a function `get` that gives `number`.
fn source(engine: &Engine, interface: &str, number: u32) -> Component {
    let text = format!(
        r#"(component
            (core module $m (func (export "get") (result i32) (i32.const {number})))
            (core instance $i (instantiate $m))
            (func $get (result u32) (canon lift (core func $i "get")))
            (instance $api (export "get" (func $get)))
            (export "{interface}" (instance $api)))"#
    );
    Component::new(engine, text).unwrap()
}

/// A component that exports `get` of `exported`, which is one more than `get` of what it imports as `imported`.
fn next(engine: &Engine, imported: &str, exported: &str) -> Component {
    let text = format!(
        r#"(component
            (import "{imported}" (instance $in (export "get" (func (result u32)))))
            (core func $get (canon lower (func $in "get")))
            (core module $m
                (import "in" "get" (func $get (result i32)))
                (func (export "get") (result i32) (i32.add (call $get) (i32.const 1))))
            (core instance $i (instantiate $m (with "in" (instance (export "get" (func $get))))))
            (func $next (result u32) (canon lift (core func $i "get")))
            (instance $api (export "get" (func $next)))
            (export "{exported}" (instance $api)))"#
    );
    Component::new(engine, text).unwrap()
}

fn add(components: Components, name: &str, component: Component) -> Components {
    components.add(name, component).unwrap()
}

/// What `get` of the component `name` gives, with nothing from the host.
#[track_caller]
fn get(components: &Components, name: &str) -> u32 {
    let component = components.get(name).unwrap();
    get_with(components, name, &Linker::new(component.engine()))
}

#[track_caller]
fn get_with(components: &Components, name: &str, linker: &Linker<Composition>) -> u32 {
    let function = find(components.get(name).unwrap(), "get").unwrap();
    let linked = components.link(linker).unwrap();
    let mut store = Store::new(linker.engine(), Composition::new());
    let instances = linked.instantiate(&mut store).unwrap();
    match instances.call(&mut store, name, &function, &[]).unwrap()[..] {
        [Val::U32(number)] => number,
        ref other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refusal(components: &Components) -> ComposeError {
    let (_, component) = ["app", "a"].iter().find_map(|name| Some((name, components.get(name)?))).unwrap();
    components.link(&Linker::<Composition>::new(component.engine())).unwrap_err()
}

#[test]
fn each_component_comes_after_those_it_imports_from() {
    let engine = Engine::default();
    let mut components = Components::new();
    components = add(components, "a", next(&engine, "x:y/two@1.0.0", "x:y/three@1.0.0"));
    components = add(components, "b", next(&engine, "x:y/one@1.0.0", "x:y/two@1.0.0"));
    components = add(components, "c", source(&engine, "x:y/one@1.0.0", 1));
    assert_eq!(components.order().unwrap(), ["c", "b", "a"]);
    assert_eq!(get(&components, "a"), 3);
}

#[test]
fn compatible_versions_serve_and_the_same_version_serves_best() {
    let engine = Engine::default();
    let app = || add(Components::new(), "app", next(&engine, "x:y/one@1.2.0", "x:y/app"));
    assert_eq!(get(&add(app(), "newer", source(&engine, "x:y/one@1.3.0", 10)), "app"), 11);
    let both = add(app(), "newer", source(&engine, "x:y/one@1.3.0", 10));
    assert_eq!(get(&add(both, "same", source(&engine, "x:y/one@1.2.0", 20)), "app"), 21);
    let other = add(app(), "other", source(&engine, "x:y/one@2.0.0", 10));
    assert!(matches!(refusal(&other), ComposeError::Imports { .. }));
}

#[test]
fn what_no_component_exports_is_the_hosts_and_else_missing() {
    let engine = Engine::default();
    let components = add(Components::new(), "app", next(&engine, "x:y/one@1.0.0", "x:y/app"));
    let mut linker = Linker::new(&engine);
    linker.instance("x:y/one@1.0.0").unwrap().func_wrap("get", |_, ()| Ok((41_u32,))).unwrap();
    assert_eq!(get_with(&components, "app", &linker), 42);

    let ComposeError::Imports { problems } = refusal(&components) else { panic!() };
    let [Problem::Host { importer, report, .. }] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(importer, "app");
    assert!(
        matches!(&report.problems[..], [doctor::Problem::Missing { import, .. }] if import == "x:y/one@1.0.0"),
        "{report}"
    );
}

#[test]
fn a_component_goes_before_the_host_unless_told_otherwise() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.instance("x:y/one@1.0.0").unwrap().func_wrap("get", |_, ()| Ok((41_u32,))).unwrap();
    let components = add(Components::new(), "app", next(&engine, "x:y/one@1.0.0", "x:y/app"));
    let components = add(components, "one", source(&engine, "x:y/one@1.0.0", 1));
    assert_eq!(get_with(&components, "app", &linker), 2);
    assert_eq!(get_with(&components.connect_to_host("app", "x:y/one"), "app", &linker), 42);
}

#[test]
fn of_several_exporters_one_must_be_chosen() {
    let engine = Engine::default();
    let components = add(Components::new(), "app", next(&engine, "x:y/one@1.0.0", "x:y/app"));
    let components = add(components, "red", source(&engine, "x:y/one@1.0.0", 1));
    let components = add(components, "green", source(&engine, "x:y/one@1.0.0", 2));
    assert_eq!(
        refusal(&components).to_string(),
        "`app` imports `x:y/one@1.0.0`, which `green`, `red` export; say which one it is with `Components::connect`"
    );
    for (interface, exporter, expected) in
        [("x:y/one@1.0.0", "red", 2), ("x:y/one@1.4.0", "green", 3), ("x:y/one", "red", 2)]
    {
        assert_eq!(get(&components.clone().connect("app", interface, exporter), "app"), expected);
    }
}

#[test]
fn who_imports_what_it_exports_passes_it_on() {
    let engine = Engine::default();
    let components = add(Components::new(), "app", next(&engine, "x:y/one@1.0.0", "x:y/app"));
    let components = add(components, "filter", next(&engine, "x:y/one@1.0.0", "x:y/one@1.0.0"));
    let components = add(components, "one", source(&engine, "x:y/one@1.0.0", 1));
    assert_eq!(get(&components.connect("app", "x:y/one", "filter"), "app"), 3);
}

#[test]
fn connections_that_cannot_be_made_are_errors() {
    let engine = Engine::default();
    let components = add(Components::new(), "app", next(&engine, "x:y/one@1.0.0", "x:y/app"));
    let components = add(components, "one", source(&engine, "x:y/one@1.0.0", 1));
    let said = |importer: &str, interface: &str, exporter: &str| {
        components.clone().connect(importer, interface, exporter).order().unwrap_err().to_string()
    };
    assert_eq!(said("app", "x:y/one", "two"), "there is no component named `two`; there are `app`, `one`");
    assert_eq!(said("two", "x:y/one", "one"), "there is no component named `two`; there are `app`, `one`");
    assert_eq!(
        said("app", "x:y/two", "one"),
        "`app` is connected to `x:y/two`, which it does not import; it imports `x:y/one@1.0.0`"
    );
    assert_eq!(
        said("app", "x:y/one", "app"),
        "`app` is to get `x:y/one@1.0.0` from `app`, which exports `x:y/app`"
    );
    let linker = Linker::<Composition>::new(&engine);
    let error = components.link(Linkers::new(&linker).node("two", &linker)).unwrap_err();
    assert_eq!(error.to_string(), "there is no component named `two`; there are `app`, `one`");
}

#[test]
fn circles_are_named_in_their_order() {
    let engine = Engine::default();
    let mut components = add(Components::new(), "a", next(&engine, "x:y/b@1.0.0", "x:y/a@1.0.0"));
    components = add(components, "b", next(&engine, "x:y/c@1.0.0", "x:y/b@1.0.0"));
    components = add(components, "c", next(&engine, "x:y/a@1.0.0", "x:y/c@1.0.0"));
    components = add(components, "user", next(&engine, "x:y/a@1.0.0", "x:y/user@1.0.0"));
    assert_eq!(
        refusal(&components).to_string(),
        "components import from each other in a circle: `a` from `b` from `c` from `a`"
    );
}

#[test]
fn names_are_unique_and_few() {
    let engine = Engine::default();
    let one = source(&engine, "x:y/one@1.0.0", 1);
    let components = add(Components::new(), "one", one.clone());
    let error = components.add("one", one.clone()).unwrap_err();
    assert_eq!(error.to_string(), "there are two components named `one`; give one of them another name");

    let mut components = Components::new();
    for number in 0..MOST_COMPONENTS {
        components = add(components, &number.to_string(), one.clone());
    }
    assert!(matches!(components.add("last", one), Err(ComposeError::TooMany { .. })));
}

#[test]
fn everything_that_differs_is_said_at_once() {
    let engine = Engine::default();
    let exporter = r#"(component
        (core module $m
            (memory (export "memory") 1)
            (func (export "f") (param i32 i32) (result i32) unreachable)
            (func (export "g") (result i32) unreachable))
        (core instance $i (instantiate $m))
        (alias core export $i "memory" (core memory $memory))
        (type $point (record (field "x" u32) (field "y" u32)))
        (component $api
            (type $point' (record (field "x" u32) (field "y" u32)))
            (import "point" (type $point (eq $point')))
            (import "sum" (func $sum (param "at" $point) (result u32)))
            (import "get" (func $get (result u32)))
            (export $out "point" (type $point))
            (export "sum" (func $sum) (func (param "at" $out) (result u32)))
            (export "get" (func $get)))
        (func $sum (param "at" $point) (result u32) (canon lift (core func $i "f")))
        (func $get (result u32) (canon lift (core func $i "g")))
        (instance $api (instantiate $api
            (with "point" (type $point)) (with "sum" (func $sum)) (with "get" (func $get))))
        (export "x:y/points@1.0.0" (instance $api)))"#;
    let importer = r#"(component
        (import "x:y/points@1.0.0" (instance
            (type $point' (record (field "x" u32) (field "y" string)))
            (export "point" (type $point (eq $point')))
            (export "sum" (func (param "at" $point) (result u32)))
            (export "get" (func (param "number" u8) (result u32)))
            (export "more" (func))))
        (import "x:y/missing@1.0.0" (instance (export "f" (func)))))"#;
    let components = add(Components::new(), "points", Component::new(&engine, exporter).unwrap());
    let components = add(components, "app", Component::new(&engine, importer).unwrap());
    assert_eq!(
        refusal(&components).to_string(),
        "the components do not fit together, for 4 reasons:\
         \n  `app` imports `sum` of `x:y/points@1.0.0`, which `points` exports with another type: \
         `at.y` is `string` in the importer, but `u32` in the exporter\
         \n  `app` imports `get` of `x:y/points@1.0.0`, which `points` exports with another type: \
         only the importer has `number`, `u8`\
         \n  `app` imports `more` of `x:y/points@1.0.0`, which `points` exports without it\
         \n  `app`: the component does not fit this host: the interface `x:y/missing@1.0.0` is missing"
    );
}

#[test]
fn all_belongs_to_one_engine() {
    let (engine, other) = (Engine::default(), Engine::default());
    let components = add(Components::new(), "one", source(&engine, "x:y/one@1.0.0", 1));
    let linker = Linker::<Composition>::new(&other);
    let error = components.link(&linker).unwrap_err();
    assert_eq!(error.to_string(), "the component `one` belongs to another engine; make all with one engine");
    let right = Linker::<Composition>::new(&engine);
    let error = components.link(Linkers::new(&right).node("one", &linker)).unwrap_err();
    assert!(matches!(error, ComposeError::OtherEngine { .. }), "{error}");
    let linked = components.link(&right).unwrap();
    let error = linked.instantiate(Store::new(&other, Composition::new())).unwrap_err();
    assert!(matches!(error, ComposeError::OtherEngine { .. }), "{error}");
}

#[test]
fn a_store_holds_one_graph_linked_for_it() {
    let engine = Engine::default();
    let components = add(Components::new(), "one", source(&engine, "x:y/one@1.0.0", 1));
    let linker = Linker::new(&engine);
    let linked = components.link(&linker).unwrap();
    let mut store = Store::new(&engine, Composition::new());
    linked.instantiate(&mut store).unwrap();
    assert!(matches!(linked.instantiate(&mut store), Err(ComposeError::Occupied)));

    let linked = components.link_async(&linker).unwrap();
    let error = linked.instantiate(Store::new(&engine, Composition::new())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the components were linked with `link_async`; instantiate them with `instantiate_async`"
    );
    let store = Store::new(&engine, Composition::new().with_fuel_share("two", 1));
    assert!(matches!(
        components.link(&linker).unwrap().instantiate(store),
        Err(ComposeError::Unknown { .. })
    ));
}

#[test]
fn a_refused_call_leaves_the_components_as_they_were() {
    let engine = Engine::default();
    let components = add(Components::new(), "one", source(&engine, "x:y/one@1.0.0", 1));
    let get = find(components.get("one").unwrap(), "get").unwrap();
    let linked = components.link(&Linker::new(&engine)).unwrap();
    let mut store = Store::new(&engine, Composition::new());
    let instances = linked.instantiate(&mut store).unwrap();
    let error = instances.call(&mut store, "one", &get, &[Val::U32(1)]).unwrap_err();
    assert!(matches!(error, CallError::Arguments(_)), "{error}");
    assert_eq!(store.data().current(), None);
    assert_eq!(instances.call(&mut store, "one", &get, &[]).unwrap(), [Val::U32(1)]);
}

#[tokio::test]
async fn a_call_that_was_dropped_runs_no_longer() {
    let engine = Engine::new(wasmtime::Config::new().consume_fuel(true)).unwrap();
    let components = add(Components::new(), "one", source(&engine, "x:y/one@1.0.0", 1));
    let components = add(components, "two", source(&engine, "x:y/two@1.0.0", 2));
    let linked = components.link_async(&Linker::new(&engine)).unwrap();
    let mut store = Store::new(&engine, Composition::new().with_fuel_share("one", 100));
    store.set_fuel(1_000).unwrap();
    let instances = linked.instantiate_async(&mut store).await.unwrap();
    let forever = instances.enter_async(&mut store, "one", async |_| std::future::pending().await);
    tokio::select! {
        biased;
        ended = forever => { let _: () = ended.unwrap(); }
        () = std::future::ready(()) => {}
    }
    assert_eq!(store.data().current(), None);
    let during = instances
        .enter(&mut store, "two", |store| Ok((store.data().current().map(str::to_owned), store.get_fuel()?)));
    assert_eq!(during.unwrap(), (Some("two".to_owned()), 1_000));
    assert_eq!(store.data().fuel_share("one"), Some(100));
    assert_eq!(store.data().current(), None);
}

#[cfg(feature = "component-model-async")]
#[test]
fn what_cannot_be_passed_is_refused_when_linking() {
    let engine = Engine::new(wasmtime::Config::new().wasm_component_model_async(true)).unwrap();
    let exporter = r#"(component
        (core module $m (func (export "f") (result i32) unreachable))
        (core instance $i (instantiate $m))
        (func $f (result (stream u8)) (canon lift (core func $i "f")))
        (instance $api (export "f" (func $f)))
        (export "x:y/streams@1.0.0" (instance $api)))"#;
    let importer = r#"(component
        (import "x:y/streams@1.0.0" (instance (export "f" (func (result (stream u8)))))))"#;
    let components = add(Components::new(), "streams", Component::new(&engine, exporter).unwrap());
    let components = add(components, "app", Component::new(&engine, importer).unwrap());
    assert_eq!(
        refusal(&components).to_string(),
        "the components do not fit together: `app` imports `f` of `x:y/streams@1.0.0`, and a stream cannot be passed \
         between components"
    );
}

#[test]
fn thousands_of_functions_that_differ_are_answered_soon() {
    let engine = Engine::default();
    // As many and as large types as validation lets through, and nothing fits.
    let component = |last: &str, function: &str, of: &str| {
        let types: String = (1..6).map(|n| format!("(type $t{n} (tuple $t{} $t{}))", n - 1, n - 1)).collect();
        let functions: String = (0..3_000).map(|n| format!("(export \"f{n}\" {function})")).collect();
        let types = format!("(type $t0 (list {last})) {types}");
        Component::new(&engine, of.replace("TYPES", &types).replace("FUNCTIONS", &functions)).unwrap()
    };
    let importer = component(
        "u8",
        r#"(func (param "t" $t5))"#,
        r#"(component (import "x:y/z@1.0.0" (instance TYPES FUNCTIONS)))"#,
    );
    let exporter = component(
        "u16",
        "(func $f)",
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "f") (param i32)))
            (core instance $i (instantiate $m))
            TYPES
            (func $f (param "t" $t5) (canon lift (core func $i "f")
                (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
            (instance $api FUNCTIONS)
            (export "x:y/z@1.0.0" (instance $api)))"#,
    );
    let components = add(add(Components::new(), "app", importer), "odd", exporter);
    let ComposeError::Imports { problems } = refusal(&components) else { panic!() };
    assert!(problems.len() <= 202, "{}", problems.len());
}
