//! What a look into the cache finds: verified bytes, or the reason why there are none.

use std::fmt;
use std::io;

use crate::Artifact;

/// What [`Cache::get`](crate::Cache::get) found: the outcome of a look into a store of bytes. Code has an `Outcome` of its own, which
/// also tells of compiling and loading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The entry is there and is what was put.
    Hit(Artifact),
    /// There is no entry that may be used.
    Miss(MissReason),
}

impl Lookup {
    /// The artefact, if there is one.
    pub fn hit(self) -> Option<Artifact> {
        match self {
            Self::Hit(artifact) => Some(artifact),
            Self::Miss(_) => None,
        }
    }

    /// Why there is none, if there is none.
    pub fn miss(&self) -> Option<MissReason> {
        match self {
            Self::Hit(_) => None,
            Self::Miss(reason) => Some(*reason),
        }
    }
}

/// Why an entry was not used. All but [`Absent`](Self::Absent) and [`Io`](Self::Io) also put the entry into quarantine, so that
/// the next put heals it; code that [`Cache::get`](crate::Cache::get) finds stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissReason {
    /// There is none under this key.
    Absent,
    /// It is cut short or has bytes too many: the end mark is not at the end, or the lengths do not add up.
    Truncated,
    /// It is in a format that this version does not read.
    Format,
    /// It was stored under another key and has been moved.
    KeyMismatch,
    /// It holds something else, say a component where a module was asked for.
    WrongKind,
    /// Its trailer or its artefact is not what was written, or the trailer is forged.
    BadDigest,
    /// It was written under another host key, or under none.
    ForeignKey,
    /// It is no regular file, belongs to another user, or may be written by others.
    NotPrivate,
    /// It is what was written, but Wasmtime refused to load it.
    Refused,
    /// It could not be read. The entry is left alone.
    Io(io::ErrorKind),
}

impl MissReason {
    /// Whether an entry for which this was found is of no use to anybody.
    pub(crate) fn condemns(self) -> bool {
        !matches!(self, Self::Absent | Self::Io(_))
    }
}

impl fmt::Display for MissReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Truncated => "cut short or too long",
            Self::Format => "in another format",
            Self::KeyMismatch => "stored under another key",
            Self::WrongKind => "of another kind",
            Self::BadDigest => "damaged",
            Self::ForeignKey => "written under another host key",
            Self::NotPrivate => "not private",
            Self::Refused => "refused by wasmtime",
            Self::Io(kind) => return write!(f, "unreadable: {kind}"),
        })
    }
}

impl From<io::Error> for MissReason {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Absent,
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            kind => Self::Io(kind),
        }
    }
}
