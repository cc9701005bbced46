//! Where entries live: a directory that nobody but the user of this process may write.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

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
    /// It belongs to somebody else, who could put code into it for this process to run.
    #[error(
        "the cache directory {} belongs to user {owner}, but this process is user {user}: name a directory of your own",
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
    /// Other users may write to it, and could put code into it for this process to run.
    #[error(
        "the cache directory {} may be written by other users (mode {mode:04o}): empty it and run `chmod 700` on it, or name another",
        path.display()
    )]
    WritableByOthers {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// A directory that was private when it was opened.
///
/// Where there are no Unix owners and modes, only the kind of the directory and that it can be written are checked: there
/// the user has to name a directory that nobody else may write.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// The user that files of this process belong to.
    #[cfg(unix)]
    user: u32,
}

impl Place {
    /// Makes `path` and its missing parents for this user alone, or checks the directory that is there.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
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
        Self::check(path)
    }

    /// A directory below this one, checked in the same way.
    pub(crate) fn inner(&self, name: &str) -> Result<Self, OpenError> {
        Self::open(&self.path.join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn check(path: PathBuf) -> Result<Self, OpenError> {
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
            if metadata.uid() != user {
                return Err(OpenError::ForeignOwner { path, owner: metadata.uid(), user });
            }
            if metadata.mode() & 0o022 != 0 {
                return Err(OpenError::WritableByOthers { path, mode: metadata.mode() & 0o7777 });
            }
            Ok(Self { path, user })
        }
        #[cfg(not(unix))]
        {
            drop(probe);
            Ok(Self { path })
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

/// Whether nobody but the user of this process or the administrator can have written `file`, a regular one.
#[cfg(feature = "wasmtime")]
pub(crate) fn is_file_of_user_or_administrator(file: &fs::File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let is_ours = |owner: u32| -> io::Result<bool> {
            // `std` does not tell the user of this process, but what belongs to it does: itself, or a new file.
            let user = match fs::metadata("/proc/self") {
                Ok(process) => process.uid(),
                Err(_) => tempfile::tempfile()?.metadata()?.uid(),
            };
            Ok(owner == 0 || owner == user)
        };
        Ok(metadata.is_file() && metadata.mode() & 0o022 == 0 && is_ours(metadata.uid())?)
    }
    #[cfg(not(unix))]
    Ok(metadata.is_file())
}

/// Creates `path` and its missing parents, for this user alone.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
