//! The cache: one verified file per key, below one directory.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::bounds::Written;
use crate::builder::{CacheBuilder, Settings};
use crate::place::Place;
#[cfg(feature = "wasmtime")]
use crate::process_lock::{self, ProcessLock};
use crate::publish::publish;
use crate::side_file;
use crate::stamp::{self, Stamp};
use crate::trailer::FORMAT;
use crate::{
    Artifact, Key, Kind, Lookup, MissReason, OpenError, Put, PutError, Stats, Trailer, Trust, entry,
};

/// A store of artefacts on disk, from which nothing comes back that is not exactly what was put.
///
/// A handle is cheap to clone, and clones share their [`Stats`]. Any number of processes may use one directory at once.
///
/// Trouble with the disk is an answer here and not an error: [`get`](Self::get) says why it found nothing, takes a
/// damaged entry away, and the next [`put`](Self::put) heals it.
///
/// ```
/// use host_cache::{Cache, IntegrityOnly, Key, Lookup, MissReason};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// let cache = Cache::open(directory.path().join("cache"), IntegrityOnly)?;
/// let key = Key::builder("squares").field("of", "12").finish();
///
/// assert_eq!(cache.get(&key), Lookup::Miss(MissReason::Absent));
/// cache.put(&key, b"144")?;
/// assert_eq!(cache.get(&key).hit().expect("just put").bytes(), b"144");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Cache(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) root: PathBuf,
    /// Below it: `entries`, and what goes with them.
    pub(crate) place: Place,
    pub(crate) trust: Trust,
    pub(crate) settings: Settings,
    stats: Mutex<Stats>,
    /// Since the bounds were looked at.
    pub(crate) written: Mutex<Written>,
    pins: Mutex<BTreeMap<Key, usize>>,
}

impl Cache {
    /// Opens the cache in the directory `root`, which is created with mode 0700 if it is missing, like its missing parents.
    ///
    /// Without a host key ([`IntegrityOnly`](crate::IntegrityOnly)) a directory that is there must belong to the user of this
    /// process and must not be writable by others, because whoever can write to it can have code run by this process. On
    /// systems without Unix owners and modes this cannot be checked, and is for the caller to see to.
    ///
    /// # Errors
    ///
    /// If there is no such directory and none can be made, or if it is not private and has to be. The message says what to
    /// do.
    pub fn open(root: impl AsRef<Path>, trust: impl Into<Trust>) -> Result<Self, OpenError> {
        Self::builder(root, trust).open()
    }

    /// Begins to open a cache with settings of one's own.
    pub fn builder(root: impl AsRef<Path>, trust: impl Into<Trust>) -> CacheBuilder {
        CacheBuilder::new(root.as_ref(), trust.into())
    }

    pub(crate) fn open_built(builder: CacheBuilder) -> Result<Self, OpenError> {
        let CacheBuilder { root, trust, settings } = builder;
        // Remembered by the process, so that no lookup has to ask for it.
        let _ = stamp::boot();
        let root = Place::open(&root, &trust)?;
        // Each format and each key has a place of its own: what one cannot read is not in the way of the other.
        let place = root.inner(&format!("v{FORMAT}-{}", trust.key_id()), &trust)?;
        Ok(Self(Arc::new(Inner {
            root: root.path().to_owned(),
            place,
            trust,
            settings,
            stats: Mutex::default(),
            written: Mutex::default(),
            pins: Mutex::default(),
        })))
    }

    /// The directory that was opened, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// Looks for what was put under `key`. Everything is checked before anything is handed out.
    pub fn get(&self, key: &Key) -> Lookup {
        match self.find(key, Kind::Bytes) {
            Ok(artifact) => {
                self.count_hit(key, artifact.bytes().len() as u64);
                Lookup::Hit(artifact)
            }
            Err(reason) => {
                match reason {
                    // Code, whose key the caller knows: of no use here, but to others.
                    MissReason::WrongKind => self.counters().misses.count(reason),
                    _ => self.count_miss(key, reason),
                }
                Lookup::Miss(reason)
            }
        }
    }

    /// Keeps `artefact` under `key`. Readers find all of it or nothing, also if the process is killed meanwhile.
    ///
    /// If a good entry is there already, it stays: whoever was first has won. A damaged one is replaced.
    ///
    /// # Errors
    ///
    /// If the entry cannot be written, for instance to a full disk. Then nothing is left behind, and nothing is lost but time.
    pub fn put(&self, key: &Key, artefact: &[u8]) -> Result<Put, PutError> {
        self.store(key, artefact, &Trailer::of_bytes(key, artefact))
    }

    /// What this handle and its clones have done so far.
    pub fn stats(&self) -> Stats {
        *self.counters()
    }

    /// Looks without counting.
    pub(crate) fn find(&self, key: &Key, kind: Kind) -> Result<Artifact, MissReason> {
        let Opened { file, trailer, .. } = self.open_entry(key, entry::of(key, kind))?;
        entry::read_artifact(&file, &trailer)
    }

    /// Opens an entry that may be believed, whose trailer is right, and which `accept` takes. Its artefact is not looked at yet.
    pub(crate) fn open_entry(
        &self,
        key: &Key,
        accept: impl FnOnce(&Trailer) -> Result<(), MissReason>,
    ) -> Result<Opened, MissReason> {
        let file = open_without_waiting(&self.path(key))?;
        let metadata = file.metadata()?;
        let believable = match self.0.trust {
            Trust::HostKey(_) => metadata.is_file(),
            Trust::IntegrityOnly => self.0.place.is_private_file(&metadata),
        };
        if !believable {
            return Err(MissReason::NotPrivate);
        }
        let trailer = entry::read_trailer(&file, metadata.len(), &self.0.trust, accept)?;
        Ok(Opened { file, metadata, trailer })
    }

    /// Writes an artefact with its trailer.
    pub(crate) fn store(&self, key: &Key, artefact: &[u8], trailer: &Trailer) -> Result<Put, PutError> {
        let publish = || {
            let is_good = || self.find(key, trailer.kind).is_ok();
            let trailer = trailer.to_bytes(&self.0.trust);
            publish(&self.path(key), artefact, trailer, self.0.settings.durability, is_good)
        };
        let put = publish().or_else(|error| {
            // Others may have filled the disk, or the user's part of it, but what is ours can go.
            let is_full =
                matches!(error.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
            let needed = artefact.len() as u64 + MARGIN;
            if is_full
                && self
                    .collect(Some(key), needed, Duration::from_secs(1))
                    .is_ok_and(|report| report.removed > 0)
            {
                publish()
            } else {
                Err(error)
            }
        });
        match &put {
            Ok(Put::AlreadyThere) => {}
            Ok(Put::Written | Put::Replaced) => {
                let mut stats = self.counters();
                stats.published += 1;
                stats.bytes_written += artefact.len() as u64;
                drop(stats);
                self.note_written(key);
            }
            Err(_) => self.counters().publish_failures += 1,
        }
        put
    }

    pub(crate) fn pins(&self) -> MutexGuard<'_, BTreeMap<Key, usize>> {
        self.0.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count_hit(&self, key: &Key, bytes: u64) {
        let mut stats = self.counters();
        stats.hits += 1;
        stats.bytes_read += bytes;
        drop(stats);
        self.stamp(key, &self.0.place.path().join(STAMPS)).note_use();
    }

    /// The stamp of an entry, which is kept in `directory`.
    pub(crate) fn stamp<'a>(&'a self, key: &'a Key, directory: &'a Path) -> Stamp<'a> {
        Stamp { directory, key, trust: &self.0.trust }
    }

    /// Waits until no other process compiles what belongs under `key`. `None` if that takes too long, or cannot be known.
    #[cfg(feature = "wasmtime")]
    pub(crate) fn lock(&self, key: &Key) -> Option<ProcessLock> {
        if !self.0.place.has_locks() {
            return None;
        }
        let directory = self.0.place.path().join(LOCKS);
        side_file::make_directory(&directory).ok()?;
        process_lock::lock(&directory.join(key.to_string()), self.0.settings.lock_wait).held()
    }

    pub(crate) fn path(&self, key: &Key) -> PathBuf {
        self.0.place.path().join(ENTRIES).join(key.to_string())
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn counters(&self) -> MutexGuard<'_, Stats> {
        // Counting cannot stop half-way in a manner that matters.
        self.0.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An entry of which all is known to be right but the artefact.
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) metadata: Metadata,
    pub(crate) trailer: Trailer,
}

/// The directory of the entries. It is flat: file systems of today find a name among a hundred thousand as fast as among ten.
pub(crate) const ENTRIES: &str = "entries";

/// The directory of the files that tell when entries were used.
pub(crate) const STAMPS: &str = "stamps";

/// The directory of the files that tell what digests inputs have.
pub(crate) const INPUTS: &str = "inputs";

/// The directory of the files by which processes take turns.
pub(crate) const LOCKS: &str = "locks";

/// The directory of entries that were not what they should be.
pub(crate) const QUARANTINE: &str = "quarantine";

/// What an entry takes besides its artefact, in bytes: a trailer, and the rest of a block.
const MARGIN: u64 = 8 << 10;

/// Opens a file without following a link, and without waiting for the other end of a pipe.
fn open_without_waiting(path: &Path) -> Result<File, MissReason> {
    let opened = side_file::without_waiting(File::options().read(true)).open(path);
    opened.map_err(|error| match fs::symlink_metadata(path) {
        // A link, a socket.
        Ok(metadata) if !metadata.is_file() => MissReason::NotPrivate,
        _ => error.into(),
    })
}
