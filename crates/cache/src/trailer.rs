//! The last bytes of an entry: what the bytes before them are, and the tag that vouches for it.
//!
//! ```text
//! artefact | body: what `Trailer` says, in bincode | foot: tag of the rest (32), length of the body (4), format (4), key (8), end mark (8)
//! ```
//!
//! The artefact stands at offset 0, so that it can be mapped as it is. The tag covers the raw body and the rest of the
//! foot, and is checked before bincode reads the body. It is an HMAC under the host key whose name the foot has, or a digest
//! where that name is zero.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::{Deserialize, Serialize};

use crate::trust::{KeyId, Trust};
use crate::{Digest, Key, MissReason};

/// The version of the format; it stands in the path of an entry too. Why it changed:
///
/// 1. the first.
/// 2. entries are authenticated: the foot names a key, and the tag may be an HMAC.
pub(crate) const FORMAT: u32 = 2;

/// How many bytes the foot has.
pub(crate) const FOOT: usize = 32 + 4 + 4 + 8 + 8;

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

    /// What compiling it took.
    pub(crate) fn compile_time(&self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.compile_nanos)
    }

    /// The bytes to append to the artefact, or `None` if the body would be too long to be read again.
    pub(crate) fn to_bytes(&self, trust: &Trust) -> Option<Vec<u8>> {
        let mut bytes = bincode::serde::encode_to_vec(self, BINCODE).ok()?;
        // bincode's own limit holds for reading only.
        if bytes.len() > BODY_LIMIT {
            return None;
        }
        let foot =
            Foot { body_length: u32::try_from(bytes.len()).ok()?, format: FORMAT, key: trust.key_id() };
        let tag = trust.tag(&[&foot.statement(&bytes)]);
        bytes.extend_from_slice(&tag);
        bytes.extend_from_slice(&foot.tail());
        Some(bytes)
    }

    /// Reads a body that [`Foot::parse`] has announced, after checking its tag.
    pub(crate) fn parse(body: &[u8], foot: &Foot, tag: &[u8; 32], trust: &Trust) -> Result<Self, MissReason> {
        if foot.key != trust.key_id() {
            return Err(MissReason::ForeignKey);
        }
        if !trust.vouches(&[&foot.statement(body)], tag) {
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
    key: KeyId,
}

impl Foot {
    /// Reads the last bytes of a file: the foot, and the tag it gives, not yet checked.
    pub(crate) fn parse(bytes: &[u8; FOOT]) -> Result<(Self, [u8; 32]), MissReason> {
        let (tag, rest) = bytes.split_first_chunk::<32>().expect("a foot has 56 bytes");
        let (body_length, rest) = rest.split_first_chunk::<4>().expect("24 bytes are left");
        let (format, rest) = rest.split_first_chunk::<4>().expect("20 bytes are left");
        let (key, end_mark) = rest.split_first_chunk::<8>().expect("16 bytes are left");
        let foot = Self {
            body_length: u32::from_le_bytes(*body_length),
            format: u32::from_le_bytes(*format),
            key: KeyId(*key),
        };
        if end_mark != END_MARK {
            return Err(MissReason::Truncated);
        }
        if foot.format != FORMAT || foot.body_length as usize > BODY_LIMIT {
            return Err(MissReason::Format);
        }
        Ok((foot, *tag))
    }

    /// What follows the tag.
    fn tail(&self) -> [u8; 24] {
        let mut tail = [0; 24];
        tail[..4].copy_from_slice(&self.body_length.to_le_bytes());
        tail[4..8].copy_from_slice(&self.format.to_le_bytes());
        tail[8..16].copy_from_slice(&self.key.0);
        tail[16..].copy_from_slice(&END_MARK);
        tail
    }

    /// What the tag covers. The parts before the body have fixed lengths, so they cannot run together.
    fn statement(&self, body: &[u8]) -> Vec<u8> {
        [&b"host-cache/trailer/2"[..], &self.tail(), body].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HostKey;

    fn example() -> Trailer {
        Trailer {
            compiler: "48.0.8".into(),
            ..Trailer::of_bytes(&Key::builder("test").finish(), b"artefact")
        }
    }

    fn trusts() -> [Trust; 2] {
        [Trust::IntegrityOnly, HostKey::from_bytes([7; 32]).into()]
    }

    fn parse_as(bytes: &[u8], trust: &Trust) -> Result<Trailer, MissReason> {
        let (body, foot) = bytes.split_last_chunk::<FOOT>().ok_or(MissReason::Truncated)?;
        let (foot, tag) = Foot::parse(foot)?;
        Trailer::parse(body, &foot, &tag, trust)
    }

    fn parse(bytes: &[u8]) -> Result<Trailer, MissReason> {
        parse_as(bytes, &Trust::IntegrityOnly)
    }

    #[test]
    fn one_trust_does_not_read_what_another_wrote() {
        let [open, keyed] = trusts();
        let other = Trust::from(HostKey::from_bytes([8; 32]));
        let by_key = example().to_bytes(&keyed).unwrap();
        assert_eq!(parse_as(&by_key, &keyed), Ok(example()));
        assert_eq!(parse_as(&by_key, &open), Err(MissReason::ForeignKey));
        assert_eq!(parse_as(&by_key, &other), Err(MissReason::ForeignKey));
        assert_eq!(parse_as(&example().to_bytes(&open).unwrap(), &keyed), Err(MissReason::ForeignKey));

        // The name of the key forged, with a digest for a tag, or with that of another key.
        for forger in [&open, &other] {
            let foot = Foot { body_length: 0, format: FORMAT, key: keyed.key_id() };
            let tag = forger.tag(&[&foot.statement(b"")]);
            assert_eq!(Trailer::parse(b"", &foot, &tag, &keyed), Err(MissReason::BadDigest));
        }
    }

    #[test]
    fn reads_what_it_writes() {
        assert_eq!(parse(&example().to_bytes(&Trust::IntegrityOnly).unwrap()), Ok(example()));
    }

    /// A change of layout must change `FORMAT`, or old entries would be read as something else.
    #[test]
    fn the_layout_is_pinned() {
        let bytes = example().to_bytes(&Trust::IntegrityOnly).unwrap();
        assert_eq!(bytes.len(), 4 + 32 + 8 + 32 + (8 + 6) + 8 + FOOT);
        assert_eq!(
            Digest::of(&bytes).to_string(),
            "1f7203808b10db4af013adc7b40e8e210ec54223a7b3f8cd07896c62e96104bb"
        );
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        for trust in trusts() {
            let bytes = example().to_bytes(&trust).unwrap();
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(parse_as(&flipped, &trust).is_err(), "bit {bit}");
            }
        }
    }

    #[test]
    fn another_format_is_named() {
        let mut bytes = example().to_bytes(&Trust::IntegrityOnly).unwrap();
        let at = bytes.len() - 20;
        bytes[at] += 1;
        assert_eq!(parse(&bytes), Err(MissReason::Format));
    }

    #[test]
    fn a_body_longer_than_any_is_not_asked_for() {
        for body_length in [BODY_LIMIT as u32 + 1, u32::MAX] {
            let foot = Foot { body_length, format: FORMAT, key: KeyId([0; 8]) };
            let mut bytes = [0; FOOT];
            bytes[32..].copy_from_slice(&foot.tail());
            assert_eq!(Foot::parse(&bytes), Err(MissReason::Format));
        }
    }

    #[test]
    fn a_well_signed_body_of_something_else_is_refused() {
        for body in [&b""[..], b"short", &[0xff; 100], &[0; 1024]] {
            assert_eq!(parse_well_tagged(body), Err(MissReason::Format));
        }
        let mut longer = example().to_bytes(&Trust::IntegrityOnly).unwrap();
        longer.truncate(longer.len() - FOOT);
        longer.push(0);
        assert_eq!(parse_well_tagged(&longer), Err(MissReason::Format));
    }

    fn parse_well_tagged(body: &[u8]) -> Result<Trailer, MissReason> {
        let trust = Trust::IntegrityOnly;
        let foot = Foot { body_length: body.len() as u32, format: FORMAT, key: trust.key_id() };
        Trailer::parse(body, &foot, &trust.tag(&[&foot.statement(body)]), &trust)
    }

    #[test]
    fn a_body_too_long_to_be_read_is_not_written() {
        let long = Trailer { compiler: "v".repeat(BODY_LIMIT), ..example() };
        assert!(long.to_bytes(&Trust::IntegrityOnly).is_none());
    }
}
