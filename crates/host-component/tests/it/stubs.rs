//! Stand-ins fill what is missing, and cover nothing up.

use host_component::{StubCalled, stub_missing_imports};
use wasmtime::component::{Component, Linker, ResourceType};
use wasmtime::{Config, Engine, Store};

/// Calls what it imports: `log` by `run`, and `now` of `my:clocks/wall@0.2.6` by `time`.
const CALLS: &str = r#"
(component
    (import "log" (func $log))
    (import "my:clocks/wall@0.2.6" (instance $wall (export "now" (func (result u64)))))
    (import "my:io/files@0.2.6" (instance $files
        (export "file" (type $file (sub resource)))
        (export "open" (func (result (own $file))))
        (export "[method]file.size" (func (param "self" (borrow $file)) (result u64)))))
    (alias export $files "file" (type $file))
    (import "my:io/copy@0.2.6" (instance
        (export "file" (type $file' (eq $file)))
        (export "copy" (func (param "from" (borrow $file'))))))
    (alias export $wall "now" (func $now))
    (core func $log' (canon lower (func $log)))
    (core func $now' (canon lower (func $now)))
    (core module $m
        (import "h" "log" (func $log)) (import "h" "now" (func $now (result i64)))
        (func (export "run") call $log)
        (func (export "time") (result i64) call $now))
    (core instance $i (instantiate $m (with "h" (instance
        (export "log" (func $log')) (export "now" (func $now'))))))
    (func (export "run") (canon lift (core func $i "run")))
    (func (export "time") (result u64) (canon lift (core func $i "time"))))
"#;

fn component() -> Component {
    let engine = Engine::new(Config::new().concurrency_support(false)).unwrap();
    Component::new(&engine, CALLS).unwrap()
}

fn time(linker: &Linker<()>, component: &Component) -> wasmtime::Result<u64> {
    let mut store = Store::new(linker.engine(), ());
    let instance = linker.instantiate(&mut store, component)?;
    let time = instance.get_typed_func::<(), (u64,)>(&mut store, "time")?;
    time.call(&mut store, ()).map(|(time,)| time)
}

#[test]
fn everything_can_be_stubbed_and_says_so_when_it_is_called() {
    let component = component();
    let mut linker = Linker::new(component.engine());
    let stubs = stub_missing_imports(&mut linker, &component);
    assert_eq!(stubs.stubbed, ["log", "my:clocks/wall@0.2.6", "my:io/files@0.2.6", "my:io/copy@0.2.6"]);
    assert_eq!(stubs.left, []);
    let error = time(&linker, &component).unwrap_err();
    let called = error.downcast_ref::<StubCalled>().unwrap();
    assert_eq!(called.function, "my:clocks/wall@0.2.6#now");
    assert!(called.to_string().contains("define it in the linker"));
    // There is nothing left to do the second time.
    assert_eq!(stub_missing_imports(&mut linker, &component).stubbed, [""; 0]);
}

#[test]
fn a_compatible_version_is_not_covered_up() {
    let component = component();
    for version in ["0.2.0", "0.2.3", "0.2.6", "0.2.9"] {
        let offering = || {
            let mut linker = Linker::<()>::new(component.engine());
            let mut wall = linker.instance(&format!("my:clocks/wall@{version}")).unwrap();
            wall.func_wrap("now", |_, ()| Ok((7_u64,))).unwrap();
            linker
        };
        let mut linker = offering();
        let stubs = stub_missing_imports(&mut linker, &component);
        assert_eq!(stubs.stubbed, ["log", "my:io/files@0.2.6", "my:io/copy@0.2.6"]);
        assert_eq!(time(&linker, &component).unwrap(), 7);

        // What Wasmtime has for this does cover it up, unless the version is the very same.
        let mut linker = offering();
        linker.define_unknown_imports_as_traps(&component).unwrap();
        assert_eq!(time(&linker, &component).is_ok(), version == "0.2.6", "{version}");
    }
}

#[test]
fn single_items_are_added_where_the_very_interface_is_there() {
    let component = component();
    let mut linker = Linker::<()>::new(component.engine());
    struct File;
    let mut files = linker.instance("my:io/files@0.2.6").unwrap();
    files.resource("file", ResourceType::host::<File>(), |_, _| Ok(())).unwrap();
    files.func_new("open", |_, _, _, _| Ok(())).unwrap();
    let stubs = stub_missing_imports(&mut linker, &component);
    assert_eq!(
        stubs.stubbed,
        ["log", "my:clocks/wall@0.2.6", "my:io/files@0.2.6#[method]file.size", "my:io/copy@0.2.6"]
    );
    assert_eq!(stubs.left, []);
    linker.instantiate_pre(&component).unwrap();
}

#[test]
fn what_no_stand_in_helps_is_left_and_nothing_is_covered_up_for_it() {
    let component = component();
    let mut linker = Linker::<()>::new(component.engine());
    linker.instance("my:clocks/wall@0.2.0").unwrap().func_wrap("later", |_, ()| Ok(())).unwrap();
    linker.root().func_wrap("log", |_, (_,): (u8,)| Ok(())).unwrap();
    let stubs = stub_missing_imports(&mut linker, &component);
    assert_eq!(stubs.stubbed, ["my:io/files@0.2.6", "my:io/copy@0.2.6"]);
    let left: Vec<String> = stubs.left.iter().map(ToString::to_string).collect();
    assert_eq!(left.len(), 2, "{left:#?}");
    assert!(left[0].starts_with("`log` has another type: "), "{left:#?}");
    assert_eq!(left[1], "the function `now` of `my:clocks/wall@0.2.6` is missing");
}
