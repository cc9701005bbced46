//! Names, files and lines of the guest's stack.

use std::num::NonZeroUsize;

use host_core::{Fault, FaultKind, Frame, Profile};
use host_limits::Limits;
use wasmtime::{Module, Trap};

use crate::{Host, check_text};

/// How the guest `backtrace` ends under a profile.
fn fault(profile: Profile) -> Fault {
    let host = Host::with_profile(profile, Limits::untrusted());
    let module = Module::new(&host.engine, fixtures::bytes("backtrace")).unwrap();
    let fault = host.run_in(&mut host.store(), &module).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Trap(Trap::UnreachableCodeReached));
    check_text(&fault);
    fault
}

/// The frames of the three functions, and that they come in the order of the calls.
fn three(fault: &Fault) -> [&Frame; 3] {
    let places = ["inner", "middle", "outer"].map(|name| {
        let named = |frame: &Frame| {
            frame.function.as_deref().is_some_and(|function| function.rsplit("::").next() == Some(name))
        };
        fault.backtrace().iter().position(named).unwrap_or_else(|| panic!("no {name} in {fault:?}"))
    });
    assert!(places.is_sorted(), "{fault:?}");
    places.map(|place| &fault.backtrace()[place])
}

#[test]
fn a_developer_sees_functions_files_and_lines() {
    let fault = fault(Profile::Development);
    let source = include_str!("../../../../guests/backtrace/src/lib.rs");
    let line_of = |text: &str| {
        let line = source.lines().position(|line| line.contains(text)).unwrap();
        u32::try_from(line + 1).unwrap()
    };
    let lines = [
        line_of("core::arch::wasm32::unreachable"),
        line_of("inner(depth + 1)"),
        line_of("middle(depth + 1)"),
    ];
    for (frame, line) in three(&fault).into_iter().zip(lines) {
        assert!(frame.file.as_deref().unwrap().ends_with("src/lib.rs"), "{frame:?}");
        assert_eq!(frame.line, Some(line), "{frame:?}");
        let text = frame.to_string();
        assert!(text.contains(&format!("lib.rs:{line})")), "{text}");
    }
}

#[test]
fn others_see_functions_and_offsets_only() {
    for profile in [Profile::Untrusted, Profile::Throughput, Profile::Deterministic] {
        let fault = fault(profile);
        for frame in three(&fault) {
            assert_eq!((&frame.file, frame.line), (&None, None), "{profile:?} {frame:?}");
            assert!(frame.offset.is_some());
            assert!(frame.to_string().contains("+0x"), "{frame}");
        }
        assert!(fault.backtrace().iter().all(|frame| frame.file.is_none()), "{fault:?}");
    }
}

#[test]
fn the_names_of_rust_are_made_readable() {
    let fault = fault(Profile::Untrusted);
    let [inner, ..] = three(&fault);
    let name = inner.function.as_deref().unwrap();
    assert!(!name.contains("_ZN") && !name.starts_with("_R"), "{name}");
}

#[test]
fn a_guest_without_names_still_has_frames() {
    let host = Host::new(Limits::untrusted());
    let fault = host.run(r#"(module (func (export "run") (result i32) unreachable))"#).unwrap_err();
    let [frame] = fault.backtrace() else { panic!("{fault:?}") };
    assert_eq!(frame.function, None);
    assert!(frame.to_string().starts_with("<unnamed function> (module+0x"), "{frame}");
}

#[test]
fn a_backtrace_is_bounded_also_where_the_engine_keeps_more() {
    let mut config = Profile::Development.config();
    config.wasm_backtrace_max_frames(NonZeroUsize::new(10_000));
    let host = Host::with_config(config, Limits::untrusted());
    let deep = r#"(module (func $deep (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then unreachable))
            (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
        (func (export "run") (result i32) (call $deep (i32.const 500))))"#;
    let fault = host.run(deep).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Trap(Trap::UnreachableCodeReached));
    assert_eq!(fault.backtrace().len(), 100);
    assert_eq!(format!("{fault:#}").matches("  at ").count(), 100);
}

#[test]
fn limits_leave_a_profile_what_it_is_for() {
    let limits = Limits::untrusted();
    for (profile, details) in [(Profile::Development, true), (Profile::Untrusted, false)] {
        let engine = Host::with_profile(profile, limits.clone()).engine;
        assert!(engine.get_epoch_interruption() && engine.get_consume_fuel());
        assert_eq!(engine.get_max_wasm_stack() as u64, limits.stack.get());
        assert_eq!(fault(profile).backtrace()[0].line.is_some(), details);
    }
}
