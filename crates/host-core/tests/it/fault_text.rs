//! The full form of a fault, and what machines read.

use host_core::{Denied, Exit, Fault, Profile};
use host_limits::Limits;
use serde_json::{Value, json};
use wasmtime::Module;

use crate::{Host, check_text};

const PAST: &str = r#"(module $app (memory 1)
    (func $inner (result i32) (i32.load (i32.const 65536)))
    (func $outer (export "run") (result i32) (call $inner)))"#;

fn calling(error: fn() -> wasmtime::Error) -> Fault {
    let mut host = Host::new(Limits::untrusted());
    host.linker.func_wrap("host", "call", move || Err::<(), _>(error())).unwrap();
    let wat = r#"(module (import "host" "call" (func $call)) (func (export "run") (result i32) (call $call) (i32.const 1)))"#;
    host.run(wat).unwrap_err()
}

#[test]
fn the_full_form_tells_causes_stack_and_spending() {
    let fault = Host::new(Limits::untrusted()).run(PAST).unwrap_err();
    check_text(&fault);
    let text = format!("{fault:#}");
    let lines: Vec<&str> = text.lines().collect();
    let [first, because, inner, outer, spent] = lines.as_slice() else { panic!("{text}") };
    assert_eq!(*first, fault.to_string());
    assert_eq!(*because, "  because: memory fault at wasm address 0x10000 in linear memory of size 0x10000");
    assert!(inner.starts_with("  at inner (app+0x"), "{text}");
    assert!(outer.starts_with("  at outer (app+0x"), "{text}");
    assert!(spent.starts_with("  spent: ") && spent.ends_with(", 64KiB of memory at most"), "{text}");
    assert!(spent.contains(" of fuel, "), "{text}");
}

#[test]
fn the_full_form_has_files_and_lines_where_the_guest_has_them() {
    let host = Host::with_profile(Profile::Development, Limits::untrusted());
    let module = Module::new(&host.engine, fixtures::bytes("backtrace")).unwrap();
    let fault = host.run_in(&mut host.store(), &module).unwrap_err();
    let text = format!("{fault:#}");
    for name in ["inner", "middle", "outer"] {
        let line = text.lines().find(|line| line.contains(name) && line.starts_with("  at "));
        assert!(line.is_some_and(|line| line.contains("lib.rs:")), "{text}");
    }
}

#[test]
fn the_full_form_tells_each_cause_once() {
    let fault =
        calling(|| wasmtime::Error::msg("disk full").context("cannot save").context("cannot\nanswer"));
    let text = format!("{fault:#}");
    assert!(text.starts_with("host: cannot answer: cannot save: disk full\n"), "{text}");
    assert_eq!(text.matches("disk full").count(), 1, "{text}");
    // What Wasmtime attaches would be many lines more.
    assert!(!text.contains("error while executing") && !text.contains("wasm backtrace"), "{text}");
}

#[test]
fn a_core_dump_that_was_taken_is_not_printed() {
    let mut config = Profile::Untrusted.config();
    config.coredump_on_trap(true);
    let mut host = Host::with_config(config, Limits::untrusted());
    host.linker.func_wrap("env", "fail", || Err::<(), _>(wasmtime::Error::msg("disk full"))).unwrap();
    let fault = host
        .run(
            r#"(module (import "env" "fail" (func $f)) (func (export "run") (result i32) (call $f) (i32.const 1)))"#,
        )
        .unwrap_err();
    assert_eq!(fault.to_string(), "host: disk full");
    assert!(!format!("{fault:#}").contains("coredump"), "{fault:#}");
}

/// The fault as JSON, with what differs from run to run put aside.
fn machine(fault: &Fault) -> Value {
    let mut value = serde_json::to_value(fault).unwrap();
    let usage = value["usage"].take();
    assert!(usage["elapsed"].is_string() && usage["fuel"].is_u64(), "{usage}");
    for frame in value["backtrace"].as_array_mut().unwrap() {
        assert!(frame["offset"].take().is_u64());
    }
    value
}

#[test]
fn machines_read_a_trap() {
    let fault = Host::new(Limits::untrusted()).run(PAST).unwrap_err();
    let frame = |function: &str| json!({ "function": function, "module": "app", "file": null, "line": null, "offset": null });
    assert_eq!(
        machine(&fault),
        json!({
            "who": "guest",
            "kind": "trap",
            "message": fault.to_string(),
            "trap": "memory-out-of-bounds",
            "backtrace": [frame("inner"), frame("outer")],
            "usage": null,
        })
    );
}

#[test]
fn machines_read_exits_denials_and_budgets() {
    let exit = machine(&calling(|| Exit(3).into()));
    assert_eq!(exit["who"], "guest");
    assert_eq!(exit["kind"], "exit");
    assert_eq!(exit["exit_code"], 3);
    assert_eq!(exit.get("trap"), None);

    let denied = machine(&calling(|| Denied::new("asking the time", "clocks").into()));
    assert_eq!((&denied["who"], &denied["kind"]), (&json!("denied"), &json!("denied")));
    assert_eq!(denied["grant"], "clocks");

    let host = Host::new(Limits { fuel: Some(1_000), ..Limits::untrusted() });
    let spins = r#"(module (func (export "run") (result i32) (loop (br 0)) (i32.const 1)))"#;
    let budget = machine(&host.run(spins).unwrap_err());
    assert_eq!((&budget["who"], &budget["kind"]), (&json!("budget"), &json!("budget")));
    assert_eq!((&budget["budget"], &budget["trap"]), (&json!("fuel"), &json!("out-of-fuel")));

    let limits = Limits { table_elements: 10, ..Limits::untrusted() };
    let large = r#"(module (table 11 funcref) (func (export "run") (result i32) (i32.const 1)))"#;
    let budget = serde_json::to_value(Host::new(limits).run(large).unwrap_err()).unwrap();
    assert_eq!(budget["budget"], "table-elements");
    assert_eq!(budget.get("trap"), None);
}
