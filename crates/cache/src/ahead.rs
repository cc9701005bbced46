//! Compiling ahead of time: from WebAssembly to a file now, from the file to a module later, also elsewhere.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::code::CodeArtifact;
use crate::compile::{compile, kind_of};
use crate::engine::EngineIdentity;
use crate::entry::ReadAt;
use crate::native::Native;
use crate::{CompileError, Digest, Kind, MissReason, Trust, UnsupportedEngine, entry, place};

/// Compiles `wasm`, a module or a component, for [`AheadFile`]: native code, and a trailer that says what it is.
///
/// The same input, engine and version always give the same bytes. An engine with
/// [`Config::target`](wasmtime::Config::target) compiles for another platform.
///
/// # Errors
///
/// As [`CompileError`] and [`UnsupportedEngine`] say.
pub fn compile_ahead(engine: &Engine, wasm: &[u8]) -> Result<Vec<u8>, AheadError> {
    let identity = EngineIdentity::of(engine)?;
    let kind = kind_of(wasm)?;
    let key = identity.key(kind, &Digest::of(wasm), "ahead of time");
    let (code, _) = compile(engine, kind, wasm)?;
    // No times: the file is to be the same whenever it is made.
    let trailer = code.trailer(&key, &identity.version, Duration::ZERO);
    let trailer = trailer.to_bytes(&Trust::IntegrityOnly).ok_or(UnsupportedEngine::VersionUnknown)?;
    Ok([code.bytes(), &trailer].concat())
}

/// A file made by [`compile_ahead`], checked and in memory.
///
/// The checks are against accidents: a damaged or cut file, one for another version. They do not tell who made the
/// file, and its code runs with all rights of this process. So there are two ways to get here, and on both somebody vouches:
/// the user, by keeping the file where only they can write; or the caller, by the promise of an `unsafe` call.
#[derive(Debug)]
pub struct AheadFile {
    version: String,
    code: CodeArtifact,
}

impl AheadFile {
    /// Reads a file that the user of this process vouches for.
    ///
    /// What is checked is that nobody else can have written it: it is a regular file, belongs to this user or to the
    /// administrator, and is not writable by others. **Do not offer this for paths that the user did not choose**: a file that they
    /// downloaded is theirs too, and so is one that a guest has written. On systems without Unix owners and modes all of this is for the caller to see to.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not private, or is not what `compile_ahead` wrote.
    pub fn open_vouched(path: impl AsRef<Path>) -> Result<Self, AheadError> {
        let path = path.as_ref();
        let read = |source| AheadError::Read { path: path.to_owned(), source };
        // Before it is opened: opening a pipe would wait for somebody to write to it.
        if !std::fs::metadata(path).map_err(read)?.is_file() {
            return Err(AheadError::NotPrivate { path: path.to_owned() });
        }
        let file = File::open(path).map_err(read)?;
        if !place::is_file_of_user_or_administrator(&file).map_err(read)? {
            return Err(AheadError::NotPrivate { path: path.to_owned() });
        }
        let length = file.metadata().map_err(read)?.len();
        Self::verify(&file, length)
    }

    /// Whether it is a module or a component.
    pub fn kind(&self) -> Kind {
        self.code.kind()
    }

    /// The version of Wasmtime that compiled it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Loads the module.
    ///
    /// The engine must be of the very version that compiled it, since a patch release may mend the compiler. That its
    /// configuration fits, Wasmtime checks.
    ///
    /// # Errors
    ///
    /// If it is a component, or made for another version, platform or configuration.
    pub fn module(&self, engine: &Engine) -> Result<wasmtime::Module, AheadError> {
        self.load(engine)
    }

    /// Loads the component, as [`module`](Self::module) does.
    ///
    /// # Errors
    ///
    /// If it is a module, or made for another version, platform or configuration.
    pub fn component(&self, engine: &Engine) -> Result<Component, AheadError> {
        self.load(engine)
    }

    /// Checks everything but who vouches.
    pub(crate) fn verify(file: &(impl ReadAt + ?Sized), length: u64) -> Result<Self, AheadError> {
        let is_code = |trailer: &crate::Trailer| match trailer.kind {
            Kind::Bytes => Err(MissReason::WrongKind),
            Kind::Module | Kind::Component => Ok(()),
        };
        let verify = || {
            let trailer = entry::read_trailer(file, length, &Trust::IntegrityOnly, is_code)?;
            let code =
                CodeArtifact::of(entry::read_artifact(file, &trailer)?).ok_or(MissReason::WrongKind)?;
            Ok(Self { version: trailer.compiler, code })
        };
        verify().map_err(AheadError::Damaged)
    }

    fn load<T: Native>(&self, engine: &Engine) -> Result<T, AheadError> {
        let needed = EngineIdentity::of(engine)?.version;
        let (expected, found) = (T::KIND, self.kind());
        if found != expected {
            return Err(AheadError::WrongKind { expected, found });
        }
        if self.version != needed {
            return Err(AheadError::OtherVersion { found: self.version.clone(), needed });
        }
        T::load_copied(&self.code, engine)
            .map_err(|source| AheadError::Incompatible { source: source.into() })
    }
}

/// Why nothing could be compiled or loaded ahead of time.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AheadError {
    /// The input could not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The engine does not say its version.
    #[error(transparent)]
    Engine(#[from] UnsupportedEngine),
    /// The file could not be read.
    #[error("cannot read the precompiled file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else may have written the file.
    #[error(
        "the precompiled file {} is not a regular file that only you or the administrator can write: \
         if you trust it, make a copy of your own with mode 0600",
        path.display()
    )]
    NotPrivate {
        /// The file.
        path: PathBuf,
    },
    /// It is not what [`compile_ahead`] wrote.
    #[error("the precompiled file is {0}: compile it again")]
    Damaged(MissReason),
    /// It is a component where a module is needed, or the other way round.
    #[error("a {expected} is needed, but the precompiled file is a {found}")]
    WrongKind {
        /// What was asked for.
        expected: Kind,
        /// What the file is.
        found: Kind,
    },
    /// Another version of Wasmtime made it.
    #[error("the precompiled file was made by wasmtime {found}, but this is {needed}: compile it again")]
    OtherVersion {
        /// The version that made the file.
        found: String,
        /// The version of the engine.
        needed: String,
    },
    /// It was made for another platform or configuration.
    #[error("the precompiled file does not fit this engine: compile it again, with the same configuration")]
    Incompatible {
        /// What Wasmtime said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    /// Wasmtime itself would take a file of another patch release.
    #[test]
    fn a_file_of_another_patch_release_is_refused() {
        let engine = Engine::default();
        let wasm = wat::parse_str("(module)").unwrap();
        let (code, _) = compile(&engine, Kind::Module, &wasm).unwrap();
        let file = |version| {
            let trailer = code.trailer(&Key::builder("test").finish(), version, Duration::ZERO);
            let bytes = [code.bytes(), &trailer.to_bytes(&Trust::IntegrityOnly).unwrap()].concat();
            AheadFile::verify(bytes.as_slice(), bytes.len() as u64).unwrap().module(&engine).map(|_| ())
        };
        let needed = EngineIdentity::of(&engine).unwrap().version;
        file(&needed).unwrap();
        let error = file("48.0.7").unwrap_err();
        assert!(matches!(&error, AheadError::OtherVersion { found, .. } if found == "48.0.7"), "{error:?}");
        assert!(error.to_string().contains(&needed), "{error}");
    }
}
