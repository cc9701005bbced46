//! Which directories of the host does a guest see, and may it write there?

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use crate::GrantError;

/// One directory of the host that a guest sees, with everything below it and nothing beside or above it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Directory {
    /// The directory on the host. It must exist when a [`Wasi`](crate::Wasi) is made.
    pub host: PathBuf,
    /// The path under which the guest sees it, such as `data`, `/data` or `.`. Two directories need two paths;
    /// `data`, `./data` and `/data` count as one.
    pub guest: String,
    /// What the guest may do there. Default: read only.
    #[serde(default)]
    pub access: Access,
}

/// What a guest may do in a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Access {
    /// List directories and read files; nothing can be created, changed, renamed or removed.
    #[default]
    ReadOnly,
    /// All that, and create, write, rename and remove.
    ReadWrite,
}

/// Checks the paths, as far as that needs no look at the file system.
pub(crate) fn check(directories: &[Directory]) -> Result<(), GrantError> {
    for (index, directory) in directories.iter().enumerate() {
        if directory.host.as_os_str().is_empty() {
            return Err(GrantError::HostPath { index });
        }
        let problem = |problem| GrantError::GuestPath { index, guest: directory.guest.clone(), problem };
        if directory.guest.is_empty() {
            return Err(problem("is empty; write `.` for the guest's own current directory"));
        }
        if directory.guest.contains('\0') {
            return Err(problem("must not contain a NUL character"));
        }
        if components(&directory.guest).any(|component| component == "..") {
            return Err(problem("must not contain `..`"));
        }
        let same = |other: &Directory| components(&other.guest).eq(components(&directory.guest));
        if directories[..index].iter().any(same) {
            return Err(problem("is granted twice; give each directory a path of its own"));
        }
    }
    Ok(())
}

/// Opens every directory and hands it to the context that is being built.
pub(crate) fn open(directories: &[Directory], builder: &mut WasiCtxBuilder) -> Result<(), GrantError> {
    for (index, Directory { host, guest, access }) in directories.iter().enumerate() {
        let permissions = match access {
            Access::ReadOnly => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        builder.preopened_dir(host, guest, permissions).map_err(|error| GrantError::Directory {
            index,
            host: host.clone(),
            guest: guest.clone(),
            source: error.downcast::<io::Error>().unwrap_or_else(|error| io::Error::other(error.to_string())),
        })?;
    }
    Ok(())
}

/// The parts of a guest path that tell it from another. A C library in the guest drops a leading `/` or `./`
/// before it looks for the directory to use, so they do not count.
pub(crate) fn components(guest: &str) -> impl Iterator<Item = &str> {
    guest.split('/').filter(|component| !matches!(*component, "" | "."))
}
