//! Counts by way of open directories: paths have a longest length, and lead elsewhere when the host moves what they led to.

use std::collections::HashSet;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;

use crate::files::quota::Quota;

/// What tells one directory from every other, as long as it is open.
pub(crate) type Identity = (u64, u64);

/// A directory that is counted, wherever it is moved to.
pub(crate) struct Root(File);

/// How often counting begins anew when a directory was moved away meanwhile.
const ATTEMPTS: usize = 4;

impl Root {
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Identity)> {
        let root = File::from(directory(CWD, path)?);
        let metadata = root.metadata()?;
        Ok((Self(root), (metadata.dev(), metadata.ino())))
    }

    /// Counts what lies there, and in those of the files `open` that have been removed from it.
    pub(crate) fn count(&self, open: &[Arc<File>], most: Quota) -> io::Result<Quota> {
        for _ in 1..ATTEMPTS {
            match self.attempt(open, most) {
                Err(Errno::AGAIN) => {}
                counted => return Ok(counted?),
            }
        }
        Ok(self.attempt(open, most)?)
    }

    fn attempt(&self, open: &[Arc<File>], most: Quota) -> Result<Quota, Errno> {
        let mut found = Quota::NOTHING;
        let mut seen = HashSet::new();
        let mut add = |stat: &Stat, entries: u64| {
            let sized =
                matches!(FileType::from_raw_mode(stat.st_mode), FileType::RegularFile | FileType::Symlink);
            let again = sized && !seen.insert((stat.st_dev, stat.st_ino));
            let bytes = if sized && !again { u64::try_from(stat.st_size).unwrap_or(0) } else { 0 };
            found = found.plus(Quota { bytes, files: entries });
            if found.exceeds(most) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        if visit(&self.0, |stat| add(stat, 1))?.is_continue() {
            for file in open {
                let _ = add(&fstat(file)?, 0);
            }
        }
        Ok(found)
    }
}

/// A directory on the way down.
struct Level {
    stat: Stat,
    /// Directories in it that have not been visited yet.
    unread: Vec<CString>,
}

/// Shows every entry at all depths. Holds one directory open, however deep it is, and the names of those to be visited.
fn visit(root: &File, mut show: impl FnMut(&Stat) -> ControlFlow<()>) -> Result<ControlFlow<()>, Errno> {
    let mut here = directory(root, c".")?;
    let mut levels = Vec::new();
    loop {
        let mut unread = Vec::new();
        for entry in Dir::read_from(&here)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            // Another process may have removed since what was there.
            let Some(stat) = found(statat(&here, name, AtFlags::SYMLINK_NOFOLLOW))? else { continue };
            if show(&stat).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                unread.push(name.to_owned());
            }
        }
        levels.push(Level { stat: fstat(&here)?, unread });
        loop {
            let Some(level) = levels.last_mut() else { return Ok(ControlFlow::Continue(())) };
            if let Some(name) = level.unread.pop() {
                if let Some(below) = found(directory(&here, name.as_c_str()))? {
                    here = below;
                    break;
                }
                continue;
            }
            levels.pop();
            if let Some(above) = levels.last() {
                here = directory(&here, c"..")?;
                let stat = fstat(&here)?;
                if (stat.st_dev, stat.st_ino) != (above.stat.st_dev, above.stat.st_ino) {
                    return Err(Errno::AGAIN);
                }
            }
        }
    }
}

fn directory(at: impl AsFd, path: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
    openat(at, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

fn found<T>(looked_at: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match looked_at {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error),
    }
}
