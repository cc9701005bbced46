//! Loading native code, which Wasmtime cannot check: the only file with `unsafe`.
//!
//! The promise to keep is that of [`Module::deserialize`]: the bytes are, unmodified, what some version of Wasmtime's
//! compiler put out. [`Code`] is the proof of it, because there are two ways to get one. Either its bytes come straight from
//! the compiler; or from a [`CodeArtifact`], which exists only after its digest was found right, and whose trailer says that it
//! is code, which only [`Code::trailer`] writes. The user's own bytes are kept under another kind, whatever their key, so they
//! cannot get here.
//!
//! Who wrote the trailer is proved by the host key. Without one, somebody who can write to the private directory, or to a
//! file that [`AheadFile::open_vouched`] takes, can forge it: the user of this process (a guest to which they have granted the
//! directory writes as them) and the administrator.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use crate::builder::{CacheBuilder, LoadMode};
use crate::code::{CodeArtifact, CodeBody};
use crate::known::Known;
use crate::module_cache::ModuleCache;
use crate::{AheadError, AheadFile, Cache, Digest, Key, Kind, OpenError, Trailer};

/// Bytes that are output of Wasmtime's compiler.
pub(crate) struct Code {
    kind: Kind,
    bytes: Vec<u8>,
}

impl Code {
    /// Compiles `wasm`.
    pub(crate) fn compile(engine: &Engine, kind: Kind, wasm: &[u8]) -> wasmtime::Result<Code> {
        let bytes = match kind {
            Kind::Module => engine.precompile_module(wasm)?,
            Kind::Component => engine.precompile_component(wasm)?,
            Kind::Bytes => wasmtime::bail!("bytes are not compiled"),
        };
        Ok(Code { kind, bytes })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The trailer that vouches for these bytes.
    pub(crate) fn trailer(&self, key: &Key, version: &str, compile_time: Duration) -> Trailer {
        Trailer {
            kind: self.kind,
            key: *key.digest(),
            length: self.bytes.len() as u64,
            digest: Digest::of(&self.bytes),
            compiler: version.to_owned(),
            compile_nanos: u64::try_from(compile_time.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

/// What Wasmtime makes of code: a [`Module`] or a [`Component`].
pub(crate) trait Native: Clone {
    const KIND: Kind;

    /// What a cache has of it in this process.
    fn known(cache: &ModuleCache) -> &Known<Self>;

    /// Loads what was just compiled. Wasmtime itself refuses the other kind.
    fn load(code: &Code, engine: &Engine) -> wasmtime::Result<Self>;

    /// Loads what was compiled before, from where it is. Wasmtime itself refuses the other kind, and what was compiled for an engine
    /// that differs too much.
    fn load_artifact(artifact: CodeArtifact, engine: &Engine) -> wasmtime::Result<Self>;

    /// Loads what was compiled before, by way of memory of this process.
    fn load_copied(artifact: &CodeArtifact, engine: &Engine) -> wasmtime::Result<Self>;
}

impl Native for Module {
    const KIND: Kind = Kind::Module;

    fn known(cache: &ModuleCache) -> &Known<Self> {
        cache.known_modules()
    }

    fn load(code: &Code, engine: &Engine) -> wasmtime::Result<Self> {
        // SAFETY: `code` has just been put out by the compiler, and nobody else has its bytes in hand.
        unsafe { Module::deserialize(engine, &code.bytes) }
    }

    fn load_artifact(artifact: CodeArtifact, engine: &Engine) -> wasmtime::Result<Self> {
        match artifact.into_body() {
            // SAFETY: verified, of which the artifact is the proof (see the head of this file), and in memory that is its own.
            CodeBody::Memory(bytes) => unsafe { Module::deserialize(engine, bytes) },
            // SAFETY: verified likewise. A sealed file can no longer be changed by anybody; a mapped one is changed by nobody,
            // by the promise that was made to `open_mapped`.
            CodeBody::Sealed(file) | CodeBody::Mapped(file) => unsafe {
                Module::deserialize_open_file(engine, file)
            },
        }
    }

    fn load_copied(artifact: &CodeArtifact, engine: &Engine) -> wasmtime::Result<Self> {
        // SAFETY: verified likewise, and not changed by anybody since.
        unsafe { Module::deserialize(engine, artifact.bytes()?) }
    }
}

impl Native for Component {
    const KIND: Kind = Kind::Component;

    fn known(cache: &ModuleCache) -> &Known<Self> {
        cache.known_components()
    }

    fn load(code: &Code, engine: &Engine) -> wasmtime::Result<Self> {
        // SAFETY: as for a module.
        unsafe { Component::deserialize(engine, &code.bytes) }
    }

    fn load_artifact(artifact: CodeArtifact, engine: &Engine) -> wasmtime::Result<Self> {
        let loaded = match artifact.body() {
            // SAFETY: as for a module.
            CodeBody::Memory(bytes) => unsafe { Component::deserialize(engine, bytes) },
            // SAFETY: as for a module; the path names the open file itself, and not whatever has its name now.
            CodeBody::Sealed(file) | CodeBody::Mapped(file) => unsafe {
                Component::deserialize_file(engine, path_of(file))
            },
        };
        match loaded {
            // The path leads nowhere: there is no `/proc` here.
            Err(error) if io_error(&error) == Some(ErrorKind::NotFound) => {
                Self::load_copied(&artifact, engine)
            }
            loaded => loaded,
        }
    }

    fn load_copied(artifact: &CodeArtifact, engine: &Engine) -> wasmtime::Result<Self> {
        // SAFETY: as for a module.
        unsafe { Component::deserialize(engine, artifact.bytes()?) }
    }
}

/// What the operating system said, if loading failed by it and not by what was to be loaded.
pub(crate) fn io_error(error: &wasmtime::Error) -> Option<ErrorKind> {
    error.chain().find_map(|cause| {
        #[cfg(unix)]
        if let Some(number) = cause.downcast_ref::<rustix::io::Errno>() {
            return Some(number.kind());
        }
        cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind)
    })
}

/// A path to a file that is open. Wasmtime has no way to load a component from an open file.
#[cfg(target_os = "linux")]
fn path_of(file: &File) -> std::path::PathBuf {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// Elsewhere there are neither sealed files nor mapped ones.
#[cfg(not(target_os = "linux"))]
fn path_of(_file: &File) -> std::path::PathBuf {
    unreachable!("code is loaded from memory on this system")
}

impl CacheBuilder {
    /// Opens the cache in [`LoadMode::Mapped`]: code is not copied but mapped from its entry, which processes share. It is
    /// verified all the same. An entry that does not look as if this crate alone had its hands on it (owner, mode, number of
    /// names, file system) is copied and sealed after all, and counted in [`Stats::downgrades`](crate::Stats::downgrades).
    ///
    /// # Errors
    ///
    /// As [`Cache::open`].
    ///
    /// # Safety
    ///
    /// For as long as anything loaded from the cache lives, nobody but this crate may write to files below the root: not another
    /// program of the same user, not a guest to which the directory was granted. A file that is changed while it is mapped
    /// changes what runs, after all checks; one that is cut short ends the process.
    pub unsafe fn open_mapped(mut self) -> Result<Cache, OpenError> {
        self.settings.mode = LoadMode::Mapped;
        self.open()
    }
}

impl AheadFile {
    /// Takes the bytes of a file made by [`compile_ahead`](crate::compile_ahead) from wherever they came, and checks them
    /// like [`open_vouched`](AheadFile::open_vouched) does, except for the owner that bytes do not have.
    ///
    /// # Errors
    ///
    /// If they are not whole and unchanged since their digest was written.
    ///
    /// # Safety
    ///
    /// The bytes must be what `compile_ahead` returned, and must have come here on a way on which nobody else could replace
    /// them: compiled into the program, say, or downloaded and checked against a digest or a signature that you trust. The
    /// digest inside does not help, since whoever replaces the code can replace that too. Replaced code runs with all rights
    /// of this process.
    pub unsafe fn from_trusted_bytes(bytes: &[u8]) -> Result<AheadFile, AheadError> {
        AheadFile::verify(bytes, bytes.len() as u64)
    }
}

/// Maps a module file that was compiled ahead of time, with nothing checked but what Wasmtime itself does: the fastest
/// way to load, and the one with the least protection. Also reads files of [`compile_ahead`](crate::compile_ahead).
///
/// # Errors
///
/// If the file cannot be read, or if Wasmtime sees that it is of another version, platform, configuration or kind.
///
/// # Safety
///
/// The file must be, unmodified, what [`Engine::precompile_module`], [`Module::serialize`] or `compile_ahead` returned, and
/// nobody may change it in place while the module, its clones or its instances live. Wasmtime does not notice a changed byte of
/// code. To replace the file, give a new one its name.
pub unsafe fn load_precompiled_module(engine: &Engine, path: impl AsRef<Path>) -> wasmtime::Result<Module> {
    // SAFETY: the caller promises what this function asks for.
    unsafe { Module::deserialize_file(engine, path) }
}

/// Maps a component file that was compiled ahead of time; see [`load_precompiled_module`].
///
/// # Errors
///
/// As there.
///
/// # Safety
///
/// As there, with [`Engine::precompile_component`] and [`Component::serialize`].
pub unsafe fn load_precompiled_component(
    engine: &Engine,
    path: impl AsRef<Path>,
) -> wasmtime::Result<Component> {
    // SAFETY: the caller promises what this function asks for.
    unsafe { Component::deserialize_file(engine, path) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MissReason, Source};

    #[test]
    fn bytes_of_the_user_are_no_code() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path().join("cache"), crate::IntegrityOnly).unwrap();
        let key = Key::builder("test").finish();
        let compiled = Engine::default().precompile_module(b"\0asm\x01\0\0\0").unwrap();
        cache.put(&key, &compiled).unwrap();
        assert!(CodeArtifact::of(cache.get(&key).hit().unwrap()).is_none());
        for kind in [Kind::Module, Kind::Component] {
            assert!(matches!(cache.find_code(&key, kind), Err(crate::MissReason::WrongKind)));
        }
    }

    /// Whole, under the right key and well signed, and yet nothing that can be loaded.
    #[test]
    fn what_wasmtime_refuses_is_compiled_anew() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path().join("cache"), crate::IntegrityOnly).unwrap();
        let modules = ModuleCache::new(cache.clone(), &Engine::default()).unwrap();
        let wasm = b"\0asm\x01\0\0\0";
        modules.module(wasm).unwrap();
        let name = cache.entry_names().unwrap().remove(0);
        let key = Key::from_name(name.parse().unwrap());
        cache.remove(&key).unwrap();
        let trailer = Trailer { kind: Kind::Module, ..Trailer::of_bytes(&key, b"no code") };
        cache.store(&key, b"no code", &trailer).unwrap();
        let outcome = modules.module(wasm).unwrap().outcome;
        assert_eq!((outcome.source, outcome.miss), (Source::Compiled, Some(MissReason::Refused)));
        assert_eq!((cache.stats().misses.refused, cache.stats().quarantined), (1, 1));
        assert_eq!(modules.module(wasm).unwrap().outcome.source, Source::Disk);
    }
}
