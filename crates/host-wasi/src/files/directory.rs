//! Which directories of the host does a guest see, and may it write there?

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::quota::Quota;
use crate::GrantError;

/// One directory of the host that a guest sees, with everything below it and nothing beside or above it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Directory {
    /// The directory on the host. It must exist when a [`Wasi`](crate::Wasi) is made.
    pub host: PathBuf,
    /// The path under which the guest sees it, such as `data`, `/data` or `.`. Two directories need two paths;
    /// `data`, `./data` and `/data` count as one.
    pub guest: String,
    /// What the guest may do there. Default: read only.
    #[serde(default)]
    pub access: Access,
    /// How much may lie there, if the guest may write. Default: as much as fits on the host's disk.
    ///
    /// All guests of this process that are granted the directory under a quota share one count. What is written by other
    /// means is seen when it is counted again: for each new [`Wasi`](crate::Wasi), and when room runs out. Moving and
    /// linking into another directory is refused as between two disks, and programs then copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
}

/// What a guest may do in a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Access {
    /// List directories and read files; nothing can be created, changed, renamed or removed.
    #[default]
    ReadOnly,
    /// All that, and create, write, rename and remove.
    ReadWrite,
}

/// Checks what can be checked without a look at the file system.
pub(crate) fn check(directories: &[Directory]) -> Result<(), GrantError> {
    for (index, directory) in directories.iter().enumerate() {
        if directory.host.as_os_str().is_empty() {
            return Err(GrantError::HostPath { index });
        }
        let Some(quota) = directory.quota else { continue };
        if directory.access == Access::ReadOnly {
            return Err(GrantError::QuotaReadOnly { index });
        }
        if quota.files == 0 {
            return Err(GrantError::QuotaZero { list: "directories", index, key: "quota.files" });
        }
    }
    Ok(())
}

/// Refuses a quota on a directory that the guest may write by another way, too.
pub(crate) fn check_overlap(directories: &[Directory]) -> Result<(), GrantError> {
    let writable = |directory: &Directory| directory.access == Access::ReadWrite;
    let limited = directories.iter().enumerate().filter(|(_, directory)| directory.quota.is_some());
    for (index, directory) in limited {
        let root = canonical(index, directory)?;
        for (other, another) in
            directories.iter().enumerate().filter(|(other, another)| *other != index && writable(another))
        {
            let another = canonical(other, another)?;
            if root.starts_with(&another) || another.starts_with(&root) {
                return Err(GrantError::QuotaOverlap { index, other });
            }
        }
    }
    Ok(())
}

/// The path of a directory that `..` and links cannot disguise.
pub(crate) fn canonical(index: usize, directory: &Directory) -> Result<PathBuf, GrantError> {
    readable(&directory.host).map_err(|source| GrantError::Directory {
        index,
        host: directory.host.clone(),
        guest: directory.guest.clone(),
        source,
    })
}

/// The whole path of a directory that can be listed. A directory can be opened that cannot be, and the guest would
/// find out.
fn readable(host: &Path) -> io::Result<PathBuf> {
    fs::read_dir(host)?;
    fs::canonicalize(host)
}
