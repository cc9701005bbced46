//! What names a piece of content: its SHA-256.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
///
/// ```
/// use host_cache::Digest;
///
/// let digest = Digest::of(b"abc");
/// assert!(digest.to_string().starts_with("ba7816bf"));
/// assert_eq!(digest.to_string().parse(), Ok(digest));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(bytes.as_ref()).into())
    }

    /// Takes the 32 bytes of a digest that was made elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// As text where people read it, and as its bytes elsewhere.
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return String::deserialize(deserializer)?.parse().map_err(D::Error::custom);
        }
        <[u8; 32]>::deserialize(deserializer).map(Self)
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    /// Reads 64 hexadecimal digits, in either case, with or without the prefix `sha256:` that registries write.
    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).as_bytes();
        if digits.len() != 64 {
            return Err(ParseDigestError::Length { found: digits.len() });
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

/// Why a text is not a [`Digest`].
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
#[non_exhaustive]
pub enum ParseDigestError {
    /// It has not 64 digits.
    #[error("a SHA-256 digest has 64 hexadecimal digits, but this has {found} characters")]
    Length {
        /// How many bytes there were instead, after the prefix.
        found: usize,
    },
    /// One of them is no hexadecimal digit.
    #[error("a SHA-256 digest has hexadecimal digits only, but this has the byte {found:#04x}")]
    Digit {
        /// The byte that is none.
        found: u8,
    },
}

fn nibble(digit: u8) -> Result<u8, ParseDigestError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        found => Err(ParseDigestError::Digit { found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_what_registries_write() {
        let digest = Digest::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(format!("sha256:{text}").parse(), Ok(digest));
        assert_eq!(text.to_uppercase().parse(), Ok(digest));
    }

    #[test]
    fn refuses_other_text() {
        assert_eq!("".parse::<Digest>(), Err(ParseDigestError::Length { found: 0 }));
        assert_eq!("a".repeat(65).parse::<Digest>(), Err(ParseDigestError::Length { found: 65 }));
        assert_eq!("g".repeat(64).parse::<Digest>(), Err(ParseDigestError::Digit { found: b'g' }));
        // Two bytes each: the length is right, the digits are not.
        assert_eq!("é".repeat(32).parse::<Digest>(), Err(ParseDigestError::Digit { found: 0xc3 }));
    }
}
