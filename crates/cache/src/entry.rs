//! Verifying one entry: the only place that makes an [`Artifact`].

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

use crate::trailer::{FOOT, Foot};
use crate::{Digest, Key, Kind, MissReason, Trailer};

/// The bytes of an entry, after every check.
///
/// Nothing but a verification makes one, so that whoever holds one holds bytes whose digest, key and kind were right. The
/// bytes are a copy in memory: what happens to the file afterwards does not reach them.
#[derive(Clone, PartialEq, Eq)]
pub struct Artifact {
    kind: Kind,
    digest: Digest,
    compile_time: Duration,
    bytes: Vec<u8>,
}

impl Artifact {
    /// What was put.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What was put, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The digest of the bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What the bytes are.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What it took to compile them, when that was done; zero for [`Kind::Bytes`].
    pub fn compile_time(&self) -> Duration {
        self.compile_time
    }
}

impl AsRef<[u8]> for Artifact {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Artifact")
            .field("kind", &self.kind)
            .field("length", &self.bytes.len())
            .field("digest", &self.digest)
            .finish()
    }
}

/// Reads an artefact and its trailer, and hands them out only if all of it is as it was written.
///
/// `accept` sees the trailer once that is known to be whole, and may refuse it before the artefact is read. No more memory
/// is asked for than the file is long.
pub(crate) fn verify<R: Read + Seek>(
    mut entry: R,
    accept: impl FnOnce(&Trailer) -> Result<(), MissReason>,
) -> Result<(Trailer, Artifact), MissReason> {
    let length = entry.seek(SeekFrom::End(0))?;
    let foot_at = length.checked_sub(FOOT as u64).ok_or(MissReason::Truncated)?;
    entry.seek(SeekFrom::Start(foot_at))?;
    let mut foot = [0; FOOT];
    entry.read_exact(&mut foot)?;
    let (foot, digest) = Foot::parse(&foot)?;

    let body_at = foot_at.checked_sub(u64::from(foot.body_length)).ok_or(MissReason::Truncated)?;
    entry.seek(SeekFrom::Start(body_at))?;
    let body = read(&mut entry, u64::from(foot.body_length))?;
    let trailer = Trailer::parse(&body, &foot, &digest)?;
    accept(&trailer)?;
    if trailer.length != body_at {
        return Err(MissReason::Truncated);
    }

    entry.seek(SeekFrom::Start(0))?;
    let bytes = read(&mut entry, trailer.length)?;
    // Of the bytes in memory, which are the ones handed out.
    if Digest::of(&bytes) != trailer.digest {
        return Err(MissReason::BadDigest);
    }
    let compile_time = Duration::from_nanos(trailer.compile_nanos);
    let artifact = Artifact { kind: trailer.kind, digest: trailer.digest, compile_time, bytes };
    Ok((trailer, artifact))
}

/// Accepts the entry of `key`, if it is of `kind`.
pub(crate) fn of(key: &Key, kind: Kind) -> impl FnOnce(&Trailer) -> Result<(), MissReason> {
    move |trailer| {
        if trailer.key != *key.digest() {
            Err(MissReason::KeyMismatch)
        } else if trailer.kind != kind {
            Err(MissReason::WrongKind)
        } else {
            Ok(())
        }
    }
}

fn read(from: &mut impl Read, length: u64) -> Result<Vec<u8>, MissReason> {
    let length = usize::try_from(length).map_err(|_| MissReason::Io(io::ErrorKind::OutOfMemory))?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| MissReason::Io(io::ErrorKind::OutOfMemory))?;
    bytes.resize(length, 0);
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn key(name: &str) -> Key {
        Key::builder("test").field("name", name).finish()
    }

    #[test]
    fn only_the_right_key_and_kind_are_handed_out() {
        let trailer = Trailer::of_bytes(&key("a"), b"artefact");
        let file = [&b"artefact"[..], &trailer.to_bytes().unwrap()].concat();
        let found = |name, kind| {
            verify(Cursor::new(&file), of(&key(name), kind)).map(|(_, found)| found.into_bytes())
        };

        assert_eq!(found("a", Kind::Bytes), Ok(b"artefact".to_vec()));
        assert_eq!(found("a", Kind::Module), Err(MissReason::WrongKind));
        assert_eq!(found("a", Kind::Component), Err(MissReason::WrongKind));
        assert_eq!(found("b", Kind::Bytes), Err(MissReason::KeyMismatch));
    }

    /// A trailer may announce what it likes; no more is read, or asked of memory, than is there.
    #[test]
    fn a_well_signed_length_that_is_not_there_is_refused() {
        for length in [0, 7, 9, 1 << 40, u64::MAX] {
            let trailer = Trailer { length, ..Trailer::of_bytes(&key("a"), b"artefact") };
            let file = [&b"artefact"[..], &trailer.to_bytes().unwrap()].concat();
            assert_eq!(verify(Cursor::new(file), |_| Ok(())), Err(MissReason::Truncated), "{length}");
        }
    }
}
