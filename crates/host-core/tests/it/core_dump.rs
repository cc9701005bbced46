//! Core dumps, read back as a debugger reads them.

use std::path::Path;

use host_core::{CoreDumpError, Fault, FaultKind, Profile};
use host_limits::{Bytes, Limits};
use wasmparser::{
    CoreDumpInstancesSection, CoreDumpModulesSection, CoreDumpSection, CoreDumpStackSection, DataKind,
    KnownCustom, Operator, Parser, Payload,
};
use wasmtime::{Store, Trap};

use crate::{Data, Host};

/// Writes a marker into its second page, and traps two calls deep.
const MARKS: &str = r#"(module $app
    (import "env" "host_log" (func (param i32 i32)))
    (memory (export "memory") 2)
    (data $marker "here I was")
    (global $step (mut i32) (i32.const 0))
    (func $inner (result i32) (global.set $step (i32.const 41)) unreachable)
    (func $outer (export "run") (result i32)
        (memory.init $marker (i32.const 70000) (i32.const 0) (i32.const 10))
        (call $inner)))"#;

fn host(dumps: bool) -> Host {
    let mut config = Profile::Development.config();
    config.coredump_on_trap(dumps);
    Host::with_config(config, Limits::untrusted())
}

fn stopped(host: &Host, wat: &str) -> (Store<Data>, Fault) {
    let mut store = host.store();
    let fault = host.run_in(&mut store, &host.module(wat)).unwrap_err();
    (store, fault)
}

/// What a debugger finds in a core dump.
#[derive(Default)]
struct Found {
    name: String,
    modules: Vec<String>,
    /// The module of each instance.
    instances: Vec<u32>,
    /// The function and offset of each frame.
    frames: Vec<(u32, u32)>,
    /// Each segment with its address.
    data: Vec<(i32, Vec<u8>)>,
    /// How many pages each memory has.
    memories: Vec<u64>,
    globals: usize,
}

fn read(dump: &[u8]) -> Found {
    let mut found = Found::default();
    for payload in Parser::new(0).parse_all(dump) {
        match payload.unwrap() {
            Payload::MemorySection(memories) => {
                found.memories = memories.into_iter().map(|memory| memory.unwrap().initial).collect();
            }
            Payload::GlobalSection(globals) => found.globals = globals.count() as usize,
            Payload::DataSection(segments) => {
                for segment in segments {
                    let segment = segment.unwrap();
                    let DataKind::Active { offset_expr, .. } = segment.kind else { panic!("passive") };
                    let Operator::I32Const { value } = offset_expr.get_operators_reader().read().unwrap()
                    else {
                        panic!("not at a number")
                    };
                    found.data.push((value, segment.data.to_vec()));
                }
            }
            Payload::CustomSection(section) => match section.as_known() {
                KnownCustom::CoreDump(CoreDumpSection { name }) => found.name = name.to_owned(),
                KnownCustom::CoreDumpModules(CoreDumpModulesSection { modules }) => {
                    found.modules = modules.into_iter().map(str::to_owned).collect();
                }
                KnownCustom::CoreDumpInstances(CoreDumpInstancesSection { instances }) => {
                    found.instances = instances.iter().map(|instance| instance.module_index).collect();
                }
                KnownCustom::CoreDumpStack(CoreDumpStackSection { frames, .. }) => {
                    found.frames = frames.iter().map(|frame| (frame.funcidx, frame.codeoffset)).collect();
                }
                _ => {}
            },
            _ => {}
        }
    }
    found
}

#[test]
fn a_debugger_finds_memory_globals_and_stack() {
    let host = host(true);
    let (mut store, fault) = stopped(&host, MARKS);
    assert_eq!(*fault.kind(), FaultKind::Trap(Trap::UnreachableCodeReached));
    assert_eq!(fault.backtrace().len(), 2);

    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("marks.coredump");
    let size = fault.write_core_dump(&mut store, "marks.wasm", Bytes::kibi(64), &path).unwrap();
    let dump = std::fs::read(&path).unwrap();
    assert_eq!(size, Bytes::new(dump.len() as u64));

    let found = read(&dump);
    assert_eq!(found.name, "marks.wasm");
    assert_eq!(found.modules, ["app"]);
    assert_eq!(found.instances, [0]);
    assert_eq!(found.memories, [2]);
    assert_eq!(found.globals, 1);
    assert_eq!(found.data, [(70_000, b"here I was".to_vec())]);
    // The import is function 0; innermost first, as the backtrace has them.
    let functions: Vec<u32> = found.frames.iter().map(|(function, _)| *function).collect();
    assert_eq!(functions, [1, 2]);
    assert!(found.frames.iter().all(|(_, offset)| *offset > 0), "{:?}", found.frames);
}

#[test]
fn a_dump_is_no_larger_than_was_allowed() {
    let host = host(true);
    let (mut store, fault) = stopped(&host, MARKS);
    let at_most = Bytes::kibi(4);
    assert!(fault.core_dump(&mut store, "marks", at_most).is_ok());
    let at_most = Bytes::new(4095);
    let error = fault.core_dump(&mut store, "marks", at_most).unwrap_err();
    assert!(matches!(&error, CoreDumpError::TooLarge { at_most: limit } if *limit == at_most), "{error:?}");
    assert!(error.to_string().contains("more than 4095B of the guest's memory"), "{error}");
}

#[test]
fn without_the_setting_or_a_guest_that_ran_there_is_none() {
    let (mut store, fault) = stopped(&host(false), MARKS);
    let error = fault.core_dump(&mut store, "marks", Bytes::mebi(1)).unwrap_err();
    assert!(matches!(error, CoreDumpError::NotTaken));
    assert!(error.to_string().contains("coredump_on_trap"), "{error}");

    let (mut store, fault) = stopped(&host(true), r#"(module (import "no" "such" (func)))"#);
    assert!(matches!(fault.core_dump(&mut store, "", Bytes::mebi(1)), Err(CoreDumpError::NotTaken)));
}

#[test]
fn a_guest_that_cannot_be_dumped_is_an_error_and_no_panic() {
    // Wasmtime 48 panics at a global that holds an exception.
    let (mut store, fault) = stopped(
        &host(true),
        r#"(module (global (mut exnref) (ref.null exn)) (func (export "run") (result i32) unreachable))"#,
    );
    let error = fault.core_dump(&mut store, "", Bytes::mebi(1)).unwrap_err();
    assert!(matches!(error, CoreDumpError::Encode { .. }), "{error:?}");
    assert!(!error.to_string().contains('\n'));
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let (mut store, fault) = stopped(&host(true), MARKS);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no such directory").join("dump");
    let error = fault.write_core_dump(&mut store, "marks", Bytes::mebi(1), &path).unwrap_err();
    assert!(error.to_string().starts_with("cannot write the core dump "), "{error}");
    assert!(error.to_string().contains("no such directory"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn the_fault_of_a_budget_can_be_dumped_too() {
    let mut config = Profile::Development.config();
    config.coredump_on_trap(true);
    let host = Host::with_config(config, Limits { fuel: Some(10_000), ..Limits::untrusted() });
    let spins = r#"(module $spins (func (export "run") (result i32) (loop (br 0)) (i32.const 1)))"#;
    let (mut store, fault) = stopped(&host, spins);
    assert_eq!(fault.kind().name(), "budget");
    let found = read(&fault.core_dump(&mut store, "spins", Bytes::mebi(1)).unwrap());
    assert_eq!((found.modules, found.frames.len()), (vec!["spins".to_owned()], 1));
}
