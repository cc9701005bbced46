//! Files of plugins that others may replace at any time: what a directory holds, one whole version of a file, and whether it
//! changed since.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

mod list;
mod read;

pub(crate) use list::{ListError, Listing, Skip, Skipped, list};
pub(crate) use read::{open, read_whole};

/// The most entries that a directory of plugins may have, unless something else is said.
pub(crate) const MOST_ENTRIES: usize = 100_000;

/// How long a file must have been left alone to count as whole. Longer than a tick of any clock that file systems of this
/// age use, so a later change gives another stamp.
pub(crate) const SETTLED: Duration = Duration::from_millis(100);

/// What tells one state of a file from another without reading it: its length, when it was written and, on Unix, which file it
/// is and when anything of it changed, which nobody but the kernel sets.
///
/// On Unix a change of mode or of the number of links gives another stamp too. Elsewhere, a change that keeps the length and
/// sets back the time of writing is not seen. Two changes within one tick of the file system's clock (milliseconds; up to two
/// seconds on FAT) may give the same stamp; [`read_stable`] waits until that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    length: u64,
    /// `None` where the file system keeps no such time.
    modified: Option<SystemTime>,
    #[cfg(unix)]
    changed: (i64, i64),
    /// The device and the number of the file on it.
    #[cfg(unix)]
    file: (u64, u64),
}

impl Stamp {
    /// The stamp of the file that `path` leads to now.
    pub(crate) fn of(path: &Path) -> io::Result<Stamp> {
        Ok(Stamp::new(&fs::metadata(path)?))
    }

    fn new(metadata: &Metadata) -> Stamp {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Stamp {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            #[cfg(unix)]
            file: (metadata.dev(), metadata.ino()),
        }
    }

    /// For how long it must still be left alone to count as whole. All of the time if its clock is ahead of ours.
    fn unsettled(&self, now: SystemTime) -> Duration {
        let age = self.last_change().and_then(|changed| now.duration_since(changed).ok());
        SETTLED.saturating_sub(age.unwrap_or_default())
    }

    #[cfg(unix)]
    fn last_change(&self) -> Option<SystemTime> {
        let seconds = Duration::from_secs(u64::try_from(self.changed.0).ok()?);
        let rest = Duration::from_nanos(u64::try_from(self.changed.1).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(seconds.checked_add(rest)?)
    }

    #[cfg(not(unix))]
    fn last_change(&self) -> Option<SystemTime> {
        self.modified
    }
}

/// Which directory it is: another one of the same name differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Numbers are given again soon after a directory was removed.
    created: Option<SystemTime>,
    #[cfg(unix)]
    file: (u64, u64),
}

impl Identity {
    /// The directory that `path` leads to now. [`io::ErrorKind::NotADirectory`] if it leads to something else.
    pub(crate) fn of(path: &Path) -> io::Result<Identity> {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        let metadata = fs::metadata(path)?;
        if !metadata.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Identity {
            created: metadata.created().ok(),
            #[cfg(unix)]
            file: (metadata.dev(), metadata.ino()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later() -> SystemTime {
        SystemTime::now() + Duration::from_secs(60)
    }

    #[test]
    fn what_changes_a_file_changes_its_stamp() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.wasm");
        fs::write(&path, "one").unwrap();
        let first = Stamp::of(&path).unwrap();
        assert_eq!(Stamp::of(&path).unwrap(), first);

        fs::write(&path, "longer").unwrap();
        let second = Stamp::of(&path).unwrap();
        assert_ne!(second, first);

        fs::File::options().append(true).open(&path).unwrap().set_modified(later()).unwrap();
        assert_ne!(Stamp::of(&path).unwrap(), second);
    }

    #[cfg(unix)]
    #[test]
    fn another_file_of_the_same_length_and_time_has_another_stamp() {
        let directory = tempfile::tempdir().unwrap();
        let stamps = ["a", "b"].map(|name| {
            let path = directory.path().join(name);
            fs::write(&path, name).unwrap();
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            Stamp::of(&path).unwrap()
        });
        assert_eq!(stamps[0].modified, stamps[1].modified);
        assert_ne!(stamps[0], stamps[1]);
    }

    #[test]
    fn a_file_settles_with_time_and_never_while_its_clock_is_ahead() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "a").unwrap();
        let stamp = Stamp::of(&path).unwrap();
        assert_eq!(stamp.unsettled(later()), Duration::ZERO);
        assert_eq!(stamp.unsettled(SystemTime::UNIX_EPOCH), SETTLED);
    }

    #[test]
    fn a_file_is_no_directory() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "a").unwrap();
        assert_eq!(Identity::of(&path).unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert_eq!(Identity::of(directory.path()).unwrap(), Identity::of(directory.path()).unwrap());
    }
}
