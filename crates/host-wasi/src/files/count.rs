//! How much lies in a directory?
//!
//! A file counts with its length, holes or not, and once however many names it has. A symbolic link counts with the
//! length of its text. Each entry is one file, directories too. Counting stops early once there is found to be more than
//! may be, so that no tree takes longer than one that is full.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use elsewhere::{Identity, Root};
#[cfg(unix)]
pub(crate) use unix::{Identity, Root};
