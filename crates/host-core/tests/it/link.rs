//! Imports by name: what is missing, what has another type, and modules that are linked to each other.

use std::error::Error;

use host_core::{FaultKind, ImportProblem, LinkError, Modules, Profile, check_imports, guard};
use host_limits::{Exceeded, Limits};
use wasmtime::{Linker, Module, Store, Trap};

use crate::{Data, Host, check_text};

fn host() -> Host {
    let mut host = Host::new(Limits { fuel: Some(1_000_000), ..Limits::untrusted() });
    host.linker
        .func_wrap("env", "host_random", || 4)
        .unwrap()
        .func_wrap("env", "mark", |mut caller: wasmtime::Caller<'_, Data>| {
            caller.data_mut().lines.push("ran".into());
        })
        .unwrap();
    host
}

/// The problems of a module's imports with the linker of [`host`].
fn problems(wat: &str) -> (Vec<ImportProblem>, String) {
    let host = host();
    let error = check_imports(host.store(), &host.linker, &host.module(wat)).unwrap_err();
    let text = error.to_string();
    match error {
        LinkError::Imports { problems, .. } => (problems, text),
        other => panic!("{other:?}"),
    }
}

fn modules(host: &Host, all: &[(&str, &str)]) -> Modules {
    all.iter().fold(Modules::new(), |modules, (name, wat)| modules.add(*name, host.module(wat)).unwrap())
}

fn call(store: &mut Store<Data>, instance: wasmtime::Instance, name: &str) -> i32 {
    instance.get_typed_func::<(), i32>(&mut *store, name).unwrap().call(store, ()).unwrap()
}

// Imports.

#[test]
fn all_missing_imports_are_named_at_once_with_what_is_offered() {
    let (problems, text) = problems(
        r#"(module
            (import "env" "host_lgo" (func (param i32 i32)))
            (import "env" "host_random" (func (result i32)))
            (import "evn" "host_random" (func (result i32)))
            (import "wasi" "fd_write" (func (param i32 i64) (result f32 f64)))
            (import "env" "memory" (memory 1)))"#,
    );
    let missing: Vec<_> =
        problems.iter().map(|problem| format!("{}.{}", problem.module, problem.name)).collect();
    assert_eq!(missing, ["env.host_lgo", "evn.host_random", "wasi.fd_write", "env.memory"]);
    assert_eq!(
        text,
        "4 imports cannot be linked:\n  \
         `env.host_lgo` is missing: func(i32, i32); did you mean `env.host_log`?\n  \
         `evn.host_random` is missing: func() -> i32; did you mean `env.host_random`?\n  \
         `wasi.fd_write` is missing: func(i32, i64) -> (f32, f64)\n  \
         `env.memory` is missing: memory of 1 or more pages\n  \
         offered: env.host_log, env.host_random, env.mark"
    );
}

#[test]
fn a_right_name_is_found_in_another_module() {
    let (problems, _) = problems(r#"(module (import "somewhere_else" "mark" (func)))"#);
    assert_eq!(problems[0].near, ["env.mark"]);
    assert_eq!(problems[0].found, None);
}

#[test]
fn names_that_are_not_alike_are_not_suggested() {
    let (problems, text) = problems(r#"(module (import "env" "clock_time_get" (func)))"#);
    assert!(problems[0].near.is_empty(), "{problems:?}");
    assert!(!text.contains("did you mean"), "{text}");
}

#[test]
fn a_wrong_type_shows_both_sides() {
    let (problems, text) = problems(r#"(module (import "env" "host_log" (func (param i64) (result i32))))"#);
    assert_eq!(problems[0].wanted, "func(i64) -> i32");
    assert_eq!(problems[0].found.as_deref(), Some("func(i32, i32)"));
    assert!(
        text.contains("`env.host_log` has another type: wanted func(i64) -> i32, offered func(i32, i32)"),
        "{text}"
    );
    assert!(text.starts_with("1 import cannot"), "{text}");
}

#[test]
fn an_export_of_another_kind_shows_both_sides() {
    let (problems, _) = problems(r#"(module (import "env" "host_log" (memory 1)))"#);
    assert_eq!(problems[0].wanted, "memory of 1 or more pages");
    assert_eq!(problems[0].found.as_deref(), Some("func(i32, i32)"));

    let host = host();
    let memory = r#"(module (memory (export "log") 2))"#;
    let app = r#"(module (import "logger" "log" (func (param i32))))"#;
    let error = modules(&host, &[("logger", memory), ("app", app)])
        .instantiate(host.store(), &Linker::new(&host.engine))
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("wanted func(i32), offered memory of 2 or more pages"), "{text}");
}

#[test]
fn the_two_sides_of_a_problem_never_read_the_same() {
    // With references to externals, which untrusted code does not get.
    let host = Host::with_profile(Profile::Development, Limits::untrusted());
    for (offer, want) in [
        (r#"(global (export "x") i32 (i32.const 0))"#, "(global (mut i32))"),
        (r#"(global (export "x") (mut i32) (i32.const 0))"#, "(global i32)"),
        (r#"(memory (export "x") 1)"#, "(memory 1 2)"),
        (r#"(memory (export "x") 1 3)"#, "(memory 1 2)"),
        (r#"(table (export "x") 1 funcref)"#, "(table 1 2 funcref)"),
        (r#"(table (export "x") 1 funcref)"#, "(table 1 externref)"),
    ] {
        let (offer, want) = (format!("(module {offer})"), format!(r#"(module (import "o" "x" {want}))"#));
        let error = modules(&host, &[("o", &offer), ("w", &want)])
            .instantiate(host.store(), &Linker::new(&host.engine))
            .unwrap_err();
        let LinkError::Imports { problems, .. } = error else { panic!("{want}: {error:?}") };
        assert_ne!(Some(&problems[0].wanted), problems[0].found.as_ref(), "{want}");
    }
}

#[test]
fn what_passes_the_check_can_be_instantiated() {
    let host = host();
    for wat in [
        "(module)",
        r#"(module (import "env" "host_log" (func (param i32 i32))) (import "env" "mark" (func)))"#,
        r#"(module (import "env" "host_random" (func (result i32))))"#,
    ] {
        let (mut store, module) = (host.store(), host.module(wat));
        check_imports(&mut store, &host.linker, &module).unwrap();
        host.linker.instantiate(&mut store, &module).unwrap();
    }
    let module = Module::new(&host.engine, fixtures::bytes("host-imports")).unwrap();
    check_imports(host.store(), &host.linker, &module).unwrap();
}

#[test]
fn names_of_any_length_are_compared_quickly() {
    // A thousand imports of a kilobyte each against a thousand offers: nothing for the time of a test.
    let mut host = host();
    for number in 0..1_000 {
        host.linker.func_wrap("env", &format!("{}{number}", "y".repeat(1_000)), || ()).unwrap();
    }
    let imports: String =
        (0..1_000).map(|n| format!("(import \"env\" \"{}{n}\" (func))", "z".repeat(1_100))).collect();
    let module = host.module(&format!("(module {imports})"));
    let error = check_imports(host.store(), &host.linker, &module).unwrap_err();
    let LinkError::Imports { problems, offered } = error else { panic!("{error:?}") };
    assert_eq!((problems.len(), offered.len()), (1_000, 1_003));
}

// Modules.

#[test]
fn modules_find_each_other_in_whatever_order_they_were_added() {
    let host = host();
    let module = |name| Module::new(&host.engine, fixtures::bytes(name)).unwrap();
    for names in [["logger", "app"], ["app", "logger"]] {
        let modules = names.iter().fold(Modules::new(), |all, name| all.add(*name, module(name)).unwrap());
        assert_eq!(modules.order().unwrap(), ["logger", "app"]);
        let mut store = host.store();
        let instances = modules.instantiate(&mut store, &host.linker).unwrap();
        assert_eq!(call(&mut store, instances["app"], "run"), 3);
        assert_eq!(call(&mut store, instances["logger"], "count"), 3);
        assert_eq!(call(&mut store, instances["logger"], "total"), 6);
    }
}

#[test]
fn a_diamond_shares_the_module_at_its_foot() {
    let host = host();
    let side = |n| {
        format!(
            r#"(module (import "foot" "next" (func $next (result i32)))
                (func (export "get") (result i32) (i32.mul (call $next) (i32.const {n}))))"#
        )
    };
    let (left, right) = (side(10), side(100));
    let top = r#"(module (import "left" "get" (func $left (result i32)))
        (import "right" "get" (func $right (result i32)))
        (func (export "run") (result i32) (i32.add (call $left) (call $right))))"#;
    let foot = r#"(module (global $n (mut i32) (i32.const 0)) (func (export "next") (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"#;
    let all = [("top", top), ("right", &*right), ("left", &*left), ("foot", foot)];
    let modules = modules(&host, &all);
    assert_eq!(modules.order().unwrap(), ["foot", "left", "right", "top"]);
    let mut store = host.store();
    let instances = modules.instantiate(&mut store, &host.linker).unwrap();
    assert_eq!(call(&mut store, instances["top"], "run"), 10 + 200);
}

fn importing(names: &[&str]) -> String {
    let imports: String = names.iter().map(|name| format!(r#"(import "{name}" "f" (func))"#)).collect();
    format!(r#"(module {imports} (func (export "f")))"#)
}

#[test]
fn a_circle_is_named_exactly() {
    let host = host();
    // `z` only leads into the circle and `y` out of it; `free` has nothing to do with it.
    let (z, a, b, y) = (importing(&["a"]), importing(&["y", "b"]), importing(&["a"]), importing(&[]));
    let all = [("z", &*z), ("a", &*a), ("b", &*b), ("y", &*y), ("free", "(module)")];
    for modules in [
        modules(&host, &all),
        modules(&host, &{
            let mut all = all;
            all.reverse();
            all
        }),
    ] {
        let error = modules.order().unwrap_err();
        assert_eq!(error.to_string(), "the modules import from each other in a circle: a -> b -> a");
        let LinkError::Cycle { names } = error else { panic!("{error:?}") };
        assert_eq!(names, ["a", "b"]);
        let error = modules.instantiate(host.store(), &host.linker).unwrap_err();
        assert!(matches!(error, LinkError::Cycle { .. }), "{error:?}");
    }
    // The first name by the alphabet need not be in the circle.
    let (first, b, c) = (importing(&["b"]), importing(&["c"]), importing(&["b"]));
    let error = modules(&host, &[("a", &first), ("b", &b), ("c", &c)]).order().unwrap_err();
    assert!(error.to_string().ends_with(": b -> c -> b"), "{error}");
}

#[test]
fn a_module_that_imports_from_itself_is_a_circle() {
    let host = host();
    let error = modules(&host, &[("a", &importing(&["a"]))]).order().unwrap_err();
    assert!(error.to_string().ends_with(": a -> a"), "{error}");
}

#[test]
fn a_name_stands_for_one_module() {
    let host = host();
    let modules = modules(&host, &[("a", "(module)")]);
    let error = modules.add("a", host.module("(module)")).unwrap_err();
    assert!(matches!(&error, LinkError::Duplicate { name } if name == "a"), "{error:?}");
    assert!(error.to_string().contains("`a`"));
}

#[test]
fn imports_come_from_modules_and_from_the_linker() {
    let host = host();
    let app = r#"(module (import "env" "host_random" (func $random (result i32)))
        (import "math" "double" (func $double (param i32) (result i32)))
        (func (export "run") (result i32) (call $double (call $random))))"#;
    let math = r#"(module (func (export "double") (param i32) (result i32)
        (i32.mul (local.get 0) (i32.const 2))))"#;
    let mut store = host.store();
    let instances =
        modules(&host, &[("app", app), ("math", math)]).instantiate(&mut store, &host.linker).unwrap();
    assert_eq!(call(&mut store, instances["app"], "run"), 8);
    // The linker itself is as it was.
    let error = check_imports(&mut store, &host.linker, &host.module(app)).unwrap_err();
    assert!(error.to_string().contains("`math.double` is missing"), "{error}");
}

#[test]
fn a_module_goes_before_what_the_linker_offers_under_its_name() {
    let host = host();
    let random = r#"(module (func (export "host_random") (result i32) (i32.const 99)))"#;
    let app = r#"(module (import "env" "host_random" (func $random (result i32)))
        (import "env" "mark" (func $mark))
        (func (export "run") (result i32) (call $mark) (call $random)))"#;
    let mut store = host.store();
    let instances =
        modules(&host, &[("env", random), ("app", app)]).instantiate(&mut store, &host.linker).unwrap();
    assert_eq!(call(&mut store, instances["app"], "run"), 99);
    // What the module does not export still comes from the linker.
    assert_eq!(store.data().lines, ["ran"]);
}

const MARKS: &str = r#"(module (import "env" "mark" (func $mark)) (start $mark) (func (export "f")))"#;

#[test]
fn nothing_runs_where_any_import_of_any_module_is_missing() {
    let host = host();
    let mut store = host.store();
    let last = r#"(module (import "first" "f" (func)) (import "first" "g" (func)))"#;
    let error = modules(&host, &[("first", MARKS), ("last", last)])
        .instantiate(&mut store, &host.linker)
        .unwrap_err();
    assert!(error.to_string().contains("`first.g` is missing: func(); did you mean `first.f`?"), "{error}");
    assert!(store.data().lines.is_empty());
    // And where nothing is missing, it does run.
    modules(&host, &[("first", MARKS)]).instantiate(&mut store, &host.linker).unwrap();
    assert_eq!(store.data().lines, ["ran"]);
}

#[test]
fn a_start_function_that_traps_is_told_with_its_module_and_its_cause() {
    let host = host();
    let bad = r#"(module (import "first" "f" (func)) (func $boom unreachable) (start $boom))"#;
    let mut store = host.store();
    let error =
        modules(&host, &[("first", MARKS), ("bad", bad)]).instantiate(&mut store, &host.linker).unwrap_err();
    assert_eq!(error.to_string(), "module `bad` cannot be instantiated");
    let mut cause = error.source();
    let mut causes = Vec::new();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    assert!(causes.iter().any(|cause| cause.contains("unreachable")), "{causes:?}");
    let LinkError::Instantiate { name, error } = error else { panic!("{error:?}") };
    assert_eq!((&*name, error.downcast_ref::<Trap>()), ("bad", Some(&Trap::UnreachableCodeReached)));
}

#[test]
fn a_fault_knows_what_ended_a_start_function_among_modules() {
    let host = host();
    let fault = |bad: &str| {
        let modules = modules(&host, &[("bad", bad)]);
        let fault =
            guard(&mut host.store(), |store| Ok(modules.instantiate(store, &host.linker)?)).unwrap_err();
        check_text(&fault);
        fault
    };
    let trapped = fault("(module (func $boom unreachable) (start $boom))");
    assert_eq!(*trapped.kind(), FaultKind::Trap(Trap::UnreachableCodeReached));
    assert_eq!(trapped.trap(), Some(Trap::UnreachableCodeReached));
    assert_eq!(trapped.backtrace()[0].function.as_deref(), Some("boom"));

    let spun = fault("(module (func $spin (loop (br 0))) (start $spin))");
    assert_eq!(*spun.kind(), FaultKind::Budget(Exceeded::Fuel { allowed: 1_000_000 }));

    let missing = fault(r#"(module (import "env" "host_lgo" (func (param i32 i32))))"#);
    assert_eq!(*missing.kind(), FaultKind::Host);
    assert!(missing.to_string().contains("did you mean `env.host_log`?"), "{missing}");
    assert!(missing.error().downcast_ref::<LinkError>().is_some());
}

#[test]
fn a_flood_of_imports_is_told_in_a_page() {
    let imports: String = (0..5_000).map(|n| format!("(import \"env\" \"host_lo{n}\" (func))")).collect();
    let (problems, text) = problems(&format!("(module {imports})"));
    assert_eq!(problems.len(), 5_000);
    assert!(text.contains("and 4900 more") && text.lines().count() < 110, "{text}");
}

#[test]
fn names_that_a_guest_chose_stay_short_and_draw_nothing() {
    let name = format!("\\1b[2J\\0a  offered: {}", "x".repeat(90_000));
    let (problems, text) = problems(&format!(r#"(module (import "env" "{name}" (func)))"#));
    assert!(problems[0].name.len() > 90_000);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    assert!(text.len() < 1_000 && text.lines().count() == 3, "{text}");
}

#[test]
fn a_flood_of_similar_names_is_compared_quickly() {
    let host = host();
    let exports: String = (0..50_000).map(|n| format!("(export \"{n:0>100}\" (func 0))")).collect();
    let imports: String = (0..100).map(|n| format!("(import \"many\" \"{n:x>100}\" (func))")).collect();
    let (many, app) = (format!("(module (func) {exports})"), format!("(module {imports})"));
    let modules = modules(&host, &[("many", &many), ("app", &app)]);
    let start = std::time::Instant::now();
    let error = modules.instantiate(host.store(), &host.linker).unwrap_err();
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    assert!(matches!(error, LinkError::Imports { .. }), "{error:?}");
}

#[test]
fn a_thousand_modules_are_ordered_quickly() {
    let host = host();
    let name = |n: usize| format!("m{n:04}");
    // Each imports from the next, the worst order there is, and the first a great deal.
    let mut all: Vec<_> = (0..1_000).map(|n| (name(n), importing(&[&name(n + 1)]))).collect();
    all[0].1 = importing(&vec!["m0999"; 20_000]).replacen("m0999", "m0001", 1);
    let all: Vec<_> = all.iter().map(|(name, wat)| (name.as_str(), wat.as_str())).collect();
    let modules = modules(&host, &all);
    let start = std::time::Instant::now();
    let order = modules.order().unwrap();
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    assert_eq!((order.len(), order[0], order[999]), (1_000, "m0999", "m0000"));
}
