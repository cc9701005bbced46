//! What the standard says in words when something must not work, in our types.

use host_core::{Fault, FaultKind, LinkError};
use host_limits::Exceeded;
use wasmtime::Trap;

/// Whether guest code ended with the fault that was `wanted`, and what it did otherwise.
pub(super) fn expect_fault<R>(
    ended: Result<R, Fault>,
    wanted: &str,
    is_it: impl FnOnce(&Fault) -> bool,
) -> Result<(), String> {
    match ended {
        Err(fault) if is_it(&fault) => Ok(()),
        Err(fault) => Err(format!("wanted {wanted}, but: {fault}: {:#}", fault.error())),
        Ok(_) => Err(format!("wanted {wanted}, but nothing was wrong")),
    }
}

/// Whether a module was refused not for what is wrong with it, but for a proposal that the engine has off.
pub(super) fn is_off(why: &str) -> bool {
    ["not enabled", "must be enabled", "is disabled", "not supported"].iter().any(|words| why.contains(words))
}

/// Whether the compiler panicked at a module, which refuses it, but says nothing of what is wrong.
pub(super) fn is_panic(why: &str) -> bool {
    why.contains("the compiler panicked")
}

/// Whether `fault` is the guest's trap that the standard calls `text`.
pub(super) fn is_trap(fault: &Fault, text: &str) -> bool {
    matches!(fault.kind(), FaultKind::Trap(trap) if traps(text).contains(trap))
}

/// Whether `fault` is what becomes of the standard's `call stack exhausted`: a budget of ours.
pub(super) fn is_exhaustion(fault: &Fault, text: &str) -> bool {
    text == "call stack exhausted"
        && matches!(fault.kind(), FaultKind::Budget(Exceeded::Stack { .. }))
        && fault.trap() == Some(Trap::StackOverflow)
}

/// Whether `fault` says that an import is not satisfied, for the reason that the standard calls `text`.
pub(super) fn is_unlinkable(fault: &Fault, text: &str) -> bool {
    let other_type = match text {
        "unknown import" => false,
        "incompatible import type" => true,
        _ => return false,
    };
    match fault.error().downcast_ref() {
        Some(LinkError::Imports { problems, .. }) => {
            problems.iter().any(|problem| problem.found.is_some() == other_type)
        }
        _ => other_type && is_too_small(fault),
    }
}

/// Whether `fault` says that a memory or a table is not as large as a module wants it. How large it is now is not in its
/// type, so this is the one thing that only Wasmtime finds, as it instantiates.
pub(super) fn is_too_small(fault: &Fault) -> bool {
    let Some(LinkError::Instantiate { error, .. }) = fault.error().downcast_ref() else { return false };
    let reason = error.root_cause().to_string();
    *fault.kind() == FaultKind::Host
        && ["memory", "table"].iter().any(|what| {
            reason.starts_with(&format!("{what} types incompatible: expected {what} limits (min: "))
        })
}

/// The traps that the standard, in one version or another, calls `text`.
fn traps(text: &str) -> &'static [Trap] {
    match text {
        "cast failure" => &[Trap::CastFailure],
        "indirect call" | "indirect call type mismatch" => &[Trap::BadSignature],
        "integer divide by zero" => &[Trap::IntegerDivisionByZero],
        "integer overflow" => &[Trap::IntegerOverflow],
        "invalid conversion to integer" => &[Trap::BadConversionToInteger],
        "null function reference" => &[Trap::NullReference, Trap::IndirectCallToNull],
        "null array reference" | "null i31 reference" | "null reference" | "null structure reference" => {
            &[Trap::NullReference]
        }
        "out of bounds" => &[Trap::MemoryOutOfBounds, Trap::TableOutOfBounds],
        "out of bounds array access" => &[Trap::ArrayOutOfBounds],
        "out of bounds memory access" => &[Trap::MemoryOutOfBounds],
        "out of bounds table access" | "undefined" | "undefined element" => &[Trap::TableOutOfBounds],
        "unreachable" => &[Trap::UnreachableCodeReached],
        "unaligned atomic" => &[Trap::HeapMisaligned],
        // Some scripts say which element: "uninitialized element 2".
        _ if text.starts_with("uninitialized") => &[Trap::IndirectCallToNull],
        _ => &[],
    }
}
