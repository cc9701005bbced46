//! What is no guest, or not the one the host thinks: each is a typed error that names the thing.

use host_core::{
    CompileError, Export, FaultKind, InputError, InvokeError, LinkError, check_imports, compile_module,
    guard, invoke, parse_arguments,
};
use host_limits::Limits;
use wasmtime::{Trap, Val};

use crate::{Host, check_text};

fn host() -> Host {
    Host::new(Limits::untrusted())
}

fn refused(bytes: &[u8]) -> CompileError {
    compile_module(&host().engine, bytes).unwrap_err()
}

#[test]
fn wrong_magic() {
    let error = refused(b"\x89PNG\r\n\x1a\n");
    assert!(matches!(error, CompileError::Input(InputError::NotWasm { .. })), "{error:?}");
    assert!(error.to_string().contains(r#"begins with "\x89PNG"#), "{error}");
}

#[test]
fn a_truncated_file() {
    let whole = fixtures::bytes("add");
    let error = refused(&whole[..whole.len() / 2]);
    assert!(
        matches!(error, CompileError::Truncated { length, .. } if length == whole.len() / 2),
        "{error:?}"
    );
}

#[test]
fn a_component_instead_of_a_module() {
    let error = refused(&fixtures::bytes("plugins/greeter"));
    assert!(matches!(error, CompileError::Input(InputError::WrongKind { .. })), "{error:?}");
    assert!(error.to_string().contains("this is a component"), "{error}");
}

#[test]
fn sections_in_an_unknown_order() {
    let error = refused(b"\0asm\x01\0\0\0\x07\x01\x00\x01\x01\x00");
    assert!(matches!(error, CompileError::Invalid { offset: 13, .. }), "{error:?}");
    assert!(error.to_string().contains("section out of order"), "{error}");
}

#[test]
fn an_import_of_a_host_function_with_another_type() {
    let host = host();
    let module = host.module(r#"(module (import "env" "host_log" (func (param i64))))"#);
    let error = check_imports(host.unarmed(), &host.linker, &module).unwrap_err();
    assert!(matches!(error, LinkError::Imports { .. }));
    let text = error.to_string();
    assert!(
        text.contains("`env.host_log` has another type: wanted func(i64), offered func(i32, i32)"),
        "{text}"
    );
}

#[test]
fn an_export_that_is_no_function() {
    let host = host();
    let mut store = host.store();
    let module = host.module(r#"(module (memory (export "run") 1))"#);
    let instance = guard(&mut store, |store| host.linker.instantiate(store, &module)).unwrap().value;
    let error = Export::<(), ()>::find(&mut store, &instance, "run").unwrap_err();
    assert_eq!(error, parse_arguments(&module, "run", &[""; 0]).unwrap_err());
    assert!(matches!(&error, InvokeError::NotAFunction { name, .. } if name == "run"), "{error:?}");
}

#[test]
fn a_wrong_number_or_type_of_arguments() {
    let host = host();
    let mut store = host.store();
    let module = host.module(r#"(module (func (export "run") (param i32)))"#);
    let instance = guard(&mut store, |store| host.linker.instantiate(store, &module)).unwrap().value;
    for (arguments, says) in [
        (&[][..], "`run` takes 1 arguments (i32), but 0 were given"),
        (&[Val::F32(0)], "argument 1 of `run`: `0` is not a value of type i32"),
    ] {
        let fault = guard(&mut store, |store| invoke(store, &instance, "run", arguments)).unwrap_err();
        assert!(fault.error().is::<InvokeError>());
        assert_eq!(fault.to_string(), format!("host: {says}"));
    }
    assert!(matches!(parse_arguments(&module, "run", &["one"]), Err(InvokeError::Value { position: 1, .. })));
}

#[test]
fn a_start_function_that_traps() {
    let fault = host()
        .run(r#"(module (func $init unreachable) (start $init) (func (export "run") (result i32) (i32.const 1)))"#)
        .unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Trap(Trap::UnreachableCodeReached));
    assert!(fault.to_string().contains(", in init"), "{fault}");
    check_text(&fault);
}

#[test]
fn a_memory_export_that_is_missing() {
    let fault = host()
        .run(
            r#"(module (import "env" "host_log" (func $log (param i32 i32))) (memory 1)
                (func (export "run") (result i32) (call $log (i32.const 0) (i32.const 0)) (i32.const 1)))"#,
        )
        .unwrap_err();
    assert!(matches!(fault.kind(), FaultKind::BadArgument(_)), "{fault:?}");
    assert!(fault.to_string().contains("`memory`"), "{fault}");
    check_text(&fault);
}
