//! The stamp of an entry: what its file looked like when all of it was verified, so that it need not be hashed again; and, by its
//! own time, when the entry was used last.
//!
//! A stamp tells of one file, by its number, size and times, in one boot of the machine: writing to a file, or giving it another
//! name, changes its time of change, which nobody but the kernel sets. It is tagged like an entry is.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use crate::side_file;
use crate::{Key, Trust};

/// How often a use is noted.
const NOTED: Duration = Duration::from_secs(3600);

/// What a stamp says of a file.
pub(crate) const RECORD: usize = 16 + 7 * 8;

/// What a stamp is: that, and its tag.
const STAMP: usize = RECORD + 32;

/// How long ago a file must have changed last for its times to tell it from a later change: clocks of file systems tick.
#[cfg(unix)]
const SETTLED: Duration = Duration::from_secs(2);

/// The stamp of the entry of `key`.
pub(crate) struct Stamp<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) key: &'a Key,
    pub(crate) trust: &'a Trust,
}

impl Stamp<'_> {
    fn path(&self) -> PathBuf {
        self.directory.join(self.key.to_string())
    }

    /// Whether the file of which these are the data was verified in this boot, and has not been changed since.
    pub(crate) fn vouches_for(&self, entry: &Metadata) -> bool {
        record(entry).is_some_and(|record| self.vouches(&record))
    }

    fn vouches(&self, record: &[u8; RECORD]) -> bool {
        let Some(stamp) = side_file::read::<STAMP>(&self.path()) else { return false };
        let (said, tag) = stamp.split_at(RECORD);
        let tag = tag.first_chunk().expect("a tag has 32 bytes");
        said == record && self.trust.vouches(&self.statement(record), tag)
    }

    /// Notes that the file of which these are the data was verified: settled before, and all of it on the disk.
    pub(crate) fn write(&self, entry: &Metadata) {
        if let Some(record) = record(entry) {
            self.note(&record);
        }
    }

    fn note(&self, record: &[u8; RECORD]) {
        let tag = self.trust.tag(&self.statement(record));
        // If it cannot be written, the entry is hashed again the next time.
        let _ = self.replace(&[&record[..], &tag].concat());
    }

    /// Notes that the entry is used. In a file of its own: the entry is never touched once it is written.
    pub(crate) fn note_use(&self) {
        let path = self.path();
        let noted = fs::symlink_metadata(&path).and_then(|stamp| stamp.modified());
        let is_recent = |noted: SystemTime| noted.elapsed().is_ok_and(|age| age < NOTED);
        match noted {
            Ok(noted) if is_recent(noted) => {}
            // If it cannot be noted, the entry seems older than it is.
            Ok(_) if side_file::is_directory(self.directory) => _ = side_file::touch(&path),
            _ => _ = self.replace(b""),
        }
    }

    /// What the tag covers. Each part has one length only, so they cannot run together.
    fn statement<'a>(&'a self, record: &'a [u8; RECORD]) -> [&'a [u8]; 3] {
        [b"host-cache/stamp/1", self.key.digest().as_bytes(), record]
    }

    fn replace(&self, contents: &[u8]) -> io::Result<()> {
        side_file::make_directory(self.directory)?;
        side_file::replace(&self.path(), contents)
    }
}

/// What a stamp says of a file, or `None` where that is not known.
pub(crate) fn record(entry: &Metadata) -> Option<[u8; RECORD]> {
    #[cfg(unix)]
    return Some(record_of(boot()?, entry));
    #[cfg(not(unix))]
    {
        let _ = entry;
        None
    }
}

/// What a stamp of that boot says of a file.
#[cfg(unix)]
fn record_of(boot: [u8; 16], entry: &Metadata) -> [u8; RECORD] {
    use std::os::unix::fs::MetadataExt;
    let mut record = [0; RECORD];
    record[..16].copy_from_slice(&boot);
    let numbers = [
        entry.dev(),
        entry.ino(),
        entry.size(),
        entry.mtime() as u64,
        entry.mtime_nsec() as u64,
        entry.ctime() as u64,
        entry.ctime_nsec() as u64,
    ];
    for (bytes, number) in record[16..].chunks_exact_mut(8).zip(numbers) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    record
}

/// Whether a file changed last long enough ago. To be asked before it is read: later, it may have changed in between and be settled
/// again.
pub(crate) fn is_settled(entry: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let changed = u64::try_from(entry.ctime())
            .ok()
            .map(|changed| Duration::from_secs(changed) + Duration::from_nanos(entry.ctime_nsec() as u64))
            .and_then(|changed| SystemTime::UNIX_EPOCH.checked_add(changed));
        changed.is_some_and(|changed| changed.elapsed().is_ok_and(|age| age > SETTLED))
    }
    #[cfg(not(unix))]
    {
        let _ = entry;
        false
    }
}

/// The number of this boot of the machine, if it says so. After a loss of power, what the disk has may not be what was verified.
pub(crate) fn boot() -> Option<[u8; 16]> {
    static BOOT: OnceLock<Option<[u8; 16]>> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        Some(u128::from_str_radix(&digits, 16).ok()?.to_le_bytes())
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_good_in_the_boot_in_which_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let entry = fs::metadata(directory.path()).unwrap();
        let stamps = directory.path().join("stamps");
        let (key, trust) = (Key::builder("test").finish(), Trust::IntegrityOnly);
        let stamp = Stamp { directory: &stamps, key: &key, trust: &trust };
        stamp.note(&record_of([1; 16], &entry));
        assert!(stamp.vouches(&record_of([1; 16], &entry)));
        assert!(!stamp.vouches(&record_of([2; 16], &entry)));
    }

    #[test]
    fn a_second_and_a_half_is_not_two() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let entry = || file.as_file().metadata().unwrap();
        assert!(!is_settled(&entry()));
        let since = |entry: &Metadata| {
            use std::os::unix::fs::MetadataExt;
            let changed = Duration::new(entry.ctime() as u64, entry.ctime_nsec() as u32);
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + changed).unwrap()
        };
        let patience = std::time::Instant::now() + Duration::from_secs(60);
        while !is_settled(&entry()) {
            assert!(std::time::Instant::now() < patience);
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(since(&entry()) > SETTLED);
    }
}
