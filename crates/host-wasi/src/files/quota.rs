//! Is there room for what a guest wants to write?

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, Taken};

/// How often in a row a guest is told "no space left" before it is stopped. A program may well try again, after
/// removing something or for each of many files; one that does nothing else would never end.
const REFUSALS_BEFORE_STOP: u32 = 1_000;

/// How much a guest may keep in a directory.
///
/// What lies there counts, whoever put it there. A file counts with its length, holes or not, and once however many
/// names it has; one that was removed counts as long as the guest has it open. A symbolic link counts with the
/// length of its text. What a write replaces or a removal gives back can be used again.
///
/// A write that does not fit fails as a whole with "no space left", and changes nothing. See [`QuotaRefused`].
/// A WASI 0.1 guest whose memory is shared between threads cannot write under a quota: "not supported".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Quota {
    /// How long all files may be together, in bytes.
    pub bytes: u64,
    /// How many entries there may be: files, directories and links, at all depths. At least 1. When room seems to
    /// run out, that many are looked at to see what has been given back.
    #[cfg_attr(feature = "schemars", schemars(range(min = 1)))]
    pub files: u64,
}

impl Quota {
    pub(crate) const NOTHING: Quota = Quota { bytes: 0, files: 0 };

    pub(crate) fn exceeds(self, most: Quota) -> bool {
        self.bytes > most.bytes || self.files > most.files
    }

    pub(crate) fn at_least(self, least: Quota) -> Quota {
        Quota { bytes: self.bytes.max(least.bytes), files: self.files.max(least.files) }
    }

    pub(crate) fn plus(self, more: Quota) -> Quota {
        Quota { bytes: self.bytes.saturating_add(more.bytes), files: self.files.saturating_add(more.files) }
    }

    pub(crate) fn minus(self, less: Quota) -> Quota {
        Quota { bytes: self.bytes.saturating_sub(less.bytes), files: self.files.saturating_sub(less.files) }
    }
}

/// A guest wanted to keep more in a directory than its quota.
///
/// It was told "no space left", like a program whose disk is full; ask
/// [`Wasi::quota_refused`](crate::Wasi::quota_refused). A guest that is refused 1,000 times in a row is stopped, and then
/// this is the error of its call: `error.downcast_ref::<QuotaRefused>()`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[error(
    "the guest wanted to keep more in `{guest}` than the {} bytes and {} files of its quota",
    quota.bytes,
    quota.files
)]
#[non_exhaustive]
pub struct QuotaRefused {
    /// The directory, by its guest path.
    pub guest: String,
    /// What it may hold.
    pub quota: Quota,
    /// How often the guest was refused so far, or since [`Wasi::take_recorded`](crate::Wasi::take_recorded) last.
    pub refusals: u64,
}

/// Why there is no room.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The guest is to be told "no space left".
    NoSpace,
    /// The guest has been told so often enough.
    Stop(QuotaRefused),
}

/// What one guest may keep in one directory, and how often it was refused.
pub(crate) struct Account {
    guest: String,
    quota: Quota,
    ledger: Arc<Ledger>,
    refusals: AtomicU64,
    in_a_row: AtomicU32,
}

impl Account {
    /// An account of the directory `root`. What lies there already is counted; whether it is too much is for the caller to
    /// say.
    pub(crate) fn open(guest: String, root: &Path, quota: Quota) -> io::Result<(Self, Quota)> {
        let ledger = Ledger::of(root)?;
        let used = ledger.count(quota)?;
        let account = Self { guest, quota, ledger, refusals: AtomicU64::new(0), in_a_row: AtomicU32::new(0) };
        Ok((account, used))
    }

    /// Says that the guest has opened `file`.
    pub(crate) fn opened(&self, file: &Arc<File>) {
        self.ledger.opened(file);
    }

    /// Takes room for one more entry, and the `bytes` in it. What is taken here, and below, is to be kept until it is
    /// written.
    pub(crate) fn take_entry(&self, bytes: u64) -> Result<Taken, Refusal> {
        self.take(|| Quota { bytes, files: 1 })
    }

    /// Takes room for `file` to become `length` bytes long, if it is shorter.
    pub(crate) fn take_length(&self, file: &File, length: u64) -> Result<Taken, Refusal> {
        self.take(|| Quota { bytes: length_of(file).map_or(0, |now| length.saturating_sub(now)), files: 0 })
    }

    /// Takes room for `length` bytes behind the end of `file`.
    pub(crate) fn take_appended(&self, file: &File, length: u64) -> Result<Taken, Refusal> {
        self.take(|| Quota { bytes: length_of(file).map_or(0, |_| length), files: 0 })
    }

    /// What was refused so far, if anything.
    pub(crate) fn refused(&self) -> Option<QuotaRefused> {
        self.refusal(self.refusals.load(Relaxed))
    }

    /// What was refused so far, if anything; from now on it is counted anew.
    pub(crate) fn take_refused(&self) -> Option<QuotaRefused> {
        self.in_a_row.store(0, Relaxed);
        self.refusal(self.refusals.swap(0, Relaxed))
    }

    fn refusal(&self, refusals: u64) -> Option<QuotaRefused> {
        (refusals > 0).then(|| QuotaRefused { guest: self.guest.clone(), quota: self.quota, refusals })
    }

    fn take(&self, more: impl Fn() -> Quota) -> Result<Taken, Refusal> {
        if let Some(taken) = self.ledger.take(&more, self.quota) {
            if !taken.is_nothing() {
                self.in_a_row.store(0, Relaxed);
            }
            return Ok(taken);
        }
        self.refusals.fetch_add(1, Relaxed);
        let stop = self.in_a_row.fetch_add(1, Relaxed) >= REFUSALS_BEFORE_STOP;
        match self.refused() {
            Some(refused) if stop => Err(Refusal::Stop(refused)),
            _ => Err(Refusal::NoSpace),
        }
    }
}

/// How long `file` is, if it can grow: a pipe or a device cannot.
fn length_of(file: &File) -> Option<u64> {
    match file.metadata() {
        Ok(metadata) => metadata.is_file().then_some(metadata.len()),
        Err(_) => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_written_and_read_again() {
        let refused =
            QuotaRefused { guest: "data".to_owned(), quota: Quota { bytes: 5, files: 1 }, refusals: 3 };
        let json = serde_json::to_string(&refused).unwrap();
        assert_eq!(json, r#"{"guest":"data","quota":{"bytes":5,"files":1},"refusals":3}"#);
        assert_eq!(serde_json::from_str::<QuotaRefused>(&json).unwrap(), refused);
    }
}
