//! Small files beside the entries, in directories where somebody else may have put anything under any name: read without waiting
//! and without following a link, replaced whole, and touched only if they are files of their own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

use crate::place::{TEMPORARY, create_private};

/// Makes opening neither follow a link nor wait for the other end of a pipe.
pub(crate) fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits() as i32);
    }
    options
}

/// The bytes of a regular file, if there are `N` of them.
pub(crate) fn read<const N: usize>(path: &Path) -> Option<[u8; N]> {
    let mut file = without_waiting(File::options().read(true)).open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let mut bytes = [0; N];
    (metadata.is_file() && metadata.len() == N as u64).then_some(())?;
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// Gives the file at `path` these contents, whatever is there, in a directory that is.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
    file.write_all(contents)?;
    file.persist(path)?;
    Ok(())
}

/// Makes a file of mode 0600 that appears whole or not at all, synced, and never replaces one.
pub(crate) fn create(path: &Path, contents: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    #[cfg(target_os = "linux")]
    match create_nameless(directory, path, contents) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {}
        done => return done,
    }
    // `tempfile` makes files in mode 0600.
    let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
}

/// As [`create`], with no name before the last: what a killed process leaves, the kernel removes. Not every file system can do that.
#[cfg(target_os = "linux")]
fn create_nameless(directory: &Path, path: &Path, contents: &[u8]) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, OFlags, linkat};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;

    let mut options = File::options();
    options.write(true).mode(0o600).custom_flags(OFlags::TMPFILE.bits() as i32);
    let mut file = options.open(directory)?;
    file.write_all(contents)?;
    file.sync_all()?;
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, open, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// Gives the file at `path` the time of now. What is no file of its own, or not there, is replaced by an empty one: the time of
/// what stands behind it is not ours to set.
pub(crate) fn touch(path: &Path) -> io::Result<()> {
    let touch = || {
        let file = without_waiting(File::options().write(true)).open(path)?;
        if !is_one_file(&file.metadata()?) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        file.set_modified(SystemTime::now())
    };
    touch().or_else(|_: io::Error| replace(path, b""))
}

/// Makes a directory for this user alone, if there is none. A link to one is none: it leads to files of somebody else.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    create_private(path)?;
    is_directory(path).then_some(()).ok_or(io::ErrorKind::NotADirectory.into())
}

/// Whether there is a directory, and not a link to one.
pub(crate) fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Whether it is a regular file with no other name.
fn is_one_file(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    return metadata.is_file() && std::os::unix::fs::MetadataExt::nlink(metadata) == 1;
    #[cfg(not(unix))]
    metadata.is_file()
}
