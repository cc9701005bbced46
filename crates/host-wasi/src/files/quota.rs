//! Is there room for what a guest wants to write?

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde::{Deserialize, Serialize};

use super::count::count;

/// How often in a row a guest is told "no space left" before it is stopped. A program may well try again, after
/// removing something or for each of many files; one that does nothing else would never end.
const REFUSALS_BEFORE_STOP: u32 = 1_000;

/// How much a guest may keep in a directory.
///
/// What lies there counts, whoever put it there. A file counts with its length, holes or not, and once however many
/// names it has; one that was removed counts as long as the guest has it open. A symbolic link counts with the
/// length of its text. What a write replaces or a removal gives back can be used again.
///
/// A write that does not fit fails as a whole with "no space left", and changes nothing. See
/// [`QuotaRefused`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Quota {
    /// How long all files may be together, in bytes.
    pub bytes: u64,
    /// How many entries there may be: files, directories and links, at all depths. At least 1. When room seems to
    /// run out, that many are looked at to see what has been given back.
    pub files: u64,
}

impl Quota {
    pub(crate) fn exceeds(self, most: Quota) -> bool {
        self.bytes > most.bytes || self.files > most.files
    }
}

/// A guest wanted to keep more in a directory than its quota.
///
/// It was told "no space left", like a program whose disk is full; ask
/// [`Wasi::quota_refused`](crate::Wasi::quota_refused). A guest that is refused 1,000 times in a row is stopped, and then
/// this is the error of its call: `error.downcast_ref::<QuotaRefused>()`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// How often the guest was refused so far.
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

/// What one directory holds. It is never less than what really lies there: growth is added before it happens, and
/// what is given back is found only by counting again, when room runs out.
pub(crate) struct Account {
    guest: String,
    root: PathBuf,
    quota: Quota,
    state: Mutex<State>,
}

struct State {
    used: Quota,
    /// The files that the guest has open, or has streams to: they use room even when their last name is gone.
    open: Vec<Weak<File>>,
    refusals: u64,
    in_a_row: u32,
}

impl Account {
    /// An account of the directory `root`, in which `used` lies already.
    pub(crate) fn new(guest: String, root: PathBuf, quota: Quota, used: Quota) -> Self {
        let state = Mutex::new(State { used, open: Vec::new(), refusals: 0, in_a_row: 0 });
        Self { guest, root, quota, state }
    }

    /// Counts what lies in `root` before a guest has seen it.
    pub(crate) fn count(root: &std::path::Path, quota: Quota) -> io::Result<Quota> {
        count(root, &[], quota)
    }

    /// Says that the guest has opened `file`.
    pub(crate) fn opened(&self, file: &Arc<File>) {
        let mut state = self.state();
        state.open.retain(|file| file.strong_count() > 0);
        state.open.push(Arc::downgrade(file));
    }

    /// Takes room for one more entry, and the `bytes` in it.
    pub(crate) fn take_entry(&self, bytes: u64) -> Result<(), Refusal> {
        self.take(Quota { bytes, files: 1 })
    }

    /// Takes room for `file` to become `length` bytes long, if it is shorter.
    pub(crate) fn take_length(&self, file: &File, length: u64) -> Result<(), Refusal> {
        let now = match file.metadata() {
            // A pipe or a device does not grow.
            Ok(metadata) if !metadata.is_file() => return Ok(()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        };
        self.take(Quota { bytes: length.saturating_sub(now), files: 0 })
    }

    /// Takes room for `length` bytes behind the end of `file`.
    pub(crate) fn take_appended(&self, file: &File, length: u64) -> Result<(), Refusal> {
        let now = file.metadata().map_or(0, |metadata| metadata.len());
        self.take_length(file, now.saturating_add(length))
    }

    /// What was refused so far, if anything.
    pub(crate) fn refused(&self) -> Option<QuotaRefused> {
        let refusals = self.state().refusals;
        (refusals > 0).then(|| QuotaRefused { guest: self.guest.clone(), quota: self.quota, refusals })
    }

    fn take(&self, more: Quota) -> Result<(), Refusal> {
        if more == (Quota { bytes: 0, files: 0 }) {
            return Ok(());
        }
        let mut state = self.state();
        let fits = |used: Quota| Some(used.plus(more)).filter(|sum| !sum.exceeds(self.quota));
        let sum = fits(state.used).or_else(|| {
            let open: Vec<_> = state.open.iter().filter_map(Weak::upgrade).collect();
            // If it cannot be counted, nothing is known to have been given back.
            count(&self.root, &open, self.quota).ok().and_then(fits)
        });
        match sum {
            Some(sum) => {
                state.used = sum;
                state.in_a_row = 0;
                Ok(())
            }
            None => {
                state.refusals = state.refusals.saturating_add(1);
                state.in_a_row = state.in_a_row.saturating_add(1);
                let stop = state.in_a_row > REFUSALS_BEFORE_STOP;
                drop(state);
                Err(if let (true, Some(refused)) = (stop, self.refused()) {
                    Refusal::Stop(refused)
                } else {
                    Refusal::NoSpace
                })
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing here panics with the lock held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Quota {
    fn plus(self, more: Quota) -> Quota {
        Quota { bytes: self.bytes.saturating_add(more.bytes), files: self.files.saturating_add(more.files) }
    }
}
