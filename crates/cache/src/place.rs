//! Where entries live: a directory, and whether anybody but the user of this process may write to it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::builder::Downgrade;
use crate::trust::Trust;

/// How the names of temporary files begin, so that those of a killed process can be told from other people's.
pub(crate) const TEMPORARY: &str = ".host-cache-";

/// Why a directory cannot hold a cache.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It does not exist and cannot be made.
    #[error("cannot create the cache directory {}: create it, with mode 0700, or name another", path.display())]
    Create {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be looked at.
    #[error("cannot inspect the cache directory {}: name one that can be reached", path.display())]
    Inspect {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a symbolic link, which somebody else may be able to turn around.
    #[error("the cache directory {} is a symbolic link: name the directory itself", path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// It is a file or something else.
    #[error("the cache directory {} is not a directory: remove it or name another", path.display())]
    NotADirectory {
        /// What is no directory.
        path: PathBuf,
    },
    /// No file can be created in it.
    #[error("cannot create files in the cache directory {}: make it writable, or name another", path.display())]
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It belongs to somebody else, who could put code into it for this process to run, and there is no host key.
    #[error(
        "the cache directory {} belongs to user {owner}, but this process is user {user}: \
         name a directory of your own, or open it with a host key",
        path.display()
    )]
    ForeignOwner {
        /// The directory.
        path: PathBuf,
        /// The id of the user it belongs to.
        owner: u32,
        /// The id of the user that files of this process belong to.
        user: u32,
    },
    /// Other users may write to it, and could put code into it for this process to run, and there is no host key.
    #[error(
        "the cache directory {} may be written by other users (mode {mode:04o}): \
         empty it and run `chmod 700` on it, name another, or open it with a host key",
        path.display()
    )]
    WritableByOthers {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The host key is kept in it, where whoever could forge entries finds it.
    #[error("the host key {} is kept in the cache directory {}: keep it elsewhere", key.display(), path.display())]
    KeyInside {
        /// The directory.
        path: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
}

/// A directory that was looked at when it was opened.
///
/// Where there are no Unix owners and modes, only the kind of the directory and that it can be written are checked: there
/// the user has to name a directory that nobody else may write.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Whether nobody else may write to it.
    private: bool,
    /// What the file system is known to be unfit for mapping for.
    unfit: Option<Downgrade>,
    /// The user that files of this process belong to.
    #[cfg(unix)]
    user: u32,
}

impl Place {
    /// Makes `path` and its missing parents for this user alone, or checks the directory that is there, which has to be
    /// private where nothing but that makes its entries believable.
    pub(crate) fn open(path: &Path, trust: &Trust) -> Result<Self, OpenError> {
        let inspect = |source| OpenError::Inspect { path: path.to_owned(), source };
        // Absolute, so that it stays the same directory; and with no trailing slash, which would follow a link.
        let path: PathBuf = std::path::absolute(path).map_err(inspect)?.components().collect();
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_private(&path).map_err(|source| OpenError::Create { path: path.clone(), source })?
            }
            Err(source) => return Err(OpenError::Inspect { path, source }),
            Ok(_) => {}
        }
        // Also right after it was made: somebody else may have been faster.
        let place = Self::check(path, trust)?;
        match trust {
            Trust::HostKey(key) => match key.file().filter(|key| is_within(key, &place.path)) {
                Some(key) => Err(OpenError::KeyInside { path: place.path, key: key.to_owned() }),
                None => Ok(place),
            },
            Trust::IntegrityOnly => Ok(place),
        }
    }

    /// A directory below this one, checked in the same way.
    pub(crate) fn inner(&self, name: &str, trust: &Trust) -> Result<Self, OpenError> {
        let inner = Self::open(&self.path.join(name), trust)?;
        Ok(Self { private: inner.private && self.private, ..inner })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether locks here hold other processes off: those of one machine do.
    pub(crate) fn has_locks(&self) -> bool {
        self.unfit != Some(Downgrade::FileSystem)
    }

    /// What speaks against mapping a file of this directory.
    #[cfg(feature = "wasmtime")]
    pub(crate) fn downgrade(&self, file: &fs::Metadata) -> Option<Downgrade> {
        if !self.private || !self.is_private_file(file) {
            return Some(Downgrade::NotPrivate);
        }
        #[cfg(unix)]
        if std::os::unix::fs::MetadataExt::nlink(file) != 1 {
            return Some(Downgrade::Linked);
        }
        self.unfit
    }

    fn check(path: PathBuf, trust: &Trust) -> Result<Self, OpenError> {
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(source) => return Err(OpenError::Inspect { path, source }),
        };
        if metadata.is_symlink() {
            return Err(OpenError::Symlink { path });
        }
        if !metadata.is_dir() {
            return Err(OpenError::NotADirectory { path });
        }
        let probe = match tempfile::tempfile_in(&path) {
            Ok(probe) => probe,
            Err(source) => return Err(OpenError::NotWritable { path, source }),
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;

            let user = match probe.metadata() {
                Ok(probe) => probe.uid(),
                Err(source) => return Err(OpenError::Inspect { path, source }),
            };
            let (foreign, open) = (metadata.uid() != user, metadata.mode() & 0o022 != 0);
            if matches!(trust, Trust::IntegrityOnly) {
                if foreign {
                    return Err(OpenError::ForeignOwner { path, owner: metadata.uid(), user });
                }
                if open {
                    return Err(OpenError::WritableByOthers { path, mode: metadata.mode() & 0o7777 });
                }
            }
            let unfit = unfit_file_system(&path);
            Ok(Self { path, private: !foreign && !open, unfit, user })
        }
        #[cfg(not(unix))]
        {
            let _ = (probe, trust);
            Ok(Self { path, private: true, unfit: Some(Downgrade::FileSystem) })
        }
    }

    /// Whether a file in this directory is a regular one that nobody but this user may write.
    pub(crate) fn is_private_file(&self, metadata: &fs::Metadata) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            metadata.is_file() && metadata.uid() == self.user && metadata.mode() & 0o022 == 0
        }
        #[cfg(not(unix))]
        metadata.is_file()
    }
}

/// Whether files of this file system cannot be relied on to be mapped: the network, layers, unknown ones, `noexec`.
#[cfg(unix)]
fn unfit_file_system(directory: &Path) -> Option<Downgrade> {
    use rustix::fs::StatVfsMountFlags;
    if !is_local_file_system(directory) {
        return Some(Downgrade::FileSystem);
    }
    match rustix::fs::statvfs(directory) {
        Ok(mount) if !mount.f_flag.contains(StatVfsMountFlags::NOEXEC) => None,
        _ => Some(Downgrade::NoExec),
    }
}

/// Whether it is a file system whose times and locks are those of one machine: ext4, xfs, btrfs, f2fs, tmpfs.
#[cfg(target_os = "linux")]
pub(crate) fn is_local_file_system(directory: &Path) -> bool {
    // From `linux/magic.h`.
    const LOCAL: [u32; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x0102_1994];
    rustix::fs::statfs(directory).is_ok_and(|kind| LOCAL.contains(&(kind.f_type as u32)))
}

/// Elsewhere it is not known.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_local_file_system(_directory: &Path) -> bool {
    false
}

/// Whether `path` lies in `directory`, links on the way resolved.
fn is_within(path: &Path, directory: &Path) -> bool {
    let resolved = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    resolved(path).starts_with(resolved(directory))
}

/// Whether nobody but the user of this process or the administrator can have written `file`, a regular one.
#[cfg(feature = "wasmtime")]
pub(crate) fn is_file_of_user_or_administrator(file: &fs::File) -> io::Result<bool> {
    is_file_without(0o022, file)
}

/// Whether nobody but the user of this process or the administrator can have written or read `file`, a regular one.
pub(crate) fn is_secret_file_of_user_or_administrator(file: &fs::File) -> io::Result<bool> {
    is_file_without(0o077, file)
}

/// Whether `file` is a regular one, of this user or the administrator, and has none of the bits `forbidden` in its mode.
fn is_file_without(forbidden: u32, file: &fs::File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let is_ours = metadata.uid() == 0 || metadata.uid() == rustix::process::geteuid().as_raw();
        Ok(metadata.is_file() && metadata.mode() & forbidden == 0 && is_ours)
    }
    #[cfg(not(unix))]
    {
        let _ = forbidden;
        Ok(metadata.is_file())
    }
}

/// Creates `path` and its missing parents, for this user alone.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
