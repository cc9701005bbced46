//! Who may have written an entry: whoever has the host key, or whoever may write to the directory.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::place::{self, create_private};
use crate::side_file;

/// What makes an entry believable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trust {
    /// Entries carry an HMAC-SHA256 under a key that is kept elsewhere. Who can write to the directory but has not the
    /// key can cause misses, and nothing else.
    HostKey(HostKey),
    /// Entries carry a digest, which finds accidents. **Who can write to the directory can have code run**, so it has to be
    /// private to the user of this process.
    IntegrityOnly,
}

/// No host key: see [`Trust::IntegrityOnly`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it says all that there is to say")]
pub struct IntegrityOnly;

impl From<IntegrityOnly> for Trust {
    fn from(_: IntegrityOnly) -> Self {
        Self::IntegrityOnly
    }
}

impl From<HostKey> for Trust {
    fn from(key: HostKey) -> Self {
        Self::HostKey(key)
    }
}

/// A secret of this host, with which the entries of a cache are authenticated. It must not be kept in the cache's directory.
///
/// ```
/// use host_cache::HostKey;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// let file = directory.path().join("state/host.key");
/// let made = HostKey::open(&file)?; // 32 random bytes, readable by you alone
/// let read = HostKey::open(&file)?;
/// assert_eq!(made.id(), read.id());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HostKey {
    secret: [u8; 32],
    id: KeyId,
    file: Option<PathBuf>,
}

/// Tells keys apart, and tells nothing of the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; 8]);

impl HostKey {
    /// Takes a secret that is kept elsewhere: by the orchestrator of a container, say. It must be random, all 32 bytes of it.
    pub fn from_bytes(secret: [u8; 32]) -> Self {
        let mut key = Self { secret, id: KeyId([0; 8]), file: None };
        let id = key.tag(&[b"host-cache/key-id/1"]);
        key.id = KeyId(*id.first_chunk().expect("a tag has 32 bytes"));
        key
    }

    /// Reads the secret in `file`, or makes one there, in mode 0600, if there is none.
    ///
    /// # Errors
    ///
    /// If the file can neither be read nor made, is not one of a host key, or may be read or written by others.
    pub fn open(file: impl AsRef<Path>) -> Result<Self, HostKeyError> {
        let path = std::path::absolute(file.as_ref())
            .map_err(|source| HostKeyError::Read { path: file.as_ref().to_owned(), source })?;
        let key = match Self::read(&path) {
            Err(HostKeyError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::create(&path).map_err(|source| HostKeyError::Create { path: path.clone(), source })?;
                // Also right after it was made: somebody else may have been faster, and then theirs is the key.
                Self::read(&path)?
            }
            read => read?,
        };
        Ok(Self { file: Some(path), ..key })
    }

    /// Where a program that has no better place keeps its key: `host-cache/host.key` below `$XDG_STATE_HOME`, or else
    /// below `~/.local/state`. `None` if neither is known.
    pub fn default_path() -> Option<PathBuf> {
        let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let state = state.or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
        Some(state.join("host-cache").join("host.key"))
    }

    /// A name for the key that gives nothing of it away.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The file that it was read from.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    fn read(path: &Path) -> Result<Self, HostKeyError> {
        let read = |source| HostKeyError::Read { path: path.to_owned(), source };
        // Before it is opened: opening a pipe would wait for somebody to write to it.
        if !fs::metadata(path).map_err(read)?.is_file() {
            return Err(HostKeyError::NotAKey { path: path.to_owned() });
        }
        let file = File::open(path).map_err(read)?;
        if !place::is_secret_file_of_user_or_administrator(&file).map_err(read)? {
            return Err(HostKeyError::NotSecret { path: path.to_owned() });
        }
        let mut bytes = Vec::with_capacity(33);
        (&file).take(33).read_to_end(&mut bytes).map_err(read)?;
        let secret = bytes.try_into().map_err(|_| HostKeyError::NotAKey { path: path.to_owned() })?;
        Ok(Self::from_bytes(secret))
    }

    /// Makes a key file that appears whole or not at all, and never replaces one.
    fn create(path: &Path) -> io::Result<()> {
        let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        create_private(directory)?;
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        match side_file::create(path, &secret) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(&self.secret).expect("HMAC takes keys of any length");
        parts.iter().for_each(|part| mac.update(part));
        mac
    }

    fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.mac(parts).finalize().into_bytes().into()
    }
}

/// Shows the name of the key only.
impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostKey").field("id", &self.id).field("file", &self.file).finish_non_exhaustive()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl Trust {
    /// The name of the key, zero for none. It stands in the path and in the trailer of an entry.
    pub(crate) fn key_id(&self) -> KeyId {
        match self {
            Self::HostKey(key) => key.id,
            Self::IntegrityOnly => KeyId([0; 8]),
        }
    }

    /// What vouches for `parts`, which must not be ambiguous when joined.
    pub(crate) fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        match self {
            Self::HostKey(key) => key.tag(parts),
            Self::IntegrityOnly => {
                let mut sha = Sha256::new();
                parts.iter().for_each(|part| sha.update(part));
                sha.finalize().into()
            }
        }
    }

    /// Whether `tag` is the one of `parts`. The time it takes does not tell how much of it is right.
    pub(crate) fn vouches(&self, parts: &[&[u8]], tag: &[u8; 32]) -> bool {
        match self {
            Self::HostKey(key) => key.mac(parts).verify_slice(tag).is_ok(),
            Self::IntegrityOnly => self.tag(parts) == *tag,
        }
    }
}

/// Why there is no host key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostKeyError {
    /// It cannot be read.
    #[error("cannot read the host key {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is none, and none can be made.
    #[error("cannot create the host key {}: make its directory writable, or name another file", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read it, or change it.
    #[error(
        "the host key {} is not yours alone: `chmod 600` it if nobody else has seen it, else remove it, and a new one is made",
        path.display()
    )]
    NotSecret {
        /// The file.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{} is not a host key, which is a file of 32 bytes: name another file, or remove it, and a new one is made", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
        hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }

    /// RFC 4231, test cases 1 and 2, whose shorter keys HMAC pads with zeros.
    #[test]
    fn tags_are_those_of_the_standard() {
        let key = |secret: &[u8]| {
            let mut padded = [0; 32];
            padded[..secret.len()].copy_from_slice(secret);
            HostKey::from_bytes(padded)
        };
        let one = key(&[0x0b; 20]).tag(&[b"Hi ", b"There"]);
        assert_eq!(one[..], bytes("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
        let two = key(b"Jefe").tag(&[b"what do ya want for nothing?"]);
        assert_eq!(two[..], bytes("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    }

    #[test]
    fn only_the_same_key_and_the_same_parts_are_vouched_for() {
        let (one, another) =
            (Trust::from(HostKey::from_bytes([1; 32])), Trust::from(HostKey::from_bytes([2; 32])));
        let none = Trust::from(IntegrityOnly);
        let tag = one.tag(&[b"a", b"bc"]);
        assert!(one.vouches(&[b"a", b"bc"], &tag));
        for trust in [&another, &none] {
            assert!(!trust.vouches(&[b"a", b"bc"], &tag));
        }
        assert!(!one.vouches(&[b"a", b"bd"], &tag));
        assert!(!one.vouches(&[b"a", b"bc"], &[0; 32]));
        assert!(!one.vouches(&[b"a", b"bc"], &none.tag(&[b"a", b"bc"])));
        assert_ne!(one.key_id(), another.key_id());
        assert_ne!(one.key_id(), none.key_id());
    }

    #[test]
    fn the_secret_is_not_shown() {
        let shown = format!("{:?}", HostKey::from_bytes([0xab; 32]));
        assert!(!shown.contains("ab, ") && !shown.contains("171") && !shown.contains("abab"), "{shown}");
    }
}
