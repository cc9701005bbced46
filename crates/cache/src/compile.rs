//! From WebAssembly to native code: is this something to compile, and what if it is not?

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use wasmtime::{Engine, Precompiled};

use crate::native::Code;
use crate::{Digest, Kind};

/// Why WebAssembly could not be turned into code that runs. The cache is never the reason.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The input does not begin as WebAssembly does.
    #[error("the input is not a WebAssembly binary (it begins with {}): if it is text, convert it first, for instance with the `wat` crate", begin.escape_ascii())]
    NotWasm {
        /// The first bytes of the input, at most eight.
        begin: Vec<u8>,
    },
    /// The input is compiled code. Running that takes trust in whoever made it, which this call does not ask for.
    #[error(
        "the input is a precompiled {kind}, not WebAssembly: pass the file that it was compiled from, or load it as an `AheadFile`"
    )]
    Precompiled {
        /// What it was compiled from.
        kind: Kind,
    },
    /// The input is a component where a module is needed, or the other way round.
    #[error("a {expected} is needed, but the input is a {found}")]
    WrongKind {
        /// What was asked for.
        expected: Kind,
        /// What the input is.
        found: Kind,
    },
    /// The file of the input cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The input is not that of the digest that was given with it.
    #[error("the input has the digest {found}, and not {expected}: was it changed on the way?")]
    WrongDigest {
        /// What was given.
        expected: Digest,
        /// What the bytes have.
        found: Digest,
    },
    /// Wasmtime refused to compile it: it is invalid, or uses something that the engine has switched off.
    #[error("cannot compile the {kind}")]
    Compile {
        /// What was compiled.
        kind: Kind,
        /// What Wasmtime said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Wasmtime refused to load what it had just compiled, for instance because the engine compiles for another platform.
    #[error("cannot load the {kind} that was just compiled: does the engine compile for another platform?")]
    Load {
        /// What was compiled.
        kind: Kind,
        /// What Wasmtime said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

/// Compiles a `wasm` of [`kind_of`] kind, and says what that took.
pub(crate) fn compile(engine: &Engine, kind: Kind, wasm: &[u8]) -> Result<(Code, Duration), CompileError> {
    let started = Instant::now();
    let code = Code::compile(engine, kind, wasm)
        .map_err(|source| CompileError::Compile { kind, source: Arc::from(Box::from(source)) })?;
    Ok((code, started.elapsed()))
}

/// What `wasm` is by its first eight bytes: magic, version, and the layer that tells components from modules.
///
/// Asked before Wasmtime sees the input, because with its feature `wat` Wasmtime takes everything else for text.
pub(crate) fn kind_of(wasm: &[u8]) -> Result<Kind, CompileError> {
    match wasm {
        [b'\0', b'a', b's', b'm', _, _, 0, 0, ..] => Ok(Kind::Module),
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => Ok(Kind::Component),
        _ => Err(match Engine::detect_precompiled(wasm) {
            Some(Precompiled::Module) => CompileError::Precompiled { kind: Kind::Module },
            Some(Precompiled::Component) => CompileError::Precompiled { kind: Kind::Component },
            None => CompileError::NotWasm { begin: wasm[..wasm.len().min(8)].to_vec() },
        }),
    }
}
