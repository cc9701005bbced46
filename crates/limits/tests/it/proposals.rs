//! Which proposals code uses, and what an engine makes of it.

use host_limits::{Proposal, Proposals, Rejected, StaticLimits};
use wasmtime::component::Component;
use wasmtime::{Config, Engine, Module};

use crate::static_limits::{everything, shape, wasm};

/// A piece of code for each proposal that there is text for.
pub(crate) const SAMPLES: &[(Proposal, &str)] = &[
    (Proposal::SignExtension, "(module (func (drop (i32.extend8_s (i32.const 0)))))"),
    (Proposal::SaturatingFloatToInt, "(module (func (drop (i32.trunc_sat_f32_s (f32.const 0)))))"),
    (
        Proposal::BulkMemory,
        "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
    ),
    (Proposal::BulkMemory, r#"(module (memory 1) (data "passive"))"#),
    (Proposal::ReferenceTypes, "(module (table 1 externref))"),
    (Proposal::ReferenceTypes, "(module (func (param externref)))"),
    (Proposal::ReferenceTypes, "(module (table 1 funcref) (table 1 funcref))"),
    (Proposal::ReferenceTypes, "(module (table 1 funcref) (elem (i32.const 0) funcref (ref.null func)))"),
    (Proposal::ReferenceTypes, "(module (table 1 funcref (ref.null func)))"),
    (Proposal::MultiValue, "(module (func (result i32 i32) (i32.const 0) (i32.const 0)))"),
    (Proposal::MultiValue, "(module (func (i32.const 0) (block (param i32) (drop))))"),
    (Proposal::Simd, "(module (func (drop (v128.const i32x4 0 0 0 0))))"),
    (Proposal::Simd, "(module (func (local v128)))"),
    (Proposal::Simd, "(module (global (mut v128) (v128.const i32x4 0 0 0 0)))"),
    (
        Proposal::RelaxedSimd,
        "(module (func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))))",
    ),
    (Proposal::ExtendedConst, "(module (global i32 (i32.add (i32.const 1) (i32.const 1))))"),
    (Proposal::TailCall, "(module (func $f (return_call $f)))"),
    (Proposal::Threads, "(module (memory 1 1 shared))"),
    (Proposal::Threads, "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))"),
    (Proposal::MultiMemory, "(module (memory 1) (memory 1))"),
    (Proposal::MultiMemory, r#"(module (import "" "" (memory 1)) (memory 1))"#),
    (Proposal::Memory64, "(module (memory i64 1))"),
    (Proposal::Memory64, "(module (table i64 1 funcref))"),
    (
        Proposal::FunctionReferences,
        "(module (type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0))))",
    ),
    (Proposal::FunctionReferences, "(module (func (param (ref func))))"),
    (Proposal::Gc, "(module (type (struct)))"),
    (Proposal::Gc, "(module (type (array i8)))"),
    (Proposal::Gc, "(module (func (param anyref)))"),
    (Proposal::Gc, "(module (rec (type (func)) (type (func))))"),
    (Proposal::Exceptions, "(module (tag $t) (func (throw $t)))"),
    (Proposal::Exceptions, "(module (tag $t))"),
    (Proposal::Exceptions, r#"(module (import "" "" (tag)))"#),
    (Proposal::Exceptions, "(module (func (try_table)))"),
    (Proposal::LegacyExceptions, "(module (func try catch_all end))"),
    (Proposal::StackSwitching, "(module (type $f (func)) (type (cont $f)))"),
    (
        Proposal::WideArithmetic,
        "(module (func (param i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 0))))",
    ),
    (Proposal::CustomPageSizes, "(module (memory 1 (pagesize 1)))"),
    (Proposal::MemoryControl, "(module (memory 1) (func (memory.discard (i32.const 0) (i32.const 0))))"),
    (Proposal::SharedEverythingThreads, "(module (type (shared (struct))))"),
    (Proposal::SharedEverythingThreads, "(component (core func (canon thread.available_parallelism)))"),
    (Proposal::CustomDescriptors, r#"(module (func (import "" "") (exact)))"#),
    (Proposal::ComponentModel, "(component)"),
    (Proposal::ComponentModelAsync, "(component (core func (canon task.cancel)))"),
    (Proposal::ComponentModelAsync, "(component (type (stream u8)))"),
    (Proposal::ComponentModelAsync, "(component (type (func async)))"),
    // A function that is not async itself, called as if it were.
    (
        Proposal::ComponentModelAsync,
        r#"(component (import "f" (func $f)) (core module $m (memory (export "m") 1)) (core instance $m (instantiate $m))
            (core func (canon lower (func $f) async (memory (core memory $m "m")))))"#,
    ),
    (
        Proposal::ComponentModelAsync,
        r#"(component
            (core module $m (func (export "f")) (func (export "back") (param i32 i32 i32) (result i32) unreachable))
            (core instance $m (instantiate $m))
            (func (canon lift (core func $m "f") (callback (core func $m "back")))))"#,
    ),
    (Proposal::ComponentModelThreading, "(component (core func (canon thread.index)))"),
    (Proposal::ComponentModelErrorContext, "(component (core func (canon error-context.drop)))"),
    (Proposal::ComponentModelErrorContext, "(component (type error-context))"),
    (Proposal::ComponentModelMap, "(component (type (map string u8)))"),
    (Proposal::ComponentModelFixedLengthLists, "(component (type (list u8 3)))"),
    (Proposal::ComponentModelValues, r#"(component (import "v" (value string)))"#),
    (Proposal::ComponentModelValues, r#"(component (import "f" (func $f)) (start $f))"#),
    (Proposal::CompactImports, r#"(module (import "m" (item "a" (func)) (item "b" (func))))"#),
];

#[test]
fn every_proposal_is_recognised_in_a_sample_and_in_nothing_else() {
    let untested: Vec<_> = Proposals::all()
        .iter()
        .filter(|proposal| SAMPLES.iter().all(|(sample, _)| sample != proposal))
        // No text is known for it.
        .filter(|proposal| *proposal != Proposal::ComponentModelGc)
        .collect();
    assert_eq!(untested, []);
    for (proposal, text) in SAMPLES {
        let wasm = wasm(text);
        let found = everything().check(&wasm).unwrap_or_else(|error| panic!("{error}: {text}")).proposals;
        assert!(found.contains(*proposal), "{proposal}: {text}: {found:?}");
        let without = StaticLimits { proposals: Proposals::all().without(*proposal), ..everything() };
        let refused = without.check(&wasm).unwrap_err();
        assert!(
            matches!(refused, Rejected::Proposal { proposal: named, .. } if named == *proposal),
            "{refused}"
        );
    }
    let plain = r#"(module (import "a" "b" (func $f (param i32) (result i32))) (table 1 funcref) (memory 1)
        (global (mut i32) (i32.const 1)) (elem (i32.const 0) $f) (data (i32.const 0) "a")
        (func (export "run") (param f64) (local i64)
            (drop (call_indirect (param i32) (result i32) (i32.const 0) (i32.const 0)))
            (block (result i32) (memory.grow (i32.const 1))) (drop)))"#;
    assert_eq!(shape(plain).proposals, Proposals::none());
}

/// What an engine would refuse is refused here without compiling, and what it accepts is accepted.
#[test]
fn an_engine_refuses_what_it_is_known_not_to_support() {
    // Some samples are of code that needs it and is not valid with it, for which an engine has other words.
    let plain = || {
        let mut config = Config::new();
        config.wasm_features(Proposal::ComponentModelAsync.feature(), false).concurrency_support(false);
        config
    };
    let narrow = {
        let mut config = plain();
        config.wasm_simd(false).wasm_relaxed_simd(false).wasm_multi_memory(false).wasm_memory64(false);
        config.wasm_tail_call(false).wasm_gc(false).wasm_exceptions(false).wasm_function_references(false);
        Engine::new(&config).unwrap()
    };
    for engine in [Engine::new(&plain()).unwrap(), narrow] {
        let limits = StaticLimits { proposals: Proposals::of(&engine), ..everything() };
        for (proposal, text) in SAMPLES {
            let wasm = wasm(text);
            let ours = limits.check(&wasm);
            let theirs = match wasm[4..8] {
                [_, _, 0, 0] => Module::from_binary(&engine, &wasm).map(drop),
                _ => Component::from_binary(&engine, &wasm).map(drop),
            };
            match (&ours, &theirs) {
                (Err(error), Ok(())) => panic!("{proposal} is refused by us alone ({error}): {text}"),
                (Ok(_), Err(error)) => {
                    panic!("{proposal} is refused by the engine alone ({error:#}): {text}")
                }
                _ => {}
            }
        }
    }
}
