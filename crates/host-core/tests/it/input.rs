//! Bytes that are no guest, and exports that are not there.

use host_core::{FaultKind, InputError, InputKind, guard};
use host_limits::Limits;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use crate::{Host, check_text};

#[test]
fn built_guests_are_what_they_are() {
    for (name, kind) in [
        ("add", InputKind::Module),
        ("app", InputKind::Module),
        ("p1-command", InputKind::Module),
        ("p2-command", InputKind::Component),
        ("plugins/greeter", InputKind::Component),
    ] {
        assert_eq!(InputKind::of(&fixtures::bytes(name)), Ok(kind), "{name}");
    }
}

#[test]
fn every_bad_input_says_what_it_is_and_what_to_do() {
    let compiled = Engine::default().precompile_module(b"(module)").unwrap();
    for (bytes, says) in [
        (&b""[..], "is empty; give a WebAssembly binary"),
        (b"\0as", "ends after 3 of the 8 bytes"),
        (b"\0asm\x01\0\0", "ends after 7 of the 8 bytes"),
        (b"MZ\x90\0\x03\0\0\0\x04", r#"begins with "MZ\x90\x00\x03\x00\x00\x00""#),
        (b"<!DOCTYPE html>", "begins with \"<!DOCTYP\" instead of \"\\x00asm\""),
        (b"(module)", "WebAssembly text; make a binary"),
        (b"\0asm\x01\0\x01\0", "unknown kind (version 1, layer 1)"),
        (b"\0asm\x02\0\0\0", "unknown kind (version 2, layer 0)"),
        (&compiled, "precompiled native code"),
    ] {
        let error = InputKind::of(bytes).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains(char::is_control), "{error}");
    }
}

#[test]
fn a_component_is_no_module_and_the_other_way_round() {
    let component = InputKind::of(&fixtures::bytes("plugins/greeter")).unwrap();
    component.expect(InputKind::Component).unwrap();
    let error = component.expect(InputKind::Module).unwrap_err();
    let (wanted, found) = (InputKind::Module, InputKind::Component);
    assert_eq!(error, InputError::WrongKind { wanted, found });
    assert!(error.to_string().contains("a core module is needed, but this is a component"), "{error}");
    assert!(error.to_string().contains("wasm32-wasip1"), "{error}");

    let module = InputKind::of(&fixtures::bytes("add")).unwrap();
    let error = module.expect(InputKind::Component).unwrap_err();
    assert!(error.to_string().contains("a component is needed, but this is a core module"), "{error}");
    assert!(error.to_string().contains("wasm-tools component new"), "{error}");
}

/// The kind agrees with what Wasmtime takes.
#[test]
fn wasmtime_takes_what_the_kind_says_and_nothing_else() {
    let engine = Host::new(Limits::untrusted()).engine;
    for name in ["add", "plugins/greeter"] {
        let bytes = fixtures::bytes(name);
        let kind = InputKind::of(&bytes).unwrap();
        assert_eq!(Module::new(&engine, &bytes).is_ok(), kind == InputKind::Module, "{name}");
        assert_eq!(Component::new(&engine, &bytes).is_ok(), kind == InputKind::Component, "{name}");
    }
}

#[test]
fn a_guest_that_was_cut_off_is_refused_with_a_reason() {
    let host = Host::new(Limits::untrusted());
    let whole = fixtures::bytes("add");
    for length in [9, whole.len() / 2, whole.len() - 1] {
        let cut = &whole[..length];
        // The header does not tell.
        assert_eq!(InputKind::of(cut), Ok(InputKind::Module));
        let error = Module::new(&host.engine, cut).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("unexpected end") || text.contains("(at offset"), "{length}: {text}");
    }
}

#[test]
fn an_export_that_is_not_there_or_of_another_type() {
    let host = Host::new(Limits::untrusted());
    let module = Module::new(&host.engine, fixtures::bytes("add")).unwrap();
    let fault = |name: &str| {
        let fault = guard(&mut host.store(), |store| {
            let instance = host.linker.instantiate(&mut *store, &module)?;
            instance.get_typed_func::<(i32, i64), i32>(&mut *store, name)?.call(store, (1, 2))
        })
        .unwrap_err();
        assert_eq!(*fault.kind(), FaultKind::Host);
        check_text(&fault);
        fault.to_string()
    };
    let missing = fault("sub");
    assert!(missing.contains("failed to find function export `sub`"), "{missing}");
    let wrong = fault("add");
    assert!(wrong.contains("`add`") && wrong.contains("type mismatch"), "{wrong}");
    assert!(wrong.contains("i32") && wrong.contains("i64"), "{wrong}");
}
