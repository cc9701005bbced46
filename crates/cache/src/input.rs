//! `Input`: WebAssembly to compile, and what is known of it.

use crate::{CompileError, Digest};

/// WebAssembly in binary form, with its digest if that is known already, for instance from a registry. Hashing is most of the
/// time that a hit takes.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    wasm: &'a [u8],
    digest: Option<Digest>,
    /// Whether the digest was computed here.
    is_checked: bool,
}

impl<'a> Input<'a> {
    /// The WebAssembly whose SHA-256 is `digest`. It is checked before anything is compiled; code that was compiled before is
    /// that of the digest, whatever the bytes are.
    pub fn with_digest(wasm: &'a [u8], digest: Digest) -> Self {
        Self { wasm, digest: Some(digest), is_checked: false }
    }

    /// The WebAssembly whose digest has just been computed.
    pub(crate) fn hashed(wasm: &'a [u8], digest: Digest) -> Self {
        Self { wasm, digest: Some(digest), is_checked: true }
    }

    pub(crate) fn wasm(&self) -> &'a [u8] {
        self.wasm
    }

    /// The digest that was given, or else that of the bytes.
    pub(crate) fn digest(&self) -> Digest {
        self.digest.unwrap_or_else(|| Digest::of(self.wasm))
    }

    /// Whether the bytes are those of the digest that was given.
    pub(crate) fn check(&self) -> Result<(), CompileError> {
        let Some(expected) = self.digest.filter(|_| !self.is_checked) else { return Ok(()) };
        let found = Digest::of(self.wasm);
        if found == expected { Ok(()) } else { Err(CompileError::WrongDigest { expected, found }) }
    }
}

impl<'a> From<&'a [u8]> for Input<'a> {
    fn from(wasm: &'a [u8]) -> Self {
        Self { wasm, digest: None, is_checked: true }
    }
}

impl<'a> From<&'a Vec<u8>> for Input<'a> {
    fn from(wasm: &'a Vec<u8>) -> Self {
        wasm.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Input<'a> {
    fn from(wasm: &'a [u8; N]) -> Self {
        wasm.as_slice().into()
    }
}
