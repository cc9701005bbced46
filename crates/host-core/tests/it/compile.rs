//! Why bytes did not become a module.

use host_core::{CompileError, InputError, Profile, compile_module};
use host_limits::{Limits, Proposal};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

fn engine(mut config: Config) -> Engine {
    Engine::new(Limits::untrusted().configure(&mut config)).unwrap()
}

fn untrusted() -> Engine {
    engine(Profile::Untrusted.config())
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn a_guest_becomes_a_module() {
    let module = compile_module(&untrusted(), &fixtures::bytes("add")).unwrap();
    assert!(module.get_export("add").is_some());
}

#[test]
fn a_module_may_be_cut_off_anywhere() {
    let engine = untrusted();
    let whole = wat(r#"(module (memory 1) (data (i32.const 0) "abc")
        (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#);
    compile_module(&engine, &whole).unwrap();
    let mut truncated = 0;
    for length in 0..whole.len() {
        match compile_module(&engine, &whole[..length]) {
            // Between two sections, and nothing that is left asks for what is gone.
            Ok(_) | Err(CompileError::Invalid { .. }) => {}
            Err(CompileError::Truncated { length: told, .. }) => {
                assert_eq!(told, length);
                truncated += 1;
            }
            Err(CompileError::Input(InputError::Empty | InputError::Truncated { .. })) => assert!(length < 8),
            Err(error) => panic!("{length}: {error:?}"),
        }
    }
    assert!(truncated > whole.len() / 2, "{truncated} of {}", whole.len());
    let error = compile_module(&engine, &whole[..whole.len() - 1]).unwrap_err();
    let says = format!("the module ends too early, after {} bytes; build or copy it again", whole.len() - 1);
    assert_eq!(error.to_string(), says);
}

#[test]
fn what_is_not_valid_says_where() {
    let engine = untrusted();
    for (sections, offset, says) in [
        // An export section before the types.
        (&b"\x07\x01\x00\x01\x01\x00"[..], 13, "section out of order"),
        // A section that does not exist.
        (b"\x7f\x00", 10, "malformed section id: 127"),
        // A type that is none.
        (b"\x01\x02\x01\x11", 11, "invalid leading byte"),
        // More functions than bodies.
        (b"\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00", 18, "code section is absent"),
    ] {
        let bytes = [b"\0asm\x01\0\0\0", sections].concat();
        let error = compile_module(&engine, &bytes).unwrap_err();
        let CompileError::Invalid { message, offset: found } = &error else { panic!("{says}: {error:?}") };
        assert!(message.contains(says), "{error}");
        assert_eq!(*found, offset, "{error}");
        assert!(error.to_string().ends_with(&format!("(at offset {offset:#x})")), "{error}");
    }
}

#[test]
fn code_that_is_not_valid_says_where() {
    let bytes = wat(r#"(module (func (result i32) (i64.const 1)))"#);
    let error = compile_module(&untrusted(), &bytes).unwrap_err();
    let CompileError::Invalid { message, offset } = &error else { panic!("{error:?}") };
    assert!(message.contains("type mismatch: expected i32, found i64"), "{message}");
    assert!((8..bytes.len() as u64).contains(offset), "{offset}");
}

#[test]
fn a_proposal_that_is_off_is_named() {
    for (text, proposal) in [
        ("(module (memory i64 1))", Proposal::Memory64),
        ("(module (memory 1) (memory 1))", Proposal::MultiMemory),
        ("(module (type (struct)))", Proposal::Gc),
        ("(module (tag))", Proposal::Exceptions),
    ] {
        let error = compile_module(&untrusted(), &wat(text)).unwrap_err();
        let CompileError::Proposal { proposal: found, .. } = &error else { panic!("{text}: {error:?}") };
        assert_eq!(*found, proposal, "{text}");
        assert!(error.to_string().contains(&format!("the proposal `{proposal}`")), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }
    let mut config = Profile::Untrusted.config();
    config.wasm_simd(false).wasm_relaxed_simd(false);
    let simd = wat("(module (func (drop (v128.const i64x2 0 0))))");
    let error = compile_module(&engine(config), &simd).unwrap_err();
    assert!(matches!(error, CompileError::Proposal { proposal: Proposal::Simd, .. }), "{error:?}");
}

#[test]
fn what_does_not_fit_into_the_pool_names_both_sides() {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(1)
        .total_memories(2)
        .max_memories_per_module(1)
        .total_tables(1)
        .max_memory_size(1 << 20)
        .table_elements(10)
        .max_core_instance_size(8_192);
    let mut config = Profile::Development.config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = engine(config);
    let globals = "(global i64 (i64.const 0))".repeat(1_000);
    for (text, sides) in [
        ("(memory 17)".to_owned(), ["1114112", "0x100000"]),
        ("(memory 1) (memory 1)".to_owned(), ["2", "1"]),
        ("(table 11 funcref)".to_owned(), ["11", "10"]),
        ("(table 1 funcref) (table 1 funcref)".to_owned(), ["2", "1"]),
        (globals, ["requires", "8192"]),
    ] {
        let error = compile_module(&engine, &wat(&format!("(module {text})"))).unwrap_err();
        let CompileError::Pool { message, .. } = &error else { panic!("{text}: {error:?}") };
        assert!(sides.iter().all(|side| message.contains(side)), "{message}");
        assert!(error.to_string().contains("PoolingAllocationConfig"), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn what_the_first_bytes_tell_is_told() {
    let engine = untrusted();
    let native = engine.precompile_module(b"(module)").unwrap();
    for (bytes, says) in [
        (&b""[..], "the input is empty"),
        (b"\0as", "ends after 3 of the 8 bytes"),
        (b"GIF89a\0\0", "is not WebAssembly"),
        (b"(module)", "WebAssembly text"),
        (b"\0asm\x0d\0\x01\0", "a core module is needed, but this is a component"),
        (&native, "precompiled native code"),
    ] {
        let error = compile_module(&engine, bytes).unwrap_err();
        assert!(matches!(error, CompileError::Input(_)), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
}
