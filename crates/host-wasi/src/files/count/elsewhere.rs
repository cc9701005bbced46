//! Counts by way of paths.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::quota::Quota;

/// What tells one directory from every other.
pub(crate) type Identity = PathBuf;

/// A directory that is counted.
pub(crate) struct Root(PathBuf);

impl Root {
    /// `path` is canonical.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Identity)> {
        Ok((Self(path.to_owned()), path.to_owned()))
    }

    /// Counts what lies there, and in the files `open`. A file counts once for each of its names and once more while
    /// it is open: never too little.
    pub(crate) fn count(&self, open: &[Arc<File>], most: Quota) -> io::Result<Quota> {
        let mut sum = Quota::NOTHING;
        let mut unread = vec![self.0.clone()];
        while let Some(directory) = unread.pop() {
            let entries = match found(fs::read_dir(&directory))? {
                Some(entries) => entries,
                None if directory == self.0 => return Err(io::ErrorKind::NotFound.into()),
                None => continue,
            };
            for entry in entries {
                let entry = entry?;
                let Some(metadata) = found(entry.metadata())? else { continue };
                sum = sum.plus(Quota { bytes: length(&metadata), files: 1 });
                if metadata.is_dir() {
                    unread.push(entry.path());
                }
                if sum.exceeds(most) {
                    return Ok(sum);
                }
            }
        }
        for file in open {
            sum = sum.plus(Quota { bytes: length(&file.metadata()?), files: 0 });
        }
        Ok(sum)
    }
}

fn length(metadata: &Metadata) -> u64 {
    if metadata.is_file() || metadata.is_symlink() { metadata.len() } else { 0 }
}

/// Another process may have removed since what was there.
fn found<T>(looked_at: io::Result<T>) -> io::Result<Option<T>> {
    match looked_at {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
