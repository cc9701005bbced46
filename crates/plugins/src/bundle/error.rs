//! Why a crash bundle could not be written or read.

use std::io;
use std::path::PathBuf;

use super::text::printable;

/// Why a crash bundle could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The directory for bundles cannot be made, or nothing can be made in it.
    #[error("cannot make a crash bundle in `{}`; it must be a directory that can be written", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A part of a bundle cannot be written, for want of room perhaps. Nothing is left of it.
    #[error("cannot write the crash bundle `{}`", path.display())]
    Write {
        /// The bundle that was not made.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The directory is no bundle.
    #[error(
        "`{}` is no crash bundle, for it has no bundle.json{}", path.display(),
        inside.as_ref().map(|name| format!("; name one of those in it, such as {name}")).unwrap_or_default()
    )]
    NotABundle {
        /// The directory.
        path: PathBuf,
        /// The newest bundle in it, if there are any.
        inside: Option<String>,
    },
    /// A part of a bundle cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// `bundle.json` is larger than any that this crate writes.
    #[error("`{}` has {size} bytes; that of a crash bundle has {most} at most", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// What it may have, in bytes.
        most: u64,
    },
    /// `bundle.json` does not read as what this crate writes.
    #[error("line {line} of `{}` is not as it was written: {}", path.display(), printable(reason, 300))]
    Text {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong. May hold text of the file.
        reason: String,
    },
    /// A later version of this crate wrote it, in a way that this one does not know.
    #[error("`{}` is of format {format}, and this version reads none after {known}; take a newer one", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// The latest that can be read.
        known: u32,
    },
}
