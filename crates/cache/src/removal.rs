//! Taking entries away: because the user says so, or because they are not what they should be.

use std::fs;
use std::io;
use std::path::Path;

use crate::cache::{Cache, QUARANTINE};
use crate::side_file::{is_directory, make_directory};
use crate::{Key, MissReason};

impl Cache {
    /// Takes away what is kept under `key`, and says whether there was something.
    ///
    /// # Errors
    ///
    /// If there is something that cannot be removed.
    pub fn remove(&self, key: &Key) -> io::Result<bool> {
        let path = self.path(key);
        if !path.parent().is_some_and(is_directory) {
            return Ok(false);
        }
        match remove(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| true),
        }
    }

    /// Counts a miss, and puts the entry into quarantine if nobody can use it.
    pub(crate) fn count_miss(&self, key: &Key, reason: MissReason) {
        self.counters().misses.count(reason);
        if reason.condemns() && self.quarantine(key).is_ok() {
            self.counters().quarantined += 1;
        }
    }

    /// Takes an entry away, and keeps it for somebody to look at. If it stays, the next put replaces it. If it has just been
    /// replaced by a good one, that is one more miss.
    pub(crate) fn quarantine(&self, key: &Key) -> io::Result<()> {
        let directory = self.inner().place.path().join(QUARANTINE);
        let path = self.path(key);
        if !path.parent().is_some_and(is_directory) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let kept =
            make_directory(&directory).and_then(|()| fs::rename(&path, directory.join(key.to_string())));
        kept.or_else(|_| remove(&path))
    }
}

/// Removes what stands where an entry belongs, even if that is an empty directory.
fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Err(error),
        _ => fs::remove_dir(path).map_err(|_| error),
    })
}
