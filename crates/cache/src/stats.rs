//! What a cache has done since it was opened.

use serde::Serialize;

use crate::{Downgrade, MissReason};

/// Counts since [`Cache::open`](crate::Cache::open), over all clones of the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Lookups that found what was put.
    pub hits: u64,
    /// Calls for code that was still in memory, and so not looked up.
    pub memory_hits: u64,
    /// Lookups that did not, by reason.
    pub misses: Misses,
    /// Calls that were given what another call of this process compiled at the same time.
    pub joined: u64,
    /// Entries written.
    pub published: u64,
    /// Entries that could not be written. The caller has its bytes all the same.
    pub publish_failures: u64,
    /// Entries that were not what they should be, and were taken away.
    pub quarantined: u64,
    /// Entries that went because the cache was past its bounds.
    pub evicted: u64,
    /// Entries that were to be mapped and were copied and sealed instead, by reason.
    pub downgrades: Downgrades,
    /// Bytes of artefacts handed out.
    pub bytes_read: u64,
    /// Bytes of input files that were read and hashed because it was not known whether they had changed.
    pub input_bytes_hashed: u64,
    /// Bytes of artefacts that were hashed to verify code.
    pub bytes_hashed: u64,
    /// Bytes of artefacts written.
    pub bytes_written: u64,
}

/// Misses by reason; see [`MissReason`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the reason of the same name")]
pub struct Misses {
    pub absent: u64,
    pub truncated: u64,
    pub format: u64,
    pub key_mismatch: u64,
    pub wrong_kind: u64,
    pub bad_digest: u64,
    pub foreign_key: u64,
    pub not_private: u64,
    pub refused: u64,
    pub io: u64,
}

impl Misses {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.absent + self.unhealthy()
    }

    /// All but [`Absent`](MissReason::Absent): entries that were there and could not be used.
    pub fn unhealthy(&self) -> u64 {
        self.truncated
            + self.format
            + self.key_mismatch
            + self.wrong_kind
            + self.bad_digest
            + self.foreign_key
            + self.not_private
            + self.refused
            + self.io
    }

    pub(crate) fn count(&mut self, reason: MissReason) {
        *match reason {
            MissReason::Absent => &mut self.absent,
            MissReason::Truncated => &mut self.truncated,
            MissReason::Format => &mut self.format,
            MissReason::KeyMismatch => &mut self.key_mismatch,
            MissReason::WrongKind => &mut self.wrong_kind,
            MissReason::BadDigest => &mut self.bad_digest,
            MissReason::ForeignKey => &mut self.foreign_key,
            MissReason::NotPrivate => &mut self.not_private,
            MissReason::Refused => &mut self.refused,
            MissReason::Io(_) => &mut self.io,
        } += 1;
    }
}

/// Downgrades by reason; see [`Downgrade`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the reason of the same name")]
pub struct Downgrades {
    pub not_private: u64,
    pub linked: u64,
    pub file_system: u64,
    pub no_exec: u64,
}

impl Downgrades {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.not_private + self.linked + self.file_system + self.no_exec
    }

    pub(crate) fn count(&mut self, reason: Downgrade) {
        *match reason {
            Downgrade::NotPrivate => &mut self.not_private,
            Downgrade::Linked => &mut self.linked,
            Downgrade::FileSystem => &mut self.file_system,
            Downgrade::NoExec => &mut self.no_exec,
        } += 1;
    }
}
