//! A number of bytes that reads and writes as people do: `64MiB`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of bytes, written `"64MiB"`.
///
/// Text is a whole number followed by `B`, `KiB`, `MiB` or `GiB` (powers of 1024). The units are spelled out so that
/// a policy file can be read only one way: a bare number, `MB` and `m` are refused.
///
/// ```
/// use host_limits::Bytes;
///
/// let budget: Bytes = "64MiB".parse()?;
/// assert_eq!(budget, Bytes::mebi(64));
/// assert_eq!(budget.to_string(), "64MiB");
/// # Ok::<(), host_limits::ParseBytesError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(u64);

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Bytes {
    /// This many bytes.
    pub const fn new(bytes: u64) -> Bytes {
        Bytes(bytes)
    }

    /// This many KiB (1,024 bytes); saturates at `u64::MAX` bytes.
    pub const fn kibi(count: u64) -> Bytes {
        Bytes(count.saturating_mul(1 << 10))
    }

    /// This many MiB (1,048,576 bytes); saturates at `u64::MAX` bytes.
    pub const fn mebi(count: u64) -> Bytes {
        Bytes(count.saturating_mul(1 << 20))
    }

    /// This many GiB (1,073,741,824 bytes); saturates at `u64::MAX` bytes.
    pub const fn gibi(count: u64) -> Bytes {
        Bytes(count.saturating_mul(1 << 30))
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number of bytes as a `usize`, or `usize::MAX` where that is smaller.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The largest unit that loses nothing: `64MiB`, `1536KiB`, `100B`.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = UNITS
            .into_iter()
            .find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size))
            .unwrap_or(("B", 1));
        f.pad(&format!("{}{unit}", self.0 / size))
    }
}

/// Text that is not a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseBytesError {
    /// No unit, or one that is not `B`, `KiB`, `MiB` or `GiB`.
    #[error("`{0}` has no known unit; write a whole number and B, KiB, MiB or GiB, such as `64MiB`")]
    Unit(String),
    /// What stands before the unit is not a whole number from zero up.
    #[error("`{0}` is not a size; write a whole number from 0 up and B, KiB, MiB or GiB, such as `64MiB`")]
    Number(String),
    /// The size has more bytes than 64 bits can count.
    #[error("`{0}` is too large; the largest size is 17179869183GiB")]
    TooLarge(String),
}

impl FromStr for Bytes {
    type Err = ParseBytesError;

    fn from_str(text: &str) -> Result<Bytes, ParseBytesError> {
        let (number, size) = UNITS
            .into_iter()
            .find_map(|(unit, size)| Some((text.strip_suffix(unit)?.trim_end(), size)))
            .ok_or_else(|| ParseBytesError::Unit(text.into()))?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            // `64KB` ends in the unit `B`, but what is wrong with it is its unit.
            let unknown_unit = number.starts_with(|first: char| first.is_ascii_digit())
                && number.ends_with(|last: char| last.is_ascii_alphabetic());
            return Err(if unknown_unit {
                ParseBytesError::Unit(text.into())
            } else {
                ParseBytesError::Number(text.into())
            });
        }
        let count: u64 = number.parse().map_err(|_| ParseBytesError::TooLarge(text.into()))?;
        count.checked_mul(size).map(Bytes).ok_or_else(|| ParseBytesError::TooLarge(text.into()))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size as text with a unit, such as \"64MiB\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // What JSON Schema cannot say: that the whole fits 64 bits.
        schemars::json_schema!({
            "description": "A number of bytes, such as \"64MiB\"; the units are B, KiB, MiB and GiB.",
            "type": "string",
            "pattern": r"^[0-9]+\s*(GiB|MiB|KiB|B)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for (text, bytes) in
            [("0B", 0), ("1B", 1), ("1536KiB", 1536 << 10), ("64MiB", 64 << 20), ("4GiB", 4 << 30)]
        {
            assert_eq!(text.parse(), Ok(Bytes::new(bytes)));
            assert_eq!(Bytes::new(bytes).to_string(), text);
        }
        assert_eq!("64 MiB".parse(), Ok(Bytes::mebi(64)));
    }

    #[test]
    fn refused_text_says_why() {
        for text in ["64", "64MB", "64KB", "64M", "", "64mib"] {
            assert_eq!(text.parse::<Bytes>(), Err(ParseBytesError::Unit(text.into())), "{text}");
        }
        for text in ["-1MiB", "1.5MiB", "MiB", "+1B"] {
            assert_eq!(text.parse::<Bytes>(), Err(ParseBytesError::Number(text.into())), "{text}");
        }
        for text in ["17179869184GiB", "99999999999999999999B"] {
            assert_eq!(text.parse::<Bytes>(), Err(ParseBytesError::TooLarge(text.into())), "{text}");
        }
    }
}
