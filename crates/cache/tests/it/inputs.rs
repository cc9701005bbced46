//! What is not WebAssembly, or not the right kind, is refused with its name and leaves nothing in the cache.

use host_cache::{CompileError, Kind, ModuleCache};
use wasmtime::{Config, Engine};

use crate::support::Fixture;
use crate::support::guest::{component, module, modules};

fn check(input: &[u8], expect: impl Fn(&CompileError) -> bool) {
    let fixture = Fixture::new();
    let modules: ModuleCache = modules(&fixture, &Engine::default());
    let error = modules.module(input).map(|_| ()).unwrap_err();
    assert!(expect(&error), "{error:?}");
    assert!(fixture.files().is_empty());
    assert_eq!(modules.cache().stats().published, 0);
}

#[test]
fn no_webassembly() {
    for input in [&b""[..], b"\0", b"\0as", b"\0asm", b"\0asm\x01\0\0", b"hello", b"\x7fELF", &[0xff; 100]] {
        check(input, |error| matches!(error, CompileError::NotWasm { begin } if input.starts_with(begin)));
    }
}

/// Other crates of a program may switch on Wasmtime's text parser; that must not change what is accepted.
#[test]
fn text_is_for_the_caller_to_convert() {
    check(b"(module)", |error| {
        matches!(error, CompileError::NotWasm { .. }) && error.to_string().contains("convert it first")
    });
}

#[test]
fn code_in_place_of_webassembly() {
    let engine = Engine::default();
    let code = engine.precompile_module(&module(1)).unwrap();
    check(&code, |error| matches!(error, CompileError::Precompiled { kind: Kind::Module }));
    let code = engine.precompile_component(&component(1)).unwrap();
    check(&code, |error| matches!(error, CompileError::Precompiled { kind: Kind::Component }));
    let file = host_cache::compile_ahead(&engine, &component(1)).unwrap();
    check(&file, |error| matches!(error, CompileError::Precompiled { kind: Kind::Component }));
}

#[test]
fn a_component_where_a_module_is_needed_and_back() {
    check(&component(1), |error| {
        matches!(error, CompileError::WrongKind { expected: Kind::Module, found: Kind::Component })
    });
    let fixture = Fixture::new();
    let error = modules(&fixture, &Engine::default()).component(&module(1)).unwrap_err();
    assert_eq!(error.to_string(), "a component is needed, but the input is a module");
}

#[test]
fn truncated_and_invalid_webassembly() {
    let whole = module(1);
    // Not at any length: whole sections are a module too.
    for length in [9, whole.len() / 2, whole.len() - 1] {
        check(&whole[..length], |error| matches!(error, CompileError::Compile { kind: Kind::Module, .. }));
    }
    // A version of the format that does not exist.
    check(b"\0asm\x63\0\0\0", |error| matches!(error, CompileError::Compile { .. }));
}

#[test]
fn the_cause_is_in_the_source_and_not_in_the_message() {
    let error = modules(&Fixture::new(), &Engine::default()).module(b"\0asm\x01\0\0\0garbage").unwrap_err();
    assert_eq!(error.to_string(), "cannot compile the module");
    assert!(std::error::Error::source(&error).is_some());
}

/// The engine can compile but not load: an error on the first and the second call, and never something that runs.
#[cfg(target_arch = "x86_64")]
#[test]
fn an_engine_for_another_platform() {
    let mut config = Config::new();
    // The same processor, so that the code generator is there; another system.
    config.target("x86_64-pc-windows-msvc").unwrap();
    let engine = Engine::new(&config).unwrap();
    let fixture = Fixture::new();
    let modules = modules(&fixture, &engine);
    for _ in 0..2 {
        let error = modules.module(&module(1)).map(|_| ()).unwrap_err();
        assert!(matches!(error, CompileError::Load { .. }), "{error:?}");
    }
}
