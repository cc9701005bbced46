//! Writing one entry, so that readers see all of it or none of it, whatever happens meanwhile.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

use crate::Durability;
use crate::place::TEMPORARY;
use crate::side_file::make_directory;

/// What a [`Cache::put`](crate::Cache::put) that did not fail has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Put {
    /// The entry was not there and is there now.
    Written,
    /// A damaged entry was there, and a good one is there now.
    Replaced,
    /// A good entry was there and has been left alone.
    AlreadyThere,
}

/// Why an entry could not be written. Nothing is left behind, unless it was only its name that could not be synced: then it is there, and
/// good, but a loss of power may take it away again.
#[derive(Debug, Error)]
#[error("cannot {step} the cache entry {}: check the free space, the quota and the permissions", path.display())]
#[non_exhaustive]
pub struct PutError {
    /// What failed: "create", "reserve", "write", "sync", "publish" or "sync the directory of".
    pub step: &'static str,
    /// The file that the entry was to be.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Writes an artefact and its trailer to a temporary file beside `path` and gives it that name, unless an entry stands there
/// for which `is_good` says yes.
pub(crate) fn publish(
    path: &Path,
    artefact: &[u8],
    trailer: Option<Vec<u8>>,
    durability: Durability,
    is_good: impl FnOnce() -> bool,
) -> Result<Put, PutError> {
    let at = |step| move |source| PutError { step, path: path.to_owned(), source };
    let trailer = trailer.ok_or_else(|| at("write")(io::ErrorKind::InvalidInput.into()))?;

    // In the directory of the entry, so that giving it its name never crosses a file system. The name is random: what a
    // killed process leaves behind stands in nobody's way.
    let directory = path.parent().expect("an entry stands in a directory");
    make_directory(directory).map_err(at("create"))?;
    let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory).map_err(at("create"))?;
    // A full disk says so before anything is written.
    reserve(file.as_file(), (artefact.len() + trailer.len()) as u64).map_err(at("reserve"))?;
    file.write_all(artefact).and_then(|()| file.write_all(&trailer)).map_err(at("write"))?;
    make_read_only(&file).map_err(at("write"))?;
    if durability != Durability::None {
        // Otherwise the name could outlive a loss of power that the bytes do not.
        file.as_file().sync_data().map_err(at("sync"))?;
    }
    let put = give_name(file, path, is_good).map_err(at("publish"))?;
    if durability == Durability::Full && put != Put::AlreadyThere {
        // Those above too, up to the root: they may have been made for this entry.
        for directory in directory.ancestors().take(3) {
            sync_directory(directory).map_err(at("sync the directory of"))?;
        }
        // The root may have been made as well; but what it stands in need not be readable.
        let _ = directory.ancestors().nth(3).map(sync_directory);
    }
    Ok(put)
}

/// Gives the file its name, or leaves the good entry that has it.
fn give_name(file: NamedTempFile, path: &Path, is_good: impl FnOnce() -> bool) -> io::Result<Put> {
    match file.persist_noclobber(path) {
        Ok(_) => Ok(Put::Written),
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        Err(_) if is_good() => Ok(Put::AlreadyThere),
        Err(error) => {
            // A directory, unlike a file, would not be replaced.
            let _ = fs::remove_dir(path);
            error.file.persist(path)?;
            Ok(Put::Replaced)
        }
    }
}

/// Asks for the room that is needed, where the file system can be asked.
fn reserve(file: &fs::File, length: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        match fallocate(file, FallocateFlags::empty(), 0, length) {
            // Nothing to reserve, or nobody to ask. Writing will tell.
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, length);
        Ok(())
    }
}

/// Writes the names in a directory to the disk, where that can be asked for.
fn sync_directory(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return fs::File::open(directory)?.sync_all();
    #[cfg(not(unix))]
    {
        let _ = directory;
        Ok(())
    }
}

/// Guards against tools that would change the entry in place.
fn make_read_only(file: &NamedTempFile) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o400))
    }
    // Elsewhere a read-only file could not be replaced or removed.
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(())
    }
}
