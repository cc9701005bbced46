//! The last bytes of an entry: what the bytes before them are, and the digest that proves it.
//!
//! ```text
//! artefact | body: what `Trailer` says, in bincode | foot: digest of the rest (32), length of the body (4), format (4), end mark (8)
//! ```
//!
//! The artefact stands at offset 0, so that it can be mapped as it is. The digest covers the raw body and the rest of the
//! foot, and is checked before bincode reads the body.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Digest, Key, MissReason};

/// The version of the format; it stands in the path of an entry too. Why it changed:
///
/// 1. the first.
pub(crate) const FORMAT: u32 = 1;

/// How many bytes the foot has.
pub(crate) const FOOT: usize = 32 + 4 + 4 + 8;

/// The most bytes that a body may have.
const BODY_LIMIT: usize = 1024;

const END_MARK: [u8; 8] = *b"hcache\r\n";

const BINCODE: Configuration<LittleEndian, Fixint, Limit<BODY_LIMIT>> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_limit();

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kind {
    /// Bytes of the user's own, from [`Cache::put`](crate::Cache::put). They are never loaded as code.
    Bytes,
    /// Native code compiled from a core WebAssembly module.
    Module,
    /// Native code compiled from a WebAssembly component.
    Component,
}

impl Kind {
    /// `"bytes"`, `"module"` or `"component"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Module => "module",
            Self::Component => "component",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What is said of an artefact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trailer {
    pub(crate) kind: Kind,
    pub(crate) key: Digest,
    /// Length of the artefact in bytes.
    pub(crate) length: u64,
    /// Digest of the artefact.
    pub(crate) digest: Digest,
    /// The exact version of Wasmtime that compiled it; empty for [`Kind::Bytes`].
    pub(crate) compiler: String,
    /// What compiling it took; zero if that was not measured.
    pub(crate) compile_nanos: u64,
}

impl Trailer {
    /// The trailer of an `artefact` of the user's own.
    pub(crate) fn of_bytes(key: &Key, artefact: &[u8]) -> Self {
        Self {
            kind: Kind::Bytes,
            key: *key.digest(),
            length: artefact.len() as u64,
            digest: Digest::of(artefact),
            compiler: String::new(),
            compile_nanos: 0,
        }
    }

    /// The bytes to append to the artefact, or `None` if the body would be too long to be read again.
    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = bincode::serde::encode_to_vec(self, BINCODE).ok()?;
        // bincode's own limit holds for reading only.
        if bytes.len() > BODY_LIMIT {
            return None;
        }
        let foot = Foot { body_length: u32::try_from(bytes.len()).ok()?, format: FORMAT };
        let digest = foot.digest(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        bytes.extend_from_slice(&foot.tail());
        Some(bytes)
    }

    /// Reads a body that [`Foot::parse`] has announced, after checking its digest.
    pub(crate) fn parse(body: &[u8], foot: &Foot, digest: &Digest) -> Result<Self, MissReason> {
        if foot.digest(body) != *digest {
            return Err(MissReason::BadDigest);
        }
        match bincode::serde::decode_from_slice(body, BINCODE) {
            Ok((trailer, read)) if read == body.len() => Ok(trailer),
            _ => Err(MissReason::Format),
        }
    }
}

/// The part of the trailer with a fixed length, from which the rest is found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Foot {
    pub(crate) body_length: u32,
    format: u32,
}

impl Foot {
    /// Reads the last bytes of a file: the foot, and the digest it gives, not yet checked.
    pub(crate) fn parse(bytes: &[u8; FOOT]) -> Result<(Self, Digest), MissReason> {
        let (digest, rest) = bytes.split_first_chunk::<32>().expect("a foot has 48 bytes");
        let (body_length, rest) = rest.split_first_chunk::<4>().expect("16 bytes are left");
        let (format, end_mark) = rest.split_first_chunk::<4>().expect("12 bytes are left");
        let foot =
            Self { body_length: u32::from_le_bytes(*body_length), format: u32::from_le_bytes(*format) };
        if end_mark != END_MARK {
            return Err(MissReason::Truncated);
        }
        if foot.format != FORMAT || foot.body_length as usize > BODY_LIMIT {
            return Err(MissReason::Format);
        }
        Ok((foot, Digest::from_bytes(*digest)))
    }

    /// What follows the digest.
    fn tail(&self) -> [u8; 16] {
        let mut tail = [0; 16];
        tail[..4].copy_from_slice(&self.body_length.to_le_bytes());
        tail[4..8].copy_from_slice(&self.format.to_le_bytes());
        tail[8..].copy_from_slice(&END_MARK);
        tail
    }

    fn digest(&self, body: &[u8]) -> Digest {
        let sha = Sha256::new().chain_update(b"host-cache/trailer/1").chain_update(self.tail());
        Digest::from_bytes(sha.chain_update(body).finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Trailer {
        Trailer {
            compiler: "48.0.8".into(),
            ..Trailer::of_bytes(&Key::builder("test").finish(), b"artefact")
        }
    }

    fn parse(bytes: &[u8]) -> Result<Trailer, MissReason> {
        let (body, foot) = bytes.split_last_chunk::<FOOT>().ok_or(MissReason::Truncated)?;
        let (foot, digest) = Foot::parse(foot)?;
        Trailer::parse(body, &foot, &digest)
    }

    #[test]
    fn reads_what_it_writes() {
        assert_eq!(parse(&example().to_bytes().unwrap()), Ok(example()));
    }

    /// A change of layout must change `FORMAT`, or old entries would be read as something else.
    #[test]
    fn the_layout_is_pinned() {
        let bytes = example().to_bytes().unwrap();
        assert_eq!(bytes.len(), 4 + 32 + 8 + 32 + (8 + 6) + 8 + FOOT);
        assert_eq!(
            Digest::of(&bytes).to_string(),
            "675f3356792d97d4a86188d42e0963c372dc2f8e60e0ade5f0ac1ef2a4b9598f"
        );
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let bytes = example().to_bytes().unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn another_format_is_named() {
        let mut bytes = example().to_bytes().unwrap();
        let at = bytes.len() - 12;
        bytes[at] += 1;
        assert_eq!(parse(&bytes), Err(MissReason::Format));
    }

    #[test]
    fn a_body_longer_than_any_is_not_asked_for() {
        for body_length in [BODY_LIMIT as u32 + 1, u32::MAX] {
            let foot = Foot { body_length, format: FORMAT };
            let mut bytes = [0; FOOT];
            bytes[32..].copy_from_slice(&foot.tail());
            assert_eq!(Foot::parse(&bytes), Err(MissReason::Format));
        }
    }

    #[test]
    fn a_well_signed_body_of_something_else_is_refused() {
        for body in [&b""[..], b"short", &[0xff; 100], &[0; 1024]] {
            let foot = Foot { body_length: body.len() as u32, format: FORMAT };
            assert_eq!(Trailer::parse(body, &foot, &foot.digest(body)), Err(MissReason::Format));
        }
        let mut longer = example().to_bytes().unwrap();
        longer.truncate(longer.len() - FOOT);
        longer.push(0);
        let foot = Foot { body_length: longer.len() as u32, format: FORMAT };
        assert_eq!(Trailer::parse(&longer, &foot, &foot.digest(&longer)), Err(MissReason::Format));
    }

    #[test]
    fn a_body_too_long_to_be_read_is_not_written() {
        let long = Trailer { compiler: "v".repeat(BODY_LIMIT), ..example() };
        assert!(long.to_bytes().is_none());
    }
}
