//! The files of a cache as a collection sees them: which are ours, and what room they take.

use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::Path;

/// The regular files in a directory, which need not be there. What goes meanwhile is left out.
pub(crate) fn files(directory: &Path) -> io::Result<impl Iterator<Item = (String, Metadata)> + use<>> {
    // A link would lead to files of somebody else, whatever their names.
    if fs::symlink_metadata(directory).is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        entries => Some(entries?),
    };
    let named = |entry: DirEntry| Some((entry.file_name().into_string().ok()?, entry.metadata().ok()?));
    let entries = entries.into_iter().flatten().filter_map(move |entry| named(entry.ok()?));
    Ok(entries.filter(|(_, metadata)| metadata.is_file()))
}

/// Whether a file has the name of a key, and so is one of ours.
pub(crate) fn is_key(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The room that a file takes on the disk.
pub(crate) fn room(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::blocks(metadata) * 512;
    #[cfg(not(unix))]
    metadata.len()
}

/// How much room of the file system is free, if it says so.
pub(crate) fn free_room(directory: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let system = rustix::fs::statvfs(directory).ok()?;
        Some(system.f_bavail.saturating_mul(system.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = directory;
        None
    }
}
