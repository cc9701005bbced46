//! Core modules that are made components: the same programs, reactors, and input that is no module.

use host_wasi::adapt::{AdaptError, MOST_WORLD, component_from_module};
use host_wasi::{Access, Grants, Output, Stdin, Wasi, exit_code, p2};
use wasmtime::component::{Component, Linker};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::command::{ENGINE, Ended, Form, run, run_component, store};

/// The binary form of a module.
fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn error(text: &str) -> AdaptError {
    component_from_module(&module(text)).unwrap_err()
}

/// The module `text` with the world of `wit` in it.
fn with_world(text: &str, wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("world.wit", wit).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    let mut wasm = module(text);
    embed_component_metadata(&mut wasm, &resolve, world, StringEncoding::UTF8).unwrap();
    wasm
}

#[test]
fn a_program_does_the_same_as_a_module_and_as_a_component() {
    let component = component_from_module(&fixtures::bytes("p1-command")).unwrap();
    let component = Component::new(&ENGINE, component).unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("in.txt"), "contents").unwrap();
    let lines: [&[&str]; 7] = [
        &[],
        &["one", "--stdin"],
        &["--read=/d/in.txt", "--write=/d/out.txt"],
        &["--read=/d/../../etc/passwd", "--write=/elsewhere"],
        &["--exit=0"],
        &["--exit=1"],
        &["--panic"],
    ];
    for args in lines {
        let grants = || {
            let grants = Grants::default().env("NAME", "value").stdin(Stdin::Text("typed".to_owned()));
            grants.directory(directory.path(), "/d", Access::ReadWrite).stdout(Output::Capture(1 << 20))
        };
        let code = |ended: &Ended| ended.result.as_ref().copied().map_err(exit_code);
        let as_module = run(Form::P1, grants(), args);
        let all = grants().args(["command"]).args(args.iter().copied());
        let as_component = run_component(&component, Wasi::new(&all).unwrap());
        assert_eq!(as_component.stdout(), as_module.stdout(), "{args:?}");
        assert_eq!(code(&as_component), code(&as_module), "{args:?}");
    }
}

#[test]
fn a_component_is_little_larger_than_its_module() {
    let module = fixtures::bytes("p1-command");
    let size = component_from_module(&module).unwrap().len();
    assert!((module.len()..module.len() + (64 << 10)).contains(&size), "{size} of {}", module.len());
}

/// Counts in memory; its start is the `_initialize` of a reactor. It asks WASI 0.1 how many arguments there are.
const REACTOR: &str = r#"(module
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_initialize") (i32.store (i32.const 8) (i32.const 40)))
    (func (export "count") (result i32)
        (drop (call $sizes (i32.const 0) (i32.const 4)))
        (i32.add (i32.load (i32.const 8)) (i32.load (i32.const 0)))))"#;

const COUNTER: &str = "package my:counter; world counter { export count: func() -> u32; }";

#[test]
fn a_reactor_exports_its_world_and_is_initialised() {
    let component = component_from_module(&with_world(REACTOR, COUNTER)).unwrap();
    let component = Component::new(&ENGINE, component).unwrap();
    let mut linker = Linker::new(&ENGINE);
    p2::add_to_linker_sync(&mut linker).unwrap();
    let mut store = store(Wasi::new(&Grants::default().args(["a", "b"])).unwrap());
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let count = instance.get_typed_func::<(), (u32,)>(&mut store, "count").unwrap();
    assert_eq!(count.call(&mut store, ()).unwrap(), (42,));
}

#[test]
fn a_command_keeps_its_world() {
    let command = r#"(module
        (import "my:app/log" "log" (func $log (param i32 i32)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "_start") (call $log (i32.const 0) (i32.const 0))))"#;
    let world = "package my:app; interface log { log: func(line: string); } world app { import log; }";
    let component =
        Component::new(&ENGINE, component_from_module(&with_world(command, world)).unwrap()).unwrap();
    let names = |items: Vec<String>, start: &str| items.iter().filter(|name| name.starts_with(start)).count();
    let ty = component.component_type();
    let imports: Vec<String> = ty.imports(&ENGINE).map(|(name, _)| name.to_owned()).collect();
    let exports: Vec<String> = ty.exports(&ENGINE).map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names(imports, "my:app/log"), 1);
    assert_eq!(names(exports, "wasi:cli/run@0.2."), 1);
}

#[test]
fn imports_that_nobody_has_are_all_named() {
    let text = r#"(module
        (import "env" "host_log" (func (param i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_writ" (func))
        (import "env" "memory" (memory 1))
        (func (export "_start")))"#;
    let error = error(text);
    let AdaptError::Imports { missing } = &error else { panic!("{error:?}") };
    assert_eq!(missing, &["env.host_log", "env.memory", "wasi_snapshot_preview1.fd_writ"]);
    let said = error.to_string();
    assert!(
        said.contains("imports 3 things that WASI 0.1 does not have: `env.host_log`, `env.memory`, "),
        "{said}"
    );

    let draft = r#"(module (import "wasi_unstable" "proc_exit" (func (param i32))))"#;
    assert!(self::error(draft).to_string().contains("draft of WASI 0.1: build it again for wasm32-wasip1"));
}

#[test]
fn many_imports_and_strange_names_are_told_briefly() {
    let imports: String =
        (0..1000).map(|number| format!("(import \"e\\1b[31m\" \"f{number}\" (func))")).collect();
    let error = error(&format!("(module {imports} (import \"e\" \"{}\" (func)))", "x".repeat(90_000)));
    let said = error.to_string();
    assert!(said.len() < 1000 && said.contains("… and 981 more") && !said.contains('\x1b'), "{said}");
}

#[test]
fn what_is_no_module_of_wasi_is_told_apart() {
    let not = |wasm: &[u8]| component_from_module(wasm).unwrap_err();
    for wasm in [&b""[..], b"\0as", b"\x7fELF and so on", b"(module)"] {
        assert!(matches!(not(wasm), AdaptError::NotWasm), "{wasm:?}");
    }
    assert!(matches!(not(&fixtures::bytes("p2-command")), AdaptError::Component));
    assert!(matches!(not(b"\0asm\x0d\0\x01\0"), AdaptError::Component));
    assert!(matches!(not(b"\0asm\x09\0\0\0"), AdaptError::Malformed(_)));
    let mut cut = fixtures::bytes("p1-command");
    cut.truncate(cut.len() / 2);
    assert!(matches!(not(&cut), AdaptError::Malformed(_)));
}

#[test]
fn what_a_module_lacks_is_said() {
    assert!(matches!(error("(module)"), AdaptError::NothingToCall));
    assert!(matches!(error(r#"(module (memory (export "memory") 1))"#), AdaptError::NothingToCall));
    for text in [
        r#"(module (func (export "_start")))"#,
        r#"(module (memory (export "mem") 1) (func (export "_start")))"#,
        r#"(module (func (export "memory")) (func (export "_start")))"#,
    ] {
        assert!(matches!(error(text), AdaptError::NoMemory), "{text}");
    }
}

#[test]
fn a_module_that_does_not_fit_is_refused_with_the_reason() {
    let other_type = error(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i64)))
        (memory (export "memory") 1) (func (export "_start")))"#,
    );
    assert!(
        matches!(&other_type, AdaptError::Refused { reason } if reason.contains("fd_write")),
        "{other_type:?}"
    );
    let without = with_world(r#"(module (memory (export "memory") 1))"#, COUNTER);
    let error = component_from_module(&without).unwrap_err();
    assert!(matches!(&error, AdaptError::Refused { reason } if reason.contains("count")), "{error:?}");
}

/// `bytes` with a custom section behind them.
fn with_section(mut bytes: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    let leb = |mut number: usize| {
        let mut bytes = Vec::new();
        while number >= 0x80 {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    };
    let content = [leb(name.len()), name.as_bytes().to_vec(), data.to_vec()].concat();
    bytes.push(0);
    bytes.extend(leb(content.len()));
    bytes.extend(content);
    bytes
}

#[test]
fn the_size_of_a_world_is_bounded() {
    let large = with_section(module(REACTOR), "component-type", &vec![0; MOST_WORLD + 1]);
    assert!(
        matches!(component_from_module(&large), Err(AdaptError::WorldTooLarge { size }) if size == MOST_WORLD + 1)
    );
    let half = with_section(module(REACTOR), "component-type:a", &vec![0; MOST_WORLD]);
    let both = with_section(half, "component-type:b", b"b");
    assert!(matches!(component_from_module(&both), Err(AdaptError::WorldTooLarge { .. })));
    let nonsense = with_section(module(REACTOR), "component-type", b"nonsense");
    assert!(matches!(component_from_module(&nonsense), Err(AdaptError::Refused { .. })));
}

#[test]
fn a_world_of_any_depth_is_read_or_refused() {
    for depth in [10, 50_000] {
        let lists: String = (0..depth).map(|below| format!("(type (list {below}))")).collect();
        let world = module(&format!(
            r#"(component
                (type (component (type (component
                    (type (list u8)) {lists} (type (func (param "it" {depth})))
                    (export "count" (func (type {})))))
                    (export "my:counter/counter" (component (type 0)))))
                (export "counter" (type 0))
                (@custom "wit-component-encoding" "\04\00"))"#,
            depth + 1
        ));
        assert!(world.len() < MOST_WORLD);
        let wasm = with_section(module(REACTOR), "component-type", &world);
        // The export has another type than this.
        let error = component_from_module(&wasm).unwrap_err();
        let what = if depth == 10 { "type mismatch" } else { "nesting is too deep" };
        assert!(matches!(&error, AdaptError::Refused { reason } if reason.contains(what)), "{error:?}");
    }
}

#[test]
fn no_damage_makes_it_panic() {
    let seeds = [fixtures::bytes("p1-command"), with_world(REACTOR, COUNTER)];
    // A fixed sequence (xorshift), so that a failure comes again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let (mut adapted, mut refused) = (0, 0);
    for round in 0..3000 {
        let seed = &seeds[usize::from(round % 10 != 0)];
        let mut wasm = seed.clone();
        if next(4) == 0 {
            wasm.truncate(next(seed.len()));
        }
        for _ in 0..next(4) {
            if !wasm.is_empty() {
                let place = next(wasm.len());
                wasm[place] ^= 1 << next(8);
            }
        }
        match component_from_module(&wasm) {
            Ok(_) => adapted += 1,
            Err(AdaptError::Panicked { message }) => panic!("round {round}: {message}"),
            Err(_) => refused += 1,
        }
    }
    assert!(adapted > 100 && refused > 100, "{adapted} adapted, {refused} refused");
}
