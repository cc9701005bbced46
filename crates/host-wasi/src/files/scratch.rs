//! A directory that is there for one guest only, and gone afterwards.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::quota::Quota;
use crate::GrantError;

/// A fresh, empty directory that a guest may write.
///
/// Each [`Wasi`](crate::Wasi) makes its own, in the host's folder for temporary files, where only the user of this
/// process can look into it. It is removed with everything in it when the `Wasi` is dropped; a process that is killed
/// leaves it behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Scratch {
    /// The path under which the guest sees it, such as `tmp`.
    pub guest: String,
    /// How long all files may be together, in bytes; see [`Quota::bytes`].
    pub bytes: u64,
    /// How many entries there may be; see [`Quota::files`].
    #[cfg_attr(feature = "schemars", schemars(range(min = 1)))]
    pub files: u64,
}

impl Scratch {
    pub(crate) fn quota(&self) -> Quota {
        Quota { bytes: self.bytes, files: self.files }
    }
}

/// Checks what can be checked without a look at the file system.
pub(crate) fn check(scratch: &[Scratch]) -> Result<(), GrantError> {
    match scratch.iter().position(|scratch| scratch.files == 0) {
        Some(index) => Err(GrantError::QuotaZero { list: "scratch", index, key: "files" }),
        None => Ok(()),
    }
}

/// A directory of the host's that goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Temporary {
    // Dropped after the contents have been taken apart.
    folder: TempDir,
}

impl Temporary {
    pub(crate) fn new() -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("host-wasi-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.tempdir()?;
        fs::create_dir(folder.path().join(SHOWN))?;
        Ok(Self { folder })
    }

    /// What the guest sees.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(SHOWN)
    }
}

/// The name, in the folder that only this process uses, of the directory that the guest sees.
const SHOWN: &str = "guest";

impl Drop for Temporary {
    /// A guest can nest directories deeper than any path is long, and than a function that removes a tree can
    /// descend. So the tree is made flat first. What fails is left to the folder's own removal.
    fn drop(&mut self) {
        let _ = flatten(self.folder.path());
    }
}

/// Moves every directory in `folder` directly into it, until none has another in it.
fn flatten(folder: &Path) -> io::Result<()> {
    let mut unread = vec![folder.join(SHOWN)];
    let mut number = 0_u64;
    while let Some(directory) = unread.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                let flat = folder.join(number.to_string());
                number += 1;
                fs::rename(entry.path(), &flat)?;
                unread.push(flat);
            }
        }
    }
    Ok(())
}
