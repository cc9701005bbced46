//! Whether a directory that is granted to a guest reaches the cache.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::{Cache, Trust};

impl Cache {
    /// Whether whoever may use the directory `path` reaches this cache, or the file of its host key: it is the cache's, above it or
    /// in it. Ask before granting it to a guest: one that can write entries can have code run where there is no host key, and one
    /// that reads the key can forge them where there is.
    ///
    /// Links on the way are resolved, and directories that are mounted a second time elsewhere are known by their
    /// number. Not seen is a second mount of the cache somewhere below `path`.
    ///
    /// ```
    /// # use host_cache::{Cache, IntegrityOnly};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// # std::fs::create_dir(home.path().join("data"))?;
    /// let cache = Cache::open(home.path().join("cache"), IntegrityOnly)?;
    /// assert!(cache.overlaps(home.path())?);
    /// assert!(!cache.overlaps(home.path().join("data"))?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If `path` or the cache's directory is not there, or cannot be looked at.
    pub fn overlaps(&self, path: impl AsRef<Path>) -> io::Result<bool> {
        let path = fs::canonicalize(path)?;
        let mut reached = vec![fs::canonicalize(self.root())?];
        if let Trust::HostKey(key) = &self.inner().trust
            && let Some(key) = key.file().and_then(|file| fs::canonicalize(file).ok())
        {
            reached.push(key);
        }
        for reached in &reached {
            if has_ancestor(reached, &path)? {
                return Ok(true);
            }
        }
        for inside in directories(&reached[0])? {
            if has_ancestor(&path, &inside)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether `path` is `ancestor`, or lies in it. Both are canonical.
fn has_ancestor(path: &Path, ancestor: &Path) -> io::Result<bool> {
    if path.starts_with(ancestor) {
        return Ok(true);
    }
    let wanted = fs::metadata(ancestor)?;
    for above in path.ancestors() {
        if is_same(&fs::metadata(above)?, &wanted) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }
    // Elsewhere the names have to do.
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        false
    }
}

/// The directory of a cache, and those in it: one for each format and key, and what each of them has.
fn directories(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = vec![root.to_owned()];
    let mut level = all.clone();
    for _ in 0..2 {
        let mut below = Vec::new();
        for directory in level {
            // What goes meanwhile is nobody's way in.
            let Ok(entries) = fs::read_dir(directory) else { continue };
            let entries = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            below.extend(entries.map(|entry| entry.path()));
        }
        all.extend(below.iter().cloned());
        level = below;
    }
    Ok(all)
}
