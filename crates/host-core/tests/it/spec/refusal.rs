//! What the standard says in words when something must not work, in our types.

use host_core::{Fault, FaultKind, LinkError};
use host_limits::Exceeded;
use wasmtime::{ExternType, Module, Trap};

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

/// Whether `fault` says that an import of `module` is not satisfied, for the reason that the standard calls `text`.
pub(super) fn is_unlinkable(fault: &Fault, module: &Module, text: &str) -> bool {
    let other_type = match text {
        "unknown import" => false,
        "incompatible import type" => true,
        _ => return false,
    };
    match fault.error().downcast_ref() {
        Some(LinkError::Imports { problems, .. }) => {
            problems.iter().any(|problem| problem.found.is_some() == other_type)
        }
        // How large a memory or table is now is not in its type; Wasmtime looks when it instantiates.
        Some(LinkError::Instantiate { error, .. }) => {
            other_type
                && *fault.kind() == FaultKind::Host
                && error.to_string().starts_with("incompatible import type for ")
                && module
                    .imports()
                    .any(|import| matches!(import.ty(), ExternType::Memory(_) | ExternType::Table(_)))
        }
        _ => false,
    }
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
