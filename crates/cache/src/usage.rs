//! What a root holds: the entries of this key and format, and those of others; and removing all of them.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::cache::{Cache, ENTRIES, INPUTS, LOCKS, QUARANTINE, STAMPS};
use crate::files::{files, is_key, room};
use crate::process_lock;

/// What is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DiskUsage {
    /// Entries.
    pub entries: u64,
    /// The room they take on the disk, in bytes.
    pub bytes: u64,
    /// Damaged entries that are kept for somebody to look at.
    pub quarantined: u64,
    /// The room that entries of other host keys and of other versions of this crate take below the same root, in bytes. They have
    /// bounds of their own; a collection removes what was not used for 30 days.
    pub bytes_of_others: u64,
}

/// How long the entries of another key or format may be unused before they go.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 3600);

impl Cache {
    /// What there is on the disk now.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read.
    pub fn disk_usage(&self) -> io::Result<DiskUsage> {
        let place = self.inner().place.path();
        let mut usage = DiskUsage::default();
        for (_, metadata) in files(&place.join(ENTRIES))?.filter(|(name, _)| is_key(name)) {
            usage.entries += 1;
            usage.bytes += room(&metadata);
        }
        usage.quarantined = files(&place.join(QUARANTINE))?.count() as u64;
        for other in self.others()? {
            let entries = files(&other.join(ENTRIES))?.filter(|(name, _)| is_key(name));
            usage.bytes_of_others += entries.map(|(_, metadata)| room(&metadata)).sum::<u64>();
        }
        Ok(usage)
    }

    /// Removes every entry below the root, and what is in quarantine, also of other host keys and of other versions of this crate.
    /// Gives how many entries there were.
    ///
    /// # Errors
    ///
    /// If something cannot be removed.
    pub fn clear(&self) -> io::Result<u64> {
        let mut removed = clear(self.inner().place.path())?;
        for other in self.others()? {
            removed += clear(&other)?;
        }
        Ok(removed)
    }

    /// The directories of other keys and formats below the root.
    fn others(&self) -> io::Result<Vec<PathBuf>> {
        let ours = self.inner().place.path();
        let mut others = Vec::new();
        for entry in fs::read_dir(self.root())? {
            let entry = entry?;
            let is_format = entry.file_name().to_str().is_some_and(is_format);
            // A link is no directory here, and leads to files of somebody else.
            if is_format && entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.path() != ours {
                others.push(entry.path());
            }
        }
        Ok(others)
    }

    /// Removes what other keys and formats have, if none of it was used for long: a key that is lost, a version that is gone. Gives
    /// how many entries there were.
    pub(crate) fn remove_forgotten(&self, now: SystemTime) -> u64 {
        let is_forgotten = |other: &PathBuf| {
            last_used(other).is_some_and(|used| now.duration_since(used).is_ok_and(|age| age > FORGOTTEN))
        };
        // What cannot be removed is tried again the next time.
        let others = self.others().unwrap_or_default().into_iter().filter(is_forgotten);
        others
            .map(|other| {
                let removed = clear(&other).unwrap_or(0);
                for (name, _) in
                    files(&other.join(LOCKS)).into_iter().flatten().filter(|(name, _)| is_key(name))
                {
                    process_lock::remove_unused(&other.join(LOCKS).join(name));
                }
                // If they are empty now.
                for directory in [ENTRIES, STAMPS, INPUTS, QUARANTINE, LOCKS, ""] {
                    let _ = fs::remove_dir(other.join(directory));
                }
                removed
            })
            .sum()
    }
}

/// Whether a directory has the name of a format and a key.
fn is_format(name: &str) -> bool {
    let parts = name.strip_prefix('v').and_then(|name| name.split_once('-'));
    parts.is_some_and(|(format, key)| {
        !format.is_empty()
            && format.bytes().all(|byte| byte.is_ascii_digit())
            && key.len() == 16
            && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// When anything was written to a place, or noted there as used.
fn last_used(place: &Path) -> Option<SystemTime> {
    let directories = ["", ENTRIES, STAMPS, LOCKS].map(|name| place.join(name));
    let of = |metadata: Metadata| metadata.modified().ok();
    let own = directories.iter().filter_map(|path| fs::symlink_metadata(path).ok().and_then(of));
    let kept = directories.iter().filter_map(|path| files(path).ok()).flatten();
    own.chain(kept.filter_map(|(_, metadata)| of(metadata))).max()
}

fn clear(place: &Path) -> io::Result<u64> {
    let mut removed = 0;
    for directory in [ENTRIES, STAMPS, INPUTS, QUARANTINE] {
        for (name, _) in files(&place.join(directory))?.filter(|(name, _)| is_key(name)) {
            match fs::remove_file(place.join(directory).join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ if directory == ENTRIES => removed += 1,
                _ => {}
            }
        }
    }
    Ok(removed)
}
