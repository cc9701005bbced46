//! Verifying one entry: the only place that makes an [`Artifact`], or a [`CodeArtifact`] of a file.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::trailer::{FOOT, Foot};
use crate::trust::Trust;
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

/// Where an entry is read from: at offsets, so that no position is shared.
pub(crate) trait ReadAt {
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for File {
    #[cfg(unix)]
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, bytes, offset)
    }

    #[cfg(not(unix))]
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = self;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(bytes)
    }
}

impl ReadAt for [u8] {
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let here = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)?.get(..bytes.len()));
        bytes.copy_from_slice(here.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// How much of the end of a file is read at once; no trailer that this version writes is longer.
const TAIL: u64 = 512;

/// Reads the trailer of an entry of `length` bytes, and hands it out only if it is as it was written, by one who may.
///
/// `accept` sees it once that is known, and may refuse it. What it says of the artefact is not checked yet.
pub(crate) fn read_trailer(
    entry: &(impl ReadAt + ?Sized),
    length: u64,
    trust: &Trust,
    accept: impl FnOnce(&Trailer) -> Result<(), MissReason>,
) -> Result<Trailer, MissReason> {
    let tail_at = length.saturating_sub(TAIL);
    let mut tail = vec![0; (length - tail_at) as usize];
    entry.read_exact_at(&mut tail, tail_at)?;
    let (before, foot) = tail.split_last_chunk::<FOOT>().ok_or(MissReason::Truncated)?;
    let (foot, tag) = Foot::parse(foot)?;

    let body_length = foot.body_length as usize;
    let body_at = (length - FOOT as u64).checked_sub(body_length as u64).ok_or(MissReason::Truncated)?;
    let trailer = match before.len().checked_sub(body_length) {
        Some(start) => Trailer::parse(&before[start..], &foot, &tag, trust)?,
        None => {
            let mut body = vec![0; body_length];
            entry.read_exact_at(&mut body, body_at)?;
            Trailer::parse(&body, &foot, &tag, trust)?
        }
    };
    accept(&trailer)?;
    if trailer.length != body_at {
        return Err(MissReason::Truncated);
    }
    Ok(trailer)
}

/// Reads the artefact into memory, and hands it out only if it is the one that the trailer tells of. No more memory is asked
/// for than the file is long.
pub(crate) fn read_artifact(
    entry: &(impl ReadAt + ?Sized),
    trailer: &Trailer,
) -> Result<Artifact, MissReason> {
    let out_of_memory = MissReason::Io(io::ErrorKind::OutOfMemory);
    let length = usize::try_from(trailer.length).map_err(|_| out_of_memory)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| out_of_memory)?;
    bytes.resize(length, 0);
    entry.read_exact_at(&mut bytes, 0)?;
    // Of the bytes in memory, which are the ones handed out.
    if Digest::of(&bytes) != trailer.digest {
        return Err(MissReason::BadDigest);
    }
    Ok(Artifact { kind: trailer.kind, digest: trailer.digest, compile_time: trailer.compile_time(), bytes })
}

/// Reads the artefact, and says whether it is the one that the trailer tells of.
pub(crate) fn verify_artifact(entry: &(impl ReadAt + ?Sized), trailer: &Trailer) -> Result<(), MissReason> {
    match copy_artifact(entry, trailer, &mut io::sink()) {
        Ok(()) => Ok(()),
        Err(CopyError::Miss(reason)) => Err(reason),
        Err(CopyError::Sink) => unreachable!("a sink takes what it is given"),
    }
}

/// Why an artefact was not copied.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// It is not what the trailer tells of, or cannot be read.
    Miss(MissReason),
    /// What it was to be copied to does not take it.
    Sink,
}

/// Copies the artefact to `sink`, and says `Ok` only if what was written there is the one that the trailer tells of.
pub(crate) fn copy_artifact(
    entry: &(impl ReadAt + ?Sized),
    trailer: &Trailer,
    sink: &mut impl Write,
) -> Result<(), CopyError> {
    let mut chunk = vec![0; trailer.length.min(CHUNK) as usize];
    let mut sha = Sha256::new();
    let mut at = 0;
    while at < trailer.length {
        let chunk = &mut chunk[..(trailer.length - at).min(CHUNK) as usize];
        entry.read_exact_at(chunk, at).map_err(|error| CopyError::Miss(error.into()))?;
        sha.update(&*chunk);
        sink.write_all(chunk).map_err(|_| CopyError::Sink)?;
        at += chunk.len() as u64;
    }
    if sha.finalize()[..] != trailer.digest.as_bytes()[..] {
        return Err(CopyError::Miss(MissReason::BadDigest));
    }
    Ok(())
}

/// Large enough to be worth a call of the system, small enough to stay in a processor's cache.
const CHUNK: u64 = 256 << 10;

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

#[cfg(test)]
mod tests {
    use super::*;

    const TRUST: Trust = Trust::IntegrityOnly;

    fn key(name: &str) -> Key {
        Key::builder("test").field("name", name).finish()
    }

    fn verify(
        file: &[u8],
        accept: impl FnOnce(&Trailer) -> Result<(), MissReason>,
    ) -> Result<Vec<u8>, MissReason> {
        let trailer = read_trailer(file, file.len() as u64, &TRUST, accept)?;
        let read = read_artifact(file, &trailer).map(Artifact::into_bytes);
        let mut copied = Vec::new();
        match copy_artifact(file, &trailer, &mut copied) {
            Ok(()) => assert_eq!(read.as_ref(), Ok(&copied)),
            Err(CopyError::Miss(reason)) => assert_eq!(read, Err(reason)),
            Err(CopyError::Sink) => unreachable!("a vector takes what it is given"),
        }
        read
    }

    #[test]
    fn only_the_right_key_and_kind_are_handed_out() {
        let trailer = Trailer::of_bytes(&key("a"), b"artefact");
        let file = [&b"artefact"[..], &trailer.to_bytes(&TRUST).unwrap()].concat();
        let found = |name, kind| verify(&file, of(&key(name), kind));

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
            let file = [&b"artefact"[..], &trailer.to_bytes(&TRUST).unwrap()].concat();
            assert_eq!(verify(&file, |_| Ok(())), Err(MissReason::Truncated), "{length}");
        }
    }

    #[test]
    fn artefacts_and_trailers_of_every_length_are_read() {
        for length in [0, 1, TAIL as usize, CHUNK as usize, 2 * CHUNK as usize + 1] {
            let artefact = vec![7; length];
            for compiler in ["", &"v".repeat(TAIL as usize)] {
                let trailer =
                    Trailer { compiler: compiler.into(), ..Trailer::of_bytes(&key("a"), &artefact) };
                let mut file = [&artefact[..], &trailer.to_bytes(&TRUST).unwrap()].concat();
                assert_eq!(verify(&file, of(&key("a"), Kind::Bytes)), Ok(artefact.clone()));
                if length > 0 {
                    file[length / 2] ^= 1;
                    assert_eq!(verify(&file, of(&key("a"), Kind::Bytes)), Err(MissReason::BadDigest));
                }
            }
        }
    }
}
