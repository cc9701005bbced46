//! `compile_module`: bytes in, a `wasmtime::Module` or a typed reason out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use host_limits::{Proposal, Proposals, Rejected, StaticLimits};
use wasmtime::{Engine, Module};

use crate::guard::panic_message;
use crate::input::{InputError, InputKind};
use crate::text::one_line;
use crate::trace;

/// Why bytes did not become a module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// They are no core module, from the first bytes: empty, text, native code, a component.
    #[error(transparent)]
    Input(#[from] InputError),
    /// They end before the module does.
    #[error("the module ends too early, after {length} bytes; build or copy it again")]
    Truncated {
        /// How many bytes there are.
        length: usize,
        /// What Wasmtime says.
        source: wasmtime::Error,
    },
    /// They use a proposal that the engine has off.
    #[error(
        "the module uses the proposal `{proposal}`, which this engine has off (found at offset {offset:#x}); turn it on in \
         the engine's `Config`, or build the module without it"
    )]
    Proposal {
        /// Which.
        proposal: Proposal,
        /// Where in the bytes.
        offset: u64,
        /// What Wasmtime says.
        source: wasmtime::Error,
    },
    /// They are not a valid module.
    #[error("the module is not valid: {message} (at offset {offset:#x})")]
    Invalid {
        /// What is wrong, in Wasmtime's words.
        message: String,
        /// Where in the bytes.
        offset: u64,
    },
    /// The engine's pool has no place that is large enough.
    #[error(
        "the module does not fit into the engine's pool: {message}; raise that limit in the engine's \
         `PoolingAllocationConfig`, or build the module to need less"
    )]
    Pool {
        /// What the module needs and what the pool offers, in Wasmtime's words.
        message: String,
        /// The same as Wasmtime gave it.
        source: wasmtime::Error,
    },
    /// The compiler panicked. That is a bug of Wasmtime's, which the module runs into.
    #[error("the compiler panicked: {}", one_line(message))]
    Panic {
        /// What it said.
        message: String,
    },
    /// Something else that Wasmtime says.
    #[error("the module cannot be compiled")]
    Other {
        /// What Wasmtime says.
        source: wasmtime::Error,
    },
}

/// Compiles a core module in binary form, under the settings of `engine`.
///
/// As `wasmtime::Module::new`, but with a reason that a program can tell apart. Compiling takes as long as it takes: for code
/// nobody has read, let [`StaticLimits`] look at it first. Native code is refused here whatever the engine: only
/// `host-cache` loads it. A panic of the compiler ends here.
///
/// ```
/// use host_core::{CompileError, InputError, compile_module};
/// use wasmtime::Engine;
///
/// let engine = Engine::default();
/// let module = compile_module(&engine, b"\0asm\x01\0\0\0")?;
/// assert_eq!(module.exports().len(), 0);
///
/// let error = compile_module(&engine, b"").unwrap_err();
/// assert!(matches!(error, CompileError::Input(InputError::Empty)));
/// # Ok::<(), CompileError>(())
/// ```
///
/// # Errors
///
/// [`CompileError`].
pub fn compile_module(engine: &Engine, bytes: &[u8]) -> Result<Module, CompileError> {
    let span = trace::compile(bytes.len());
    let result = span.in_scope(|| {
        InputKind::of(bytes)?.expect(InputKind::Module)?;
        compile_with(engine, bytes, || Module::from_binary(engine, bytes))
    });
    if !span.is_disabled() {
        if let Ok(module) = &result {
            trace::module(&span, module);
        }
        trace::result(&span, &result);
    }
    result
}

fn compile_with(
    engine: &Engine,
    bytes: &[u8],
    compile: impl FnOnce() -> wasmtime::Result<Module>,
) -> Result<Module, CompileError> {
    match catch_unwind(AssertUnwindSafe(compile)) {
        Ok(Ok(module)) => Ok(module),
        Ok(Err(error)) => Err(reason(engine, bytes, error)),
        Err(panic) => Err(CompileError::Panic { message: panic_message(panic) }),
    }
}

/// What an error of compiling means. Wasmtime's errors of validation and of the pool have no type that it exports, so their
/// texts are read; the integration tests run into each.
fn reason(engine: &Engine, bytes: &[u8], source: wasmtime::Error) -> CompileError {
    let text = source.root_cause().to_string();
    let in_pool = |part: &(dyn std::error::Error + 'static)| {
        part.to_string().ends_with(" does not fit in pooling allocator requirements")
    };
    if source.chain().any(in_pool) {
        return CompileError::Pool { message: one_line(&text), source };
    }
    let Some((message, offset)) = place(&text) else {
        return CompileError::Other { source };
    };
    if message.starts_with("unexpected end") && is_cut_off(bytes) {
        return CompileError::Truncated { length: bytes.len(), source };
    }
    if let Some((proposal, offset)) = proposal_off(engine, bytes) {
        return CompileError::Proposal { proposal, offset, source };
    }
    CompileError::Invalid { message: one_line(message), offset }
}

/// What is wrong and where: of a function's code Wasmtime says it in other words than of the rest.
fn place(text: &str) -> Option<(&str, u64)> {
    if let Some(rest) = text.strip_prefix("Invalid input WebAssembly code at offset ") {
        let (offset, message) = rest.split_once(": ")?;
        return Some((message, offset.parse().ok()?));
    }
    let (message, offset) = text.strip_suffix(')')?.rsplit_once(" (at offset 0x")?;
    Some((message, u64::from_str_radix(offset, 16).ok()?))
}

/// Whether the last section is longer than what is left of the bytes.
fn is_cut_off(bytes: &[u8]) -> bool {
    const HEADER: usize = 8;
    let mut rest = bytes.get(HEADER..).unwrap_or_default();
    while let Some((_id, section)) = rest.split_first() {
        let Some((length, section)) = leb(section) else { return true };
        let Some(next) = usize::try_from(length).ok().and_then(|length| section.get(length..)) else {
            return true;
        };
        rest = next;
    }
    false
}

/// A number of up to 32 bits in WebAssembly's encoding, and what comes after it; `None` if it does not end.
fn leb(bytes: &[u8]) -> Option<(u64, &[u8])> {
    const LONGEST: usize = 5;
    let mut number = 0;
    for (index, byte) in bytes.iter().take(LONGEST).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[index + 1..]));
        }
    }
    None
}

/// The first proposal that the module uses and the engine has off.
fn proposal_off(engine: &Engine, bytes: &[u8]) -> Option<(Proposal, u64)> {
    let limits = StaticLimits { proposals: Proposals::of(engine), ..StaticLimits::trusted() };
    match limits.check(bytes) {
        Err(Rejected::Proposal { proposal, offset }) => Some((proposal, offset)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_compiler_is_an_error() {
        let engine = Engine::default();
        let error = compile_with(&engine, b"", || panic!("register {}", 17)).unwrap_err();
        assert!(matches!(&error, CompileError::Panic { message } if message == "register 17"), "{error:?}");
        assert_eq!(error.to_string(), "the compiler panicked: register 17");
    }
}
