//! What is left of processes that were killed, of boots that are over, and of entries that were damaged.

use std::fs::{self, Metadata};
use std::io;
use std::time::{Duration, SystemTime};

use crate::cache::{Cache, ENTRIES, INPUTS, LOCKS, QUARANTINE, STAMPS};
use crate::files::{files, is_key, room};
use crate::place::TEMPORARY;
use crate::{process_lock, stamp};

/// How old what a process left must be to count as left.
const LEFT: Duration = Duration::from_secs(3600);

/// How long the digest of an input is remembered. Which of them are still of use cannot be told.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// How many damaged entries are kept, and which part of the room of all entries they may take besides.
const QUARANTINED: (usize, u64) = (16, 16);

impl Cache {
    /// Removes what nobody needs any more, and says how many files that were.
    pub(crate) fn remove_left_overs(&self, now: SystemTime) -> io::Result<u64> {
        let place = self.inner().place.path();
        let boot = stamp::boot().map(|boot| name_of_boot(&boot));
        let is_of_boot = |name: &str| boot.as_ref().is_none_or(|boot| name.starts_with(boot));
        let mut removed = 0;
        for directory in ["", ENTRIES, STAMPS, LOCKS, INPUTS] {
            let path = place.join(directory);
            for (name, metadata) in files(&path)? {
                let age = metadata.modified().ok().and_then(|time| now.duration_since(time).ok());
                let Some(age) = age.filter(|age| *age > LEFT) else { continue };
                let path = path.join(&name);
                let is_left = match directory {
                    LOCKS if is_key(&name) => {
                        removed += u64::from(process_lock::remove_unused(&path));
                        false
                    }
                    INPUTS if is_key(&name) => age > REMEMBERED || !is_of_boot(&name),
                    STAMPS if is_key(&name) => !place.join(ENTRIES).join(&name).exists(),
                    _ => name.starts_with(TEMPORARY),
                };
                removed += u64::from(is_left && fs::remove_file(&path).is_ok());
            }
        }
        let settings = &self.inner().settings;
        let memos = usize::try_from(settings.max_entries).unwrap_or(usize::MAX);
        removed += self.keep_newest(INPUTS, memos, u64::MAX)?;
        removed += self.keep_newest(QUARANTINE, QUARANTINED.0, settings.max_bytes / QUARANTINED.1)?;
        Ok(removed)
    }

    /// Removes from a directory of files with names of keys all but the newest: so many, of so many bytes in all.
    fn keep_newest(&self, directory: &str, most: usize, mut bytes: u64) -> io::Result<u64> {
        let directory = self.inner().place.path().join(directory);
        let time = |metadata: &Metadata| metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let ours = files(&directory)?.filter(|(name, _)| is_key(name));
        let mut ours: Vec<_> =
            ours.map(|(name, metadata)| (time(&metadata), name, room(&metadata))).collect();
        ours.sort_by(|one, other| other.cmp(one));
        let mut removed = 0;
        for (number, (_, name, room)) in ours.into_iter().enumerate() {
            match bytes.checked_sub(room).filter(|_| number < most) {
                Some(left) => bytes = left,
                None => removed += u64::from(fs::remove_file(directory.join(name)).is_ok()),
            }
        }
        Ok(removed)
    }
}

/// What the names of files begin with that are of no use after a boot: sixteen digits.
pub(crate) fn name_of_boot(boot: &[u8]) -> String {
    boot.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
