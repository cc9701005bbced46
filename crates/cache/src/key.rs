//! The name of an entry: everything the artefact depends on, and nothing else.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::Digest;

/// Names one entry of a [`Cache`](crate::Cache).
///
/// A key is the SHA-256 of a transcript in which every field stands with its name and both lengths, so that two
/// different lists of fields never give the same key. A key can be shown, but not read back or made from a digest. No list of
/// fields gives a key under which this crate keeps compiled code; `ModuleCache::key_for` tells those, and bytes that are put
/// under them are never run.
///
/// ```
/// use host_cache::Key;
///
/// let key = |size: &str| Key::builder("thumbnails").field("size", size).field("of", b"picture").finish();
/// assert_eq!(key("64x64"), key("64x64"));
/// assert_ne!(key("64x64"), key("128x128"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Digest);

impl Key {
    /// Begins a key in `domain`: a word that sets your entries apart from those of others in the same cache.
    pub fn builder(domain: &str) -> KeyBuilder {
        KeyBuilder::begin("host-cache/bytes/1").field("domain", domain)
    }

    /// Begins the key of compiled code, in a space that [`Key::builder`] cannot reach.
    #[cfg(feature = "wasmtime")]
    pub(crate) fn of_code() -> KeyBuilder {
        KeyBuilder::begin("host-cache/code/1")
    }

    /// The key of the entry that has this name.
    pub(crate) const fn from_name(name: Digest) -> Self {
        Self(name)
    }

    /// What a trailer keeps of the key.
    pub(crate) const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

/// Collects the fields of a [`Key`]. Their order counts, and a name given twice is two fields.
#[derive(Clone, Debug)]
#[must_use = "a key is made by `finish`"]
pub struct KeyBuilder(Sha256);

impl KeyBuilder {
    fn begin(space: &str) -> Self {
        Self(Sha256::new()).part(space.as_bytes())
    }

    /// Adds a field that the artefact depends on. To add something large, add its [`Digest`].
    pub fn field(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.part(name.as_bytes()).part(value.as_ref())
    }

    /// The key of the fields so far.
    #[must_use]
    pub fn finish(self) -> Key {
        Key(Digest::from_bytes(self.0.finalize().into()))
    }

    fn part(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thumbnail(fields: &[(&str, &str)]) -> Key {
        fields.iter().fold(Key::builder("thumbnails"), |key, (name, value)| key.field(name, value)).finish()
    }

    /// Computed by hand from the transcript. If this test fails, every entry on every disk is out of reach: raise the
    /// number in the name of the space, and do so on purpose.
    #[test]
    fn golden_vectors() {
        for (key, golden) in [
            (thumbnail(&[]), "51653f5b24b17b55b4e58bf794265c698a3d44247ca50be5997316ab59830cc5"),
            (
                thumbnail(&[("size", "64x64"), ("of", "picture")]),
                "f0edaf55d76270b7fa66e830e9c5964e13af1debe254d53cc63ccf784e612460",
            ),
        ] {
            assert_eq!(key.to_string(), golden);
        }
    }

    #[test]
    fn each_change_gives_another_key() {
        let keys = [
            thumbnail(&[]),
            Key::builder("thumbnail").finish(),
            thumbnail(&[("a", "b")]),
            thumbnail(&[("a", "c")]),
            thumbnail(&[("b", "b")]),
            thumbnail(&[("a", "")]),
            thumbnail(&[("", "a")]),
            // The same bytes when joined, cut at other places.
            thumbnail(&[("ab", "c")]),
            thumbnail(&[("a", "bc")]),
            thumbnail(&[("a", "b"), ("c", "")]),
            thumbnail(&[("a", "b"), ("", "c")]),
            thumbnail(&[("a", ""), ("b", "c")]),
            // Order and repetition.
            thumbnail(&[("a", "1"), ("b", "2")]),
            thumbnail(&[("b", "2"), ("a", "1")]),
            thumbnail(&[("a", "1"), ("a", "1")]),
            thumbnail(&[("a", "1")]),
        ];
        for (i, key) in keys.iter().enumerate() {
            for (j, other) in keys.iter().enumerate() {
                assert_eq!(key == other, i == j, "{i} and {j}");
            }
        }
    }
}
