//! Everything that is missing is said at once, with hints.

use host_component::doctor::{Doctor, Problem};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker, Resource, ResourceType};

use crate::guests::{plugin, plugin_linker};

const WANTS: &str = r#"
(component
    (import "log" (func (param "msg" string)))
    (import "my:io/files@0.2.6" (instance $files
        (export "file" (type $file (sub resource)))
        (export "open" (func (param "name" string) (result (own $file))))
        (export "size" (func (param "file" (borrow $file)) (result u64)))
        (export "close" (func (param "file" (own $file))))))
    (alias export $files "file" (type $file))
    (import "my:io/copy@0.2.6" (instance
        (export "file" (type $file' (eq $file)))
        (export "copy" (func (param "from" (borrow $file')) (param "to" (borrow $file'))))))
    (import "my:clocks/wall@0.3.0" (instance (export "now" (func (result u64)))))
    (import "my:names/types" (instance (type $t' (record (field "x" u8))) (export "t" (type (eq $t'))))))
"#;

struct File;

fn component() -> Component {
    Component::new(&Engine::default(), WANTS).unwrap()
}

/// Each problem as one line.
#[track_caller]
fn problems(component: &Component, linker: &Linker<()>, doctor: &Doctor) -> Vec<String> {
    match doctor.check(component, linker) {
        Ok(()) => {
            linker.instantiate_pre(component).unwrap();
            Vec::new()
        }
        Err(report) => report.problems.iter().map(ToString::to_string).collect(),
    }
}

fn link_files(linker: &mut Linker<()>, version: &str) {
    let mut files = linker.instance(&format!("my:io/files@{version}")).unwrap();
    files.resource("file", ResourceType::host::<File>(), |_, _| Ok(())).unwrap();
    files.func_new("open", |_, _, _, _| Ok(())).unwrap();
    files.func_new("size", |_, _, _, _| Ok(())).unwrap();
    files.func_new("close", |_, _, _, _| Ok(())).unwrap();
}

fn link_rest(linker: &mut Linker<()>) {
    linker.root().func_wrap("log", |_, (_,): (String,)| Ok(())).unwrap();
    linker.instance("my:clocks/wall@0.3.0").unwrap().func_wrap("now", |_, ()| Ok((0_u64,))).unwrap();
    link_copy(linker);
}

fn link_copy(linker: &mut Linker<()>) {
    let mut copy = linker.instance("my:io/copy@0.2.6").unwrap();
    copy.func_wrap("copy", |_, (_, _): (Resource<File>, Resource<File>)| Ok(())).unwrap();
}

#[test]
fn all_missing_imports_are_named_at_once() {
    let component = component();
    let linker = Linker::new(component.engine());
    let doctor = Doctor::new().offers(["logs", "my:clocks/wall@0.2.6", "my:io/filez@0.2.6"]);
    assert_eq!(
        problems(&component, &linker, &doctor),
        [
            "the function `log` is missing; did you mean `logs`?",
            "the interface `my:io/files@0.2.6` is missing; did you mean `my:io/filez@0.2.6`?",
            "the interface `my:io/copy@0.2.6` is missing",
            "the interface `my:clocks/wall@0.3.0` is missing; the host offers `my:clocks/wall@0.2.6`, \
             which is not compatible: below 1.0 the second number must be the same",
        ]
    );
}

#[test]
fn nothing_is_wrong_where_everything_is_linked_whatever_the_list_says() {
    let component = component();
    for version in ["0.2.6", "0.2.0"] {
        let mut linker = Linker::new(component.engine());
        link_files(&mut linker, version);
        link_rest(&mut linker);
        assert!(problems(&component, &linker, &Doctor::new()).is_empty());
    }
}

#[test]
fn compatible_versions_are_not_reported_beside_what_is_missing() {
    let component = component();
    let mut linker = Linker::new(component.engine());
    link_files(&mut linker, "0.2.0");
    link_copy(&mut linker);
    assert_eq!(
        problems(&component, &linker, &Doctor::new()),
        ["the function `log` is missing", "the interface `my:clocks/wall@0.3.0` is missing"]
    );
}

#[test]
fn single_functions_are_reported_each() {
    let component = component();
    let mut linker = Linker::new(component.engine());
    link_rest(&mut linker);
    let mut files = linker.instance("my:io/files@0.2.6").unwrap();
    files.resource("file", ResourceType::host::<File>(), |_, _| Ok(())).unwrap();
    files.func_wrap("size", |_, (_,): (String,)| Ok((0_u64,))).unwrap();
    let found = problems(&component, &linker, &Doctor::new());
    assert_eq!(found.len(), 3, "{found:#?}");
    assert_eq!(found[0], "the function `open` of `my:io/files@0.2.6` is missing");
    assert!(found[1].starts_with("`size` of `my:io/files@0.2.6` has another type: "), "{found:#?}");
    assert_eq!(found[2], "the function `close` of `my:io/files@0.2.6` is missing");
}

#[test]
fn a_function_that_a_compatible_version_lacks_is_named() {
    let component = component();
    let mut linker = Linker::new(component.engine());
    link_rest(&mut linker);
    let mut files = linker.instance("my:io/files@0.2.0").unwrap();
    files.resource("file", ResourceType::host::<File>(), |_, _| Ok(())).unwrap();
    files.func_new("open", |_, _, _, _| Ok(())).unwrap();
    let doctor = Doctor::new().offers(["my:io/files@0.2.0"]);
    assert_eq!(
        problems(&component, &linker, &doctor),
        [
            "the function `size` of `my:io/files@0.2.6` is missing; the host offers `my:io/files@0.2.0`, which is \
             compatible but lacks it",
            "`my:io/copy@0.2.6` could not be checked: it uses a resource of `my:io/files@0.2.6`, which must be there first",
        ]
    );
}

#[test]
fn an_interface_without_its_first_item_is_told_from_none_at_all() {
    let engine = Engine::default();
    for wanted in ["0.2.6", "0.2.0", "1.0.0", "1.3.2", "0.0.1"] {
        let text = format!("(component (import \"a:b/c@{wanted}\" (instance (export \"f\" (func)))))");
        let component = Component::new(&engine, text).unwrap();
        for (offered, is_compatible) in [
            ("0.2.0", wanted.starts_with("0.2")),
            ("0.2.3", wanted.starts_with("0.2")),
            ("1.0.0", wanted.starts_with("1.")),
            ("1.9.9", wanted.starts_with("1.")),
            ("0.0.1", wanted == "0.0.1"),
            ("0.3.0", false),
        ] {
            let mut linker = Linker::new(&engine);
            linker.instance(&format!("a:b/c@{offered}")).unwrap().func_new("g", |_, _, _, _| Ok(())).unwrap();
            let what = if is_compatible { "function `f` of" } else { "interface" };
            // No list of offers: the linker itself is asked.
            assert_eq!(
                problems(&component, &linker, &Doctor::new()),
                [format!("the {what} `a:b/c@{wanted}` is missing")],
                "offered: {offered}"
            );
        }
    }
}

#[test]
fn the_wrong_kind_of_thing_is_a_difference() {
    let component = component();
    let mut linker = Linker::new(component.engine());
    link_files(&mut linker, "0.2.6");
    link_rest(&mut linker);
    linker.allow_shadowing(true);
    linker.root().instance("log").unwrap().func_new("log", |_, _, _, _| Ok(())).unwrap();
    assert_eq!(
        problems(&component, &linker, &Doctor::new()),
        ["`log` has another type: expected function found instance"]
    );
}

#[test]
fn modules_that_are_missing_end_the_search_and_say_so() {
    let engine = Engine::default();
    let component = Component::new(
        &engine,
        r#"(component (import "a" (func)) (import "m" (core module)) (import "z" (func)))"#,
    )
    .unwrap();
    assert_eq!(
        problems(&component, &Linker::new(&engine), &Doctor::new()),
        [
            "the function `a` is missing",
            "the module `m` is missing",
            "`m` could not be checked: this import and those after it cannot be checked before it is there",
        ]
    );
}

#[test]
fn exports_a_world_needs_are_checked_too() {
    let engine = Engine::default();
    let component = Component::new(&engine, crate::guests::ARITHMETIC).unwrap();
    let doctor = Doctor::new().expects([
        "my:math/ints@0.2.3#double",
        "my:math/ints@0.2.0",
        "my:math/ints@0.2.3#dubble",
        "my-org:my-plugin/plugin-api@0.1.0",
    ]);
    let found = problems(&component, &Linker::new(&engine), &doctor);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(
        found[0],
        "the component does not export `my:math/ints@0.2.3#dubble`; did you mean `my:math/ints@0.2.3#double`?"
    );
    assert!(found[1].starts_with(
        "the component does not export `my-org:my-plugin/plugin-api@0.1.0`; it exports `my:math/"
    ));
}

#[test]
fn a_real_plugin_is_diagnosed() {
    let engine = Engine::default();
    let component = plugin(&engine, "greeter");
    let expected = "my-org:my-plugin/plugin-api@0.1.0#process";
    Doctor::new().expects([expected]).check(&component, &plugin_linker(&engine)).unwrap();

    let report = Doctor::new().check(&component, &Linker::<()>::new(&engine)).unwrap_err();
    let missing = |report: &host_component::doctor::Report| -> Vec<String> {
        let names = report.problems.iter().filter_map(|problem| match problem {
            Problem::Missing { import, item: None, .. } => Some(import.clone()),
            _ => None,
        });
        names.collect()
    };
    let mut wanted: Vec<String> = host_component::inspect::describe(&component)
        .imported_interfaces()
        .map(str::to_owned)
        .chain(["log".to_owned()])
        .collect();
    let mut found = missing(&report);
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted, "{report}");
}

#[test]
fn a_component_of_another_engine_is_a_problem_and_not_a_panic() {
    let found = problems(&component(), &Linker::new(&Engine::default()), &Doctor::new());
    assert!(found[0].contains("cross-`Engine`"), "{found:#?}");
}

#[test]
fn a_component_with_thousands_of_resources_is_answered_soon() {
    let engine = Engine::default();
    let resources: String = (0..9_000).map(|n| format!("(export \"r{n}\" (type (sub resource)))")).collect();
    let text = format!("(component (import \"a:b/c@1.0.0\" (instance {resources})))");
    let component = Component::new(&engine, text).unwrap();
    let mut linker = Linker::<()>::new(&engine);
    linker.instance("a:b/c@1.0.0").unwrap();
    // Looking at each of them for each other took minutes.
    let report = Doctor::new().check(&component, &linker).unwrap_err();
    assert!(matches!(report.problems[..], [Problem::Unchecked { .. }]), "{report}");
}

#[test]
fn what_wasmtime_says_of_names_of_core_modules_is_made_safe() {
    let engine = Engine::default();
    let component = r#"(component (import "m" (core module (export "\1b[2J" (func)))))"#;
    let component = Component::new(&engine, component).unwrap();
    let mut linker = Linker::<()>::new(&engine);
    linker.root().module("m", &wasmtime::Module::new(&engine, "(module)").unwrap()).unwrap();
    let text = Doctor::new().check(&component, &linker).unwrap_err().explain();
    assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
    assert!(text.contains("\\u{1b}[2J"), "{text:?}");
}
