//! The memo of an input: which digest a file had, so that it need not be read again while it does not change.
//!
//! It is found by what the file looks like, as a [stamp](crate::stamp) tells that, and tagged like an entry is.

use std::fs::{self, File, Metadata};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::cache::{Cache, INPUTS};
use crate::place::{TEMPORARY, create_private, is_local_file_system};
use crate::stamp::{RECORD, is_settled, record};
use crate::{Digest, Trust};

impl Cache {
    /// The digest of a file that looks like this, if it is known.
    pub(crate) fn known_digest(&self, input: &Metadata) -> Option<Digest> {
        let record = record(input)?;
        let mut memo = [0; 64 + 1];
        let read = File::open(self.memo_path(&record)).and_then(|mut file| file.read(&mut memo)).ok()?;
        let (digest, tag) = memo[..64].split_at(32);
        let digest = Digest::from_bytes(*digest.first_chunk()?);
        (read == 64 && self.trust().vouches(&statement(&record, &digest), tag.first_chunk()?))
            .then_some(digest)
    }

    /// Notes the digest of the file at `path`, if it can be known again, and looks now as it did `before` it was read.
    pub(crate) fn note_digest(&self, path: &Path, before: &Metadata, after: &Metadata, digest: &Digest) {
        let (Some(record), Some(now)) = (record(before), record(after)) else { return };
        if record != now || !is_settled(before) || !is_local_file_system(path) {
            return;
        }
        let tag = self.trust().tag(&statement(&record, digest));
        let memo = self.memo_path(&record);
        // If it cannot be written, the file is read again the next time.
        let write = || {
            let directory = memo.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
            create_private(directory)?;
            let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
            file.write_all(&[digest.as_bytes(), &tag[..]].concat())?;
            file.persist(&memo)?;
            Ok::<_, std::io::Error>(())
        };
        let _ = write();
    }

    fn memo_path(&self, record: &[u8; RECORD]) -> PathBuf {
        self.inner().place.path().join(INPUTS).join(Digest::of(record).to_string())
    }

    fn trust(&self) -> &Trust {
        &self.inner().trust
    }
}

/// What the tag covers. Each part has one length only, so they cannot run together.
fn statement<'a>(record: &'a [u8; RECORD], digest: &'a Digest) -> [&'a [u8]; 3] {
    [b"host-cache/input/1", record, digest.as_bytes()]
}

/// Reads a file, and tells what it looked like afterwards.
pub(crate) fn read(mut file: File) -> std::io::Result<(Vec<u8>, Metadata)> {
    let mut wasm = Vec::new();
    file.read_to_end(&mut wasm)?;
    Ok((wasm, file.metadata()?))
}

/// Opens a file that can be read to its end.
pub(crate) fn open(path: &Path) -> std::io::Result<(File, Metadata)> {
    // Before it is opened: opening a pipe would wait for somebody to write to it.
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}
