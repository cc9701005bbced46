//! `CacheBuilder`: how a cache is to be kept, and opening it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cache::Cache;
use crate::{OpenError, Trust};

/// What it takes for an entry to count as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing is waited for. After a loss of power an entry may be damaged, which is found, and costs a compile.
    None,
    /// The bytes of an entry are on the disk before it gets its name. After a loss of power an entry is there whole, or not at
    /// all. Costs some milliseconds for each entry written.
    #[default]
    Data,
    /// The name is on the disk, too, before writing counts as done, and so are those of the directories below the root.
    Full,
}

/// How compiled code gets from a verified entry to the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadMode {
    /// From a copy that nobody can change, made while the entry is verified: a sealed memory file on Linux, memory of this
    /// process elsewhere.
    Sealed,
    /// From the entry itself, mapped: nothing is copied, and processes share its pages. Whoever can change the file can change
    /// what runs.
    Mapped,
}

/// Why code was not mapped though the cache was opened for it, and was copied and sealed instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Downgrade {
    /// The directory or the entry belongs to somebody else, or may be written by others.
    NotPrivate,
    /// The entry has another name somewhere.
    Linked,
    /// The file system is none of those known to keep their promises: the network is between, or layers.
    FileSystem,
    /// The file system is mounted so that nothing in it may be executed.
    NoExec,
}

/// What a cache is to be, before it is opened.
#[derive(Clone, Debug)]
#[must_use = "a cache is opened by `open`"]
pub struct CacheBuilder {
    pub(crate) root: PathBuf,
    pub(crate) trust: Trust,
    pub(crate) settings: Settings,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) durability: Durability,
    pub(crate) mode: LoadMode,
    pub(crate) max_bytes: u64,
    pub(crate) max_entries: u64,
    pub(crate) min_free_bytes: u64,
    pub(crate) lock_wait: Duration,
}

impl CacheBuilder {
    pub(crate) fn new(root: &Path, trust: Trust) -> Self {
        let settings = Settings {
            durability: Durability::default(),
            mode: LoadMode::Sealed,
            max_bytes: 2 << 30,
            max_entries: 65_536,
            min_free_bytes: 256 << 20,
            lock_wait: Duration::from_secs(60),
        };
        Self { root: root.to_owned(), trust, settings }
    }

    /// What it takes for an entry to count as written. Default: [`Durability::Data`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.settings.durability = durability;
        self
    }

    /// The most room that all entries may take on the disk, in bytes, as blocks and not as lengths. Beyond it the ones used longest ago
    /// go. It is looked at with the first entry that a process writes, and then whenever another sixteenth of it has been written, so
    /// that each process may add about that much meanwhile. Damaged entries that are kept take a sixteenth besides, at most. Default:
    /// 2 GiB.
    pub fn max_bytes(mut self, most: u64) -> Self {
        self.settings.max_bytes = most;
        self
    }

    /// The most entries there may be. Beyond them the ones used longest ago go, as for bytes. Default: 65,536.
    pub fn max_entries(mut self, most: u64) -> Self {
        self.settings.max_entries = most;
        self
    }

    /// How much room of the file system is left to others, in bytes: when there is less, entries go. Default: 256 MiB.
    pub fn min_free_bytes(mut self, least: u64) -> Self {
        self.settings.min_free_bytes = least;
        self
    }

    /// How long a call waits for another thread or process that compiles the same thing, before it does so itself.
    /// Default: 60 s.
    pub fn lock_wait(mut self, most: Duration) -> Self {
        self.settings.lock_wait = most;
        self
    }

    /// Opens the cache; see [`Cache::open`]. Code is loaded in [`LoadMode::Sealed`].
    ///
    /// # Errors
    ///
    /// As [`Cache::open`].
    pub fn open(self) -> Result<Cache, OpenError> {
        Cache::open_built(self)
    }
}
