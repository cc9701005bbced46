//! The cache: one verified file per key, below one private directory.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::place::Place;
use crate::publish::publish;
use crate::trailer::FORMAT;
use crate::{Artifact, Key, Kind, Lookup, MissReason, OpenError, Put, PutError, Stats, Trailer, entry};

/// A store of artefacts on disk, from which nothing comes back that is not exactly what was put.
///
/// A handle is cheap to clone, and clones share their [`Stats`]. Any number of processes may use one directory at once.
///
/// Trouble with the disk is an answer here and not an error: [`get`](Self::get) says why it found nothing, takes a
/// damaged entry away, and the next [`put`](Self::put) heals it.
///
/// ```
/// use host_cache::{Cache, Key, Lookup, MissReason};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// let cache = Cache::open(directory.path().join("cache"))?;
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
struct Inner {
    root: PathBuf,
    entries: Place,
    stats: Mutex<Stats>,
}

impl Cache {
    /// Opens the cache in the directory `root`, which is created with mode 0700 if it is missing, like its missing parents.
    ///
    /// A directory that is there must belong to the user of this process and must not be writable by others, because
    /// whoever can write to it can have code run by this process. On systems without Unix owners and modes this cannot
    /// be checked, and is for the caller to see to.
    ///
    /// # Errors
    ///
    /// If there is no such directory and none can be made, or if it is not private. The message says what to do.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, OpenError> {
        let root = Place::open(root.as_ref())?;
        let entries = root.inner(&format!("v{FORMAT}"))?;
        Ok(Self(Arc::new(Inner { root: root.path().to_owned(), entries, stats: Mutex::default() })))
    }

    /// The directory that was opened, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// Looks for what was put under `key`. Everything is checked before anything is handed out.
    pub fn get(&self, key: &Key) -> Lookup {
        match self.find(key, Kind::Bytes) {
            Ok(artifact) => {
                self.count_hit(&artifact);
                Lookup::Hit(artifact)
            }
            Err(reason) => {
                self.count_miss(key, reason);
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

    /// Takes away what is kept under `key`, and says whether there was something.
    ///
    /// # Errors
    ///
    /// If there is something that cannot be removed.
    pub fn remove(&self, key: &Key) -> io::Result<bool> {
        match remove(&self.path(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| true),
        }
    }

    /// What this handle and its clones have done so far.
    pub fn stats(&self) -> Stats {
        *self.counters()
    }

    /// Looks without counting.
    pub(crate) fn find(&self, key: &Key, kind: Kind) -> Result<Artifact, MissReason> {
        let path = self.path(key);
        // Before it is opened: opening a pipe would wait for somebody to write to it.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(MissReason::NotPrivate);
        }
        let file = File::open(&path)?;
        if !self.0.entries.is_private_file(&file.metadata()?) {
            return Err(MissReason::NotPrivate);
        }
        let (_, artifact) = entry::verify(file, entry::of(key, kind))?;
        Ok(artifact)
    }

    /// Writes an artefact with its trailer.
    pub(crate) fn store(&self, key: &Key, artefact: &[u8], trailer: &Trailer) -> Result<Put, PutError> {
        let is_good = || self.find(key, trailer.kind).is_ok();
        let put = publish(&self.path(key), artefact, trailer, is_good);
        let mut stats = self.counters();
        match &put {
            Ok(Put::AlreadyThere) => {}
            Ok(Put::Written | Put::Replaced) => {
                stats.published += 1;
                stats.bytes_written += artefact.len() as u64;
            }
            Err(_) => stats.publish_failures += 1,
        }
        put
    }

    pub(crate) fn count_hit(&self, artifact: &Artifact) {
        let mut stats = self.counters();
        stats.hits += 1;
        stats.bytes_read += artifact.bytes().len() as u64;
    }

    /// Counts a miss, and takes the entry away if nobody can use it.
    pub(crate) fn count_miss(&self, key: &Key, reason: MissReason) {
        self.counters().misses.count(reason);
        if reason.condemns() {
            // If it stays, the next put replaces it. If it has just been replaced by a good one, that is one more miss.
            let _ = remove(&self.path(key));
        }
    }

    fn path(&self, key: &Key) -> PathBuf {
        let name = key.to_string();
        // 256 directories, so that none of them gets long.
        self.0.entries.path().join(&name[..2]).join(&name)
    }

    fn counters(&self) -> MutexGuard<'_, Stats> {
        // Counting cannot stop half-way in a manner that matters.
        self.0.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes what stands where an entry belongs, even if that is an empty directory.
fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Err(error),
        _ => fs::remove_dir(path).map_err(|_| error),
    })
}
