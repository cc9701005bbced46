//! Writing one entry, so that readers see all of it or none of it, whatever happens meanwhile.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

use crate::Trailer;
use crate::place::create_private;

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

/// Why an entry could not be written. Nothing is left behind.
#[derive(Debug, Error)]
#[error("cannot {step} the cache entry {}: check the free space and the permissions", path.display())]
#[non_exhaustive]
pub struct PutError {
    /// What failed: "create", "write", "sync" or "publish".
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
    trailer: &Trailer,
    is_good: impl FnOnce() -> bool,
) -> Result<Put, PutError> {
    let at = |step| move |source| PutError { step, path: path.to_owned(), source };
    let trailer = trailer.to_bytes().ok_or_else(|| at("write")(io::ErrorKind::InvalidInput.into()))?;

    // In the directory of the entry, so that giving it its name never crosses a file system. The name is random: what a
    // killed process leaves behind stands in nobody's way.
    let directory = path.parent().expect("an entry stands in a directory");
    create_private(directory).map_err(at("create"))?;
    let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(directory).map_err(at("create"))?;
    file.write_all(artefact).and_then(|()| file.write_all(&trailer)).map_err(at("write"))?;
    make_read_only(&file).map_err(at("write"))?;
    // Otherwise the name could outlive a loss of power that the bytes do not.
    file.as_file().sync_data().map_err(at("sync"))?;

    match file.persist_noclobber(path) {
        Ok(_) => Ok(Put::Written),
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(at("publish")(error.error)),
        Err(_) if is_good() => Ok(Put::AlreadyThere),
        Err(error) => {
            // A directory, unlike a file, would not be replaced.
            let _ = fs::remove_dir(path);
            error.file.persist(path).map_err(|error| at("publish")(error.error))?;
            Ok(Put::Replaced)
        }
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
