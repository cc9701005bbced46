//! One whole version of a file, though others may write it meanwhile.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use super::{SETTLED, Stamp};

/// How often reading begins anew: for about two seconds.
const ATTEMPTS: usize = 20;

/// What was read of a file.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) bytes: Vec<u8>,
    /// Another one is there as soon as the file holds anything else.
    #[cfg_attr(not(test), expect(dead_code, reason = "who looks again lists the directory"))]
    pub(crate) stamp: Stamp,
}

/// Why there is no whole version of a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ReadError {
    /// It cannot be opened or read.
    #[error("cannot read `{}`", path.display())]
    Io {
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It is a directory, a pipe, a device.
    #[error("`{}` is not a regular file", path.display())]
    NotRegular { path: PathBuf },
    /// It has more bytes than may be read.
    #[error("`{}` has {length} bytes; {most} are allowed", path.display())]
    TooLarge { path: PathBuf, length: u64, most: u64 },
    /// Whenever it was read, somebody was writing it.
    #[error("`{}` keeps changing while it is read; write it under another name, and rename it when it is whole", path.display())]
    Changing { path: PathBuf },
}

/// Reads a regular file of at most `most` bytes, as one that nobody changed from 100 milliseconds before it was read
/// until it was read.
///
/// So whoever writes a file in place and stops in the middle for longer than that is read in the middle; a file that is
/// written under another name and renamed is always whole.
///
/// Blocks for about two seconds at most besides the reading, and not at all if the file was left alone lately.
///
/// # Errors
///
/// [`ReadError`]; there is nothing to try again but for [`ReadError::Changing`].
pub(crate) fn read_stable(path: &Path, most: u64) -> Result<Contents, ReadError> {
    read_with(path, most, thread::sleep, || {})
}

/// The most bytes that are read of a file of a plugin. The static limits may say less, and look at what was read.
const MOST_BYTES: u64 = 1 << 30;

/// As [`read_stable`], up to a size that no plugin has, with the words for why not as an error of the system's.
pub(crate) fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    Ok(read_stable(path, MOST_BYTES)?.bytes)
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> io::Error {
        let reason = match error {
            ReadError::Io { source, .. } => return source,
            ReadError::NotRegular { .. } => "it is not a regular file".to_owned(),
            ReadError::TooLarge { length, most, .. } => {
                format!("it has {length} bytes, and no more than {most} are read")
            }
            ReadError::Changing { .. } => {
                "it keeps changing while it is read; write it under another name, and rename it when it is whole"
                    .to_owned()
            }
        };
        io::Error::new(io::ErrorKind::InvalidInput, reason)
    }
}

/// `read` is done when the bytes were read and nothing was checked yet.
fn read_with(
    path: &Path,
    most: u64,
    mut pause: impl FnMut(Duration),
    mut read: impl FnMut(),
) -> Result<Contents, ReadError> {
    let mut leased = None;
    for _ in 0..ATTEMPTS {
        match attempt(path, most, &mut pause, &mut read) {
            Ok(Some(contents)) => return Ok(contents),
            Ok(None) => leased = None,
            // Another program has a lease on it, and is being asked to give it up.
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::WouldBlock => {
                leased = Some(source);
                pause(SETTLED);
            }
            Err(error) => return Err(error),
        }
    }
    let path = path.to_owned();
    Err(match leased {
        Some(source) => ReadError::Io { path, source },
        None => ReadError::Changing { path },
    })
}

/// `None` if it was changed meanwhile.
fn attempt(
    path: &Path,
    most: u64,
    pause: &mut impl FnMut(Duration),
    read: &mut impl FnMut(),
) -> Result<Option<Contents>, ReadError> {
    let unreadable = |source| ReadError::Io { path: path.to_owned(), source };
    let file = open(path)?;
    let stamp = stamp_of(&file, path)?;
    // Before it is waited for: waiting makes it no smaller.
    let length = stamp.length;
    if length > most {
        return Err(ReadError::TooLarge { path: path.to_owned(), length, most });
    }
    let unsettled = stamp.unsettled(SystemTime::now());
    if !unsettled.is_zero() {
        pause(unsettled);
        if stamp_of(&file, path)? != stamp {
            return Ok(None);
        }
    }

    let mut bytes = Vec::new();
    let room = usize::try_from(length).unwrap_or(usize::MAX);
    bytes.try_reserve_exact(room).map_err(|_| unreadable(io::ErrorKind::OutOfMemory.into()))?;
    // One more, to see whether it grew.
    (&file).take(length.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    read();

    let is_whole = bytes.len() as u64 == length && stamp_of(&file, path)? == stamp;
    if !is_whole {
        // One that grows without an end, or lies about its length, is settled: it must not be read over and over at once.
        pause(SETTLED / 4);
        return Ok(None);
    }
    // Another one may have taken its place.
    match Stamp::of(path) {
        Ok(now) if now == stamp => Ok(Some(Contents { bytes, stamp })),
        Ok(_) => Ok(None),
        Err(source) => Err(unreadable(source)),
    }
}

/// Opens it if it is a regular file. It is looked at before, because opening a device may do something; and what is opened
/// does not wait, because it may have become a pipe meanwhile.
pub(crate) fn open(path: &Path) -> Result<File, ReadError> {
    let unreadable = |source| ReadError::Io { path: path.to_owned(), source };
    let irregular = || ReadError::NotRegular { path: path.to_owned() };
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(irregular());
    }
    let file = open_at_once(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_file() { Ok(file) } else { Err(irregular()) }
}

fn open_at_once(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(flags.bits() as i32);
    }
    options.open(path)
}

fn stamp_of(file: &File, path: &Path) -> Result<Stamp, ReadError> {
    match file.metadata() {
        Ok(metadata) => Ok(Stamp::new(&metadata)),
        Err(source) => Err(ReadError::Io { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests;
