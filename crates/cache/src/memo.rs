//! The memo of an input: which digest a file had, so that it need not be read again while it does not change.
//!
//! It is found by what the file looks like, as a [stamp](crate::stamp) tells that, and tagged like an entry is.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, INPUTS};
use crate::left_overs::name_of_boot;
use crate::place::is_local_file_system;
use crate::stamp::{RECORD, is_settled, record};
use crate::{Digest, Trust, side_file};

/// A file that was looked at before it is read.
pub(crate) struct Before {
    metadata: Metadata,
    is_settled: bool,
}

impl Cache {
    /// The digest of a file that looks like this, if it is known.
    pub(crate) fn known_digest(&self, input: &Before) -> Option<Digest> {
        let record = record(&input.metadata)?;
        let memo = side_file::read::<64>(&self.memo_path(&record))?;
        let (digest, tag) = memo.split_at(32);
        let digest = Digest::from_bytes(*digest.first_chunk()?);
        self.trust().vouches(&statement(&record, &digest), tag.first_chunk()?).then_some(digest)
    }

    /// Notes the digest of the file at `path`, if it can be known again, and looks now as it did `before` it was read.
    pub(crate) fn note_digest(&self, path: &Path, before: &Before, after: &Metadata, digest: &Digest) {
        let (Some(record), Some(now)) = (record(&before.metadata), record(after)) else { return };
        if record != now || !before.is_settled || !is_local_file_system(path) {
            return;
        }
        let tag = self.trust().tag(&statement(&record, digest));
        let contents = [digest.as_bytes(), &tag[..]].concat();
        // If it cannot be written, the file is read again the next time.
        let _ = side_file::make_directory(&self.inner().place.path().join(INPUTS))
            .and_then(|()| side_file::replace(&self.memo_path(&record), &contents));
    }

    /// It begins with the boot, after which it is of no use, and which a collection must be able to tell.
    fn memo_path(&self, record: &[u8; RECORD]) -> PathBuf {
        let (digest, boot) = (Digest::of(record).to_string(), name_of_boot(&record[..16]));
        self.inner().place.path().join(INPUTS).join(format!("{boot}{}", &digest[boot.len()..]))
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
pub(crate) fn open(path: &Path) -> std::io::Result<(File, Before)> {
    // Before it is opened: opening a pipe would wait for somebody to write to it.
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let is_settled = is_settled(&metadata);
    Ok((file, Before { metadata, is_settled }))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_while_it_was_read_is_not_noted() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path().join("cache"), crate::IntegrityOnly).unwrap();
        let path = directory.path().join("guest.wasm");
        fs::write(&path, "guest").unwrap();
        std::thread::sleep(std::time::Duration::from_secs(3));
        let digest = Digest::of(b"guest");
        let note = |change: &dyn Fn()| {
            let (file, before) = open(&path).unwrap();
            change();
            let (_, after) = read(file).unwrap();
            cache.note_digest(&path, &before, &after, &digest);
            let memos = fs::read_dir(cache.inner().place.path().join(INPUTS)).unwrap().count();
            (cache.known_digest(&open(&path).unwrap().1), memos)
        };
        assert_eq!(note(&|| {}), (Some(digest), 1));
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let rewrite = || {
            fs::write(&path, "other").unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        };
        fs::write(&path, "third").unwrap();
        std::thread::sleep(std::time::Duration::from_secs(3));
        assert_eq!(note(&rewrite), (None, 1), "of what is gone already, or of what is new");
    }
}
