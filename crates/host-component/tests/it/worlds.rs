//! A component is compared with a world: both sides of all that differs, and what to do about it.

use host_component::World;
use host_component::doctor::{Doctor, Problem, Report};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::guests::{ARITHMETIC, plugin};

/// Imports of a host and exports of its guests.
const WORLD: &str = r#"
(component
    (import "log" (func (param "msg" string)))
    (import "my:io/files@0.2.3" (instance
        (type $entry' (record (field "name" string) (field "size" u64)))
        (export "entry" (type $entry (eq $entry')))
        (export "file" (type $file (sub resource)))
        (export "open" (func (param "entry" $entry) (result (own $file))))
        (export "close" (func (param "file" (own $file))))))
    (core module $m (func (export "f")) (func (export "g") (param i32) (result i32) local.get 0))
    (core instance $i (instantiate $m))
    (func $run (canon lift (core func $i "f")))
    (func $double (param "number" u32) (result u32) (canon lift (core func $i "g")))
    (instance $api (export "run" (func $run)) (export "double" (func $double)))
    (export "my:plugin/api@0.1.0" (instance $api))
    (export "init" (func $run)))
"#;

fn component(engine: &Engine, text: &str) -> Component {
    Component::new(engine, text).unwrap()
}

fn doctor(engine: &Engine) -> Doctor {
    Doctor::new().world(World::of(&component(engine, WORLD)))
}

#[track_caller]
fn lines(report: &Report) -> Vec<String> {
    report.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_component_fits_its_own_world_and_that_of_a_compatible_host() {
    let engine = Engine::default();
    doctor(&engine).check_world(&component(&engine, WORLD)).unwrap();
    let other = WORLD.replace("files@0.2.3", "files@0.2.6").replace("api@0.1.0", "api@0.1.4");
    doctor(&engine).check_world(&component(&engine, &other)).unwrap();
    // Engines need not be the same one, since nothing is linked.
    doctor(&engine).check_world(&component(&Engine::default(), WORLD)).unwrap();
    let greeter = plugin(&engine, "greeter");
    Doctor::new().world(World::of(&greeter)).check_world(&greeter).unwrap();
}

#[test]
fn everything_that_does_not_fit_is_said_at_once() {
    let engine = Engine::default();
    let guest = WORLD
        .replace(
            r#"(import "log" (func (param "msg" string)))"#,
            r#"(import "logs" (func (param "msg" string)))"#,
        )
        .replace(r#"(field "size" u64)"#, r#"(field "size" u32)"#)
        .replace(r#"(export "close""#, r#"(export "shut""#)
        .replace(r#"(export "double" (func"#, r#"(export "duble" (func"#)
        .replace(r#"(export "init" (func $run))"#, r#"(export "init" (func $double))"#);
    let report = doctor(&engine).check_world(&component(&engine, &guest)).unwrap_err();
    assert_eq!(
        lines(&report),
        [
            "`open` of `my:io/files@0.2.3` has another type: `entry.size` is `u32` in the component, but `u64` in the host",
            "the function `shut` of `my:io/files@0.2.3` is missing",
            "the function `logs` is missing; did you mean `log`?",
            "the component does not export `my:plugin/api@0.1.0#double`; did you mean `duble`?",
            "the export `init` has another type: only the component has `number`, `u32`; only the component has `result`, `u32`",
        ]
    );
    assert_eq!(
        report.explain().lines().take(8).collect::<Vec<_>>().join("\n"),
        "\
1. `open` of `my:io/files@0.2.3` has another type: `entry.size` is `u32` in the component, but `u64` in the host
     the component:  record entry { name: string, size: u32 }
                                                  ^^^^^^^^^
     the host:       record entry { name: string, size: u64 }
                                                  ^^^^^^^^^
   the component's author: build against the host's WIT, with its type of `open`
   the embedder: define `open` with the component's type; if the type was changed, its interface needs a version that is not compatible
"
    );
    for problem in &report.problems {
        let advice = problem.advice();
        assert!(!advice.guest.is_empty() && !advice.embedder.is_empty());
    }
    let advice = report.problems[3].advice();
    assert_eq!(advice.guest, "export `my:plugin/api@0.1.0#double` as `func(number: u32) -> u32`");
}

#[test]
fn versions_that_are_not_compatible_are_named_with_the_reason() {
    let engine = Engine::default();
    let guest = WORLD.replace("files@0.2.3", "files@0.3.0").replace("api@0.1.0", "api@1.0.0");
    let report = doctor(&engine).check_world(&component(&engine, &guest)).unwrap_err();
    assert_eq!(
        lines(&report),
        [
            "the interface `my:io/files@0.3.0` is missing; the host offers `my:io/files@0.2.3`, which is not \
             compatible: below 1.0 the second number must be the same",
            "the component does not export `my:plugin/api@0.1.0`; it exports `my:plugin/api@1.0.0`, which is not \
             compatible: the first number must be the same",
        ]
    );
    assert_eq!(report.problems[0].advice().guest, "build against `my:io/files@0.2.3`, which this host has");
}

#[test]
fn the_linker_decides_and_the_world_shows_its_side() {
    let engine = Engine::default();
    let guest = component(&engine, r#"(component (import "log" (func (param "msg" u32))))"#);
    let mut linker = Linker::<()>::new(&engine);
    linker.root().func_wrap("log", |_, (_,): (String,)| Ok(())).unwrap();
    let world = World::of(&component(&engine, r#"(component (import "log" (func (param "msg" string))))"#));
    let report = Doctor::new().world(world.clone()).check(&guest, &linker).unwrap_err();
    let Problem::Differs { differences, .. } = &report.problems[0] else { panic!("{report}") };
    assert_eq!(differences[0].path, "msg");
    assert_eq!(
        lines(&report),
        ["`log` has another type: `msg` is `u32` in the component, but `string` in the host"]
    );
    // A linker that has the component's type is right, whatever the world says.
    let mut linker = Linker::<()>::new(&engine);
    linker.root().func_wrap("log", |_, (_,): (u32,)| Ok(())).unwrap();
    Doctor::new().world(world).check(&guest, &linker).unwrap();
}

#[test]
fn what_the_world_leaves_out_may_come_from_a_linker() {
    let engine = Engine::default();
    let guest = component(
        &engine,
        r#"(component
            (import "my:clocks/wall@0.2.6" (instance (export "now" (func (result u64)))))
            (import "my:clocks/zone@0.2.6" (instance (export "now" (func (result u64)))))
            (import "log" (func (param "msg" string))))"#,
    );
    let world = World::of(&component(&engine, r#"(component (import "log" (func (param "msg" string))))"#));
    let doctor = Doctor::new().world(world);
    let mut linker = Linker::<()>::new(&engine);
    linker.instance("my:clocks/wall@0.2.0").unwrap().func_wrap("now", |_, ()| Ok((0_u64,))).unwrap();
    let report = doctor.check_world_and(&guest, &linker).unwrap_err();
    assert_eq!(lines(&report), ["the interface `my:clocks/zone@0.2.6` is missing"]);
    assert_eq!(lines(&doctor.check_world(&guest).unwrap_err()).len(), 2);
}

#[test]
fn resources_must_be_the_same_ones_on_both_sides() {
    let engine = Engine::default();
    let text = |second: &str| {
        format!(
            r#"(component
                (import "a:b/things" (instance $things
                    (export "one" (type (sub resource))) (export "two" (type (sub resource)))))
                (alias export $things "one" (type $one)) (alias export $things "two" (type $two))
                (import "a:b/use" (instance
                    (export "thing" (type $thing (eq {second})))
                    (export "take" (func (param "thing" (own $thing)))))))"#
        )
    };
    let (one, two) = (component(&engine, &text("$one")), component(&engine, &text("$two")));
    Doctor::new().world(World::of(&one)).check_world(&one).unwrap();
    let report = Doctor::new().world(World::of(&one)).check_world(&two).unwrap_err();
    let lines = lines(&report);
    assert_eq!(lines.len(), 2, "{report}");
    assert_eq!(
        lines[0],
        "`thing` of `a:b/use` has another type: it stands for another resource than elsewhere"
    );
    assert!(lines[1].starts_with("`take` of `a:b/use` has another type: `thing`"), "{report}");
}

#[test]
fn interfaces_of_types_alone_need_nothing() {
    let engine = Engine::default();
    let guest = component(
        &engine,
        r#"(component (import "a:b/types" (instance (type $t (record (field "x" u8))) (export "t" (type (eq $t))))))"#,
    );
    Doctor::new().world(World::of(&component(&engine, "(component)"))).check_world(&guest).unwrap();
}

#[test]
fn a_component_of_another_world_is_told_what_it_lacks() {
    let engine = Engine::default();
    let report = doctor(&engine).check_world(&component(&engine, ARITHMETIC)).unwrap_err();
    assert_eq!(
        lines(&report),
        [
            "the component does not export `my:plugin/api@0.1.0`; it exports `my:math/ints@0.2.3`, `my:math/more@1.4.0`, `top`",
            "the component does not export `init`; it exports `my:math/ints@0.2.3`, `my:math/more@1.4.0`, `top`",
        ]
    );
}

#[test]
fn a_hostile_component_is_compared_in_bounded_time() {
    let engine = Engine::default();
    let mut types = String::from("(type $t0 (tuple u8 u8))\n");
    for level in 1..14 {
        types.push_str(&format!("(type $t{level} (tuple $t{0} $t{0}))\n", level - 1));
    }
    let functions: String =
        (0..25).map(|n| format!("(export \"f{n}\" (func (param \"x\" $t13)))\n")).collect();
    let guest = component(&engine, &format!("(component (import \"a:b/c\" (instance {types} {functions})))"));
    let report = Doctor::new().world(World::of(&guest)).check_world(&guest).unwrap_err();
    assert!(matches!(report.problems[..], [Problem::Unchecked { .. }]), "{report}");
}

#[cfg(feature = "wit")]
mod text {
    use host_component::{World, WorldError};

    use super::*;

    const WIT: &str = "
        package my:plugin@0.1.0;
        interface files {
            record entry { name: string, size: u64 }
            resource file { constructor(of: entry); read: func() -> result<list<u8>, string>; }
        }
        world guest { import files; import log: func(msg: string); export run: func() -> u32; }
        world other { export run: func() -> u32; }
    ";

    fn error(text: &str, world: Option<&str>) -> String {
        World::parse(&Engine::default(), text, world).unwrap_err().to_string()
    }

    #[test]
    fn wit_text_is_a_world() {
        let world = World::parse(&Engine::default(), WIT, Some("guest")).unwrap();
        assert_eq!(world.name(), "my:plugin/guest@0.1.0");
        let text = world.describe().to_string();
        for part in [
            "import my:plugin/files@0.1.0 {",
            "record entry { name: string, size: u64 };",
            "[constructor]file: func(of: entry) -> file;",
            "[method]file.read: func(self: borrow<file>) -> result<list<u8>, string>;",
            "import log: func(msg: string);",
            "export run: func() -> u32;",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        let full = World::parse(&Engine::default(), WIT, Some("my:plugin/other@0.1.0")).unwrap();
        assert_eq!(full.describe().imports, []);
        Doctor::new().world(world.clone()).check_world(world.component()).unwrap();
    }

    #[test]
    fn mistakes_are_told_with_names_and_lines() {
        assert_eq!(error(WIT, None), "there are several worlds, and one must be named: `guest`, `other`");
        assert_eq!(error(WIT, Some("gest")), "there is no world `gest`; did you mean `guest`?");
        assert_eq!(
            error(WIT, Some("my:plugin/guess")),
            "there is no world `my:plugin/guess`; did you mean `guest`?"
        );
        assert_eq!(error(WIT, Some("xyzzy")), "there is no world `xyzzy`; there is `guest`, `other`");
        assert!(error("package a:b; interface i {}", None).contains("`a:b` has no world"));
        let wrong = error("package a:b;\nworld w {\n  export run: fun();\n}", None);
        assert!(wrong.contains("world.wit:3:"), "{wrong}");
        let unknown = error("package a:b;\nworld w {\n  import c:d/e;\n}", None);
        assert!(unknown.contains("c:d") && unknown.contains("world.wit:3:"), "{unknown}");
    }

    #[test]
    fn a_plugin_fits_the_world_it_is_built_for() {
        let engine = Engine::default();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/my-plugin");
        let world = World::read(&engine, folder, None).unwrap();
        let linker = crate::guests::plugin_linker(&engine);
        let greeter = plugin(&engine, "greeter");
        let doctor = Doctor::new().world(world);
        doctor.check(&greeter, &linker).unwrap();
        doctor.check_world_and(&greeter, &linker).unwrap();
        let report = doctor.check_world(&greeter).unwrap_err();
        assert!(lines(&report).iter().all(|line| line.contains("`wasi:")), "{report}");
    }

    #[test]
    fn worlds_are_read_from_files_folders_and_components() {
        let engine = Engine::default();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/my-plugin/world.wit");
        let of_file = World::read(&engine, file, None).unwrap();
        let greeter = fixtures::path("plugins/greeter");
        let of_component = World::read(&engine, greeter, None).unwrap();
        assert_eq!(of_file.describe().exports, of_component.describe().exports);
        let module = World::read(&engine, fixtures::path("add"), None).unwrap_err();
        assert!(matches!(module, WorldError::CoreModule { .. }), "{module}");
        let absent = World::read(&engine, "/no/such/folder", None).unwrap_err();
        assert!(matches!(absent, WorldError::Read { .. }), "{absent}");
    }
}

#[test]
fn what_is_left_out_is_told() {
    let engine = wasmtime::Engine::default();
    let exports: String =
        (0..300).map(|n| format!(r#"(func (export "run{n}") (canon lift (core func $i "f")))"#)).collect();
    let text = format!(
        r#"(component (core module $m (func (export "f"))) (core instance $i (instantiate $m)) {exports})"#
    );
    let world = wasmtime::component::Component::new(&engine, text).unwrap();
    let empty = wasmtime::component::Component::new(&engine, "(component)").unwrap();
    let doctor = host_component::doctor::Doctor::new().world(host_component::World::of(&world));
    let report = doctor.check_world(&empty).unwrap_err();
    assert_eq!(report.problems.len(), 201);
    assert!(report.to_string().ends_with("not looked at to the end: 100"), "{report}");
    // And the other way, what is exported is listed in part.
    let report = host_component::doctor::Doctor::new().expects(["walk"]).check_world(&world).unwrap_err();
    assert!(report.to_string().contains("`run19` and 280 more"), "{report}");
}
