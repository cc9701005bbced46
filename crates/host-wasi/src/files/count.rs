//! How much lies in a directory?

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::quota::Quota;

/// Counts what lies in the directory `root`, and in those of the files `open` that have been removed from it. Stops
/// early once it has found more than `most`, so that no tree takes longer than one that is full.
///
/// A file counts with its length, holes or not, and once however many names it has. A symbolic link counts with the
/// length of its text. Each entry is one file, directories too.
pub(crate) fn count(root: &Path, open: &[Arc<File>], most: Quota) -> io::Result<Quota> {
    let mut counting = Counting { found: Quota { bytes: 0, files: 0 }, seen: HashSet::new() };
    let mut unread = vec![root.to_owned()];
    while let Some(directory) = unread.pop() {
        let entries = match found(fs::read_dir(&directory))? {
            Some(entries) => entries,
            None if directory == root => return Err(io::ErrorKind::NotFound.into()),
            None => continue,
        };
        for entry in entries {
            let entry = entry?;
            let Some(metadata) = found(entry.metadata())? else { continue };
            counting.found.files += 1;
            counting.add(&metadata);
            if metadata.is_dir() {
                unread.push(entry.path());
            }
            if counting.found.exceeds(most) {
                return Ok(counting.found);
            }
        }
    }
    for file in open {
        counting.add(&file.metadata()?);
    }
    Ok(counting.found)
}

struct Counting {
    found: Quota,
    seen: HashSet<(u64, u64)>,
}

impl Counting {
    fn add(&mut self, metadata: &Metadata) {
        if !metadata.is_file() && !metadata.is_symlink() {
            return;
        }
        let again = identity(metadata).is_some_and(|identity| !self.seen.insert(identity));
        if !again {
            self.found.bytes = self.found.bytes.saturating_add(metadata.len());
        }
    }
}

/// Another process may have removed since what was there.
fn found<T>(looked_at: io::Result<T>) -> io::Result<Option<T>> {
    match looked_at {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What tells one file from every other. Where that is not known, a file counts once for each of its names and once
/// more while it is open: never too little.
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}
