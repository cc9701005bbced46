//! WASI commands of both generations on a runtime, and exports of core modules by name.

use host_plugins::host_core::{FaultKind, Profile};
use host_plugins::host_limits::{Exceeded, Limits};
use host_plugins::host_wasi::{Access, Grants, Output, Stdin};
use host_plugins::{CommandError, LoadError, Runtime};

use crate::limits;

fn runtime(limits: &Limits) -> Runtime {
    Runtime::new(Profile::Untrusted, limits, None).unwrap()
}

fn grants(arguments: &[&str]) -> Grants {
    Grants::default()
        .args(arguments.iter().copied())
        .env("COLOUR", "blue")
        .stdin(Stdin::Text("hello".into()))
        .stdout(Output::Capture(1 << 16))
}

#[tokio::test]
async fn both_generations_read_what_they_are_granted() {
    let limits = limits();
    let runtime = runtime(&limits);
    for name in ["p1-command", "p2-command"] {
        let program = runtime.prepare(&fixtures::bytes(name)).unwrap();
        let outcome = runtime.run_command(&program, &limits, &grants(&["me", "--stdin"])).await.unwrap();
        let said = String::from_utf8(outcome.captured.stdout).unwrap();
        assert_eq!(outcome.value, 0, "{name}");
        for fact in ["arg 0 me", "arg 1 --stdin", "env COLOUR=blue", "stdin 5 bytes hello"] {
            assert!(said.lines().any(|line| line == fact), "{name}: {fact}: {said}");
        }
    }
}

#[tokio::test]
async fn exit_codes() {
    let limits = limits();
    let runtime = runtime(&limits);
    for (name, asked, code) in
        [("p1-command", "3", 3), ("p1-command", "0", 0), ("p2-command", "3", 1), ("p2-command", "0", 0)]
    {
        let program = runtime.prepare(&fixtures::bytes(name)).unwrap();
        let grants = grants(&["me", &format!("--exit={asked}")]);
        let outcome = runtime.run_command(&program, &limits, &grants).await.unwrap();
        assert_eq!(outcome.value, code, "{name} {asked}");
    }
}

#[tokio::test]
async fn a_sleeping_command_meets_its_deadline() {
    let deadline = std::time::Duration::from_millis(100);
    let limits = Limits { deadline, ..limits() };
    let runtime = runtime(&limits);
    for name in ["p1-command", "p2-command"] {
        let program = runtime.prepare(&fixtures::bytes(name)).unwrap();
        let result = runtime.run_command(&program, &limits, &grants(&["me", "--sleep=3600000"])).await;
        let Err(CommandError::Fault(stopped)) = result else { panic!("{name}: {result:?}") };
        assert_eq!(*stopped.fault.kind(), FaultKind::Budget(Exceeded::Deadline { allowed: deadline }));
    }
}

#[tokio::test]
async fn what_is_no_command_says_how_to_call_it() {
    let limits = limits();
    let runtime = runtime(&limits);
    for name in ["add", "plugins/greeter"] {
        let program = runtime.prepare(&fixtures::bytes(name)).unwrap();
        let error = runtime.run_command(&program, &limits, &Grants::default()).await.unwrap_err();
        assert!(matches!(error, CommandError::NotACommand { .. }), "{error}");
    }
}

#[tokio::test]
async fn exports_of_core_modules_are_called_by_name() {
    let limits = limits();
    let runtime = runtime(&limits);
    let program = runtime.prepare(&fixtures::bytes("add")).unwrap();
    let invoke = async |export: &str, arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        runtime.invoke(&program, export, &arguments, &limits, &Grants::default()).await
    };
    assert_eq!(invoke("add", &["2", "3"]).await.unwrap().value, ["5"]);
    for (export, arguments) in [("ad", &["2", "3"][..]), ("add", &["2"]), ("add", &["2", "x"])] {
        let error = invoke(export, arguments).await.unwrap_err();
        assert!(matches!(error, CommandError::Invoke(_)), "{error}");
    }
}

#[test]
fn all_missing_imports_of_a_module_are_named() {
    let runtime = runtime(&limits());
    let Err(error) = runtime.prepare(&fixtures::bytes("host-imports")) else { panic!("nobody offers `env`") };
    assert!(matches!(error, LoadError::Link(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains("env.host_log") && text.contains("env.host_random"), "{text}");
    assert!(text.contains("offered: wasi_snapshot_preview1."), "{text}");
}

#[tokio::test]
async fn a_guest_that_opens_files_for_ever_runs_out_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits { resources: 20, ..limits() };
    let runtime = runtime(&limits);
    let wasm = wat::parse_str(
        r#"(module
            (import "wasi_snapshot_preview1" "path_open"
                (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 16) ".")
            (func (export "_start") (loop
                (drop (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 2)
                    (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0)))
                (br 0))))"#,
    )
    .unwrap();
    let program = runtime.prepare(&wasm).unwrap();
    let grants = Grants::default().directory(directory.path(), "data", Access::ReadOnly);
    let result = runtime.run_command(&program, &limits, &grants).await;
    let Err(CommandError::Fault(stopped)) = result else { panic!("{result:?}") };
    assert_eq!(*stopped.fault.kind(), FaultKind::Budget(Exceeded::Resources { allowed: 20 }));
}

#[tokio::test]
async fn a_start_of_another_type_is_no_fault_of_the_host() {
    let limits = limits();
    let runtime = runtime(&limits);
    for text in [
        "(module (func (export \"_start\") (param i32)))",
        "(module (func (export \"_start\") (result i32) (i32.const 0)))",
        "(module (memory (export \"_start\") 1))",
    ] {
        let program = runtime.prepare(&wat::parse_str(text).unwrap()).unwrap();
        let error = runtime.run_command(&program, &limits, &grants(&[])).await.unwrap_err();
        assert!(matches!(error, CommandError::NotACommand { .. }), "{text}: {error}");
    }
}
