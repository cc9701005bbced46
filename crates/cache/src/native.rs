//! Loading native code, which Wasmtime cannot check: the only file with `unsafe`.
//!
//! The promise to keep is that of [`Module::deserialize`]: the bytes are, unmodified, what some version of Wasmtime's
//! compiler put out. [`Code`] is the proof of it, because there are two ways to get one. Either its bytes come straight from
//! the compiler; or from an [`Artifact`], which exists only after its digest was found right *in memory*, and whose trailer
//! says that it is code, which only [`Code::trailer`] writes. The user's own bytes are kept under another kind and other
//! keys, so they cannot get here.
//!
//! What a digest does not prove is who computed it. Somebody who can write to the private directory, or to a file that
//! [`AheadFile::open_vouched`] takes, can forge one: the user of this process (a guest to which they have granted the
//! directory writes as them) and the administrator. That is outside the promise until entries are authenticated.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use crate::{AheadError, AheadFile, Artifact, Digest, Key, Kind, Trailer};

/// Bytes that are output of Wasmtime's compiler.
pub(crate) struct Code<'a> {
    kind: Kind,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Code<'a> {
    /// Compiles `wasm`.
    pub(crate) fn compile(engine: &Engine, kind: Kind, wasm: &[u8]) -> wasmtime::Result<Code<'static>> {
        let bytes = match kind {
            Kind::Module => engine.precompile_module(wasm)?,
            Kind::Component => engine.precompile_component(wasm)?,
            Kind::Bytes => wasmtime::bail!("bytes are not compiled"),
        };
        Ok(Code { kind, bytes: Cow::Owned(bytes) })
    }

    /// Code that was compiled before, if this artifact is code.
    pub(crate) fn of(artifact: &'a Artifact) -> Option<Code<'a>> {
        let kind = artifact.kind();
        (kind != Kind::Bytes).then(|| Code { kind, bytes: Cow::Borrowed(artifact.bytes()) })
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

    /// Loads a module. Wasmtime itself refuses components and what was compiled for an engine that differs too much.
    pub(crate) fn module(&self, engine: &Engine) -> wasmtime::Result<Module> {
        // SAFETY: the bytes are unmodified output of the compiler, of which `self` is the proof (see the head of this file):
        // made by `compile`, or verified against the digest written for them by `trailer`. Nobody else has them in hand.
        unsafe { Module::deserialize(engine, &self.bytes) }
    }

    /// Loads a component; see [`Code::module`].
    pub(crate) fn component(&self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: as in `module`.
        unsafe { Component::deserialize(engine, &self.bytes) }
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
        AheadFile::verify(std::io::Cursor::new(bytes))
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
    use crate::Cache;

    #[test]
    fn bytes_of_the_user_are_no_code() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path().join("cache")).unwrap();
        let key = Key::builder("test").finish();
        let compiled = Engine::default().precompile_module(b"\0asm\x01\0\0\0").unwrap();
        cache.put(&key, &compiled).unwrap();
        assert!(Code::of(&cache.get(&key).hit().unwrap()).is_none());
    }
}
