//! Compiled code out of an entry, verified, and where it is: what [`native`](crate::native) may load.

use std::borrow::Cow;
use std::fs::{File, Metadata};
use std::io;
use std::time::Duration;

use crate::builder::LoadMode;
use crate::cache::{Opened, STAMPS};
use crate::entry::{Artifact, ReadAt as _, read_artifact, verify_artifact};
use crate::stamp::is_settled;
use crate::{Cache, Key, Kind, MissReason, entry, sealed};

/// Code that was verified. Nothing but [`Cache::find_code`] and a whole [`Artifact`] make one.
#[derive(Debug)]
pub(crate) struct CodeArtifact {
    kind: Kind,
    compile_time: Duration,
    length: u64,
    body: CodeBody,
}

/// Where verified code is.
#[derive(Debug)]
pub(crate) enum CodeBody {
    /// In memory of this process.
    Memory(Vec<u8>),
    /// In a memory file that nobody can change.
    Sealed(File),
    /// In the entry, which nobody else changes, by the promise of who opened the cache.
    Mapped(File),
}

impl CodeArtifact {
    /// The code in an artifact, if it is code.
    pub(crate) fn of(artifact: Artifact) -> Option<Self> {
        let (kind, compile_time) = (artifact.kind(), artifact.compile_time());
        let bytes = artifact.into_bytes();
        let (length, body) = (bytes.len() as u64, CodeBody::Memory(bytes));
        (kind != Kind::Bytes).then_some(Self { kind, compile_time, length, body })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn compile_time(&self) -> Duration {
        self.compile_time
    }

    /// How many bytes it has.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn body(&self) -> &CodeBody {
        &self.body
    }

    pub(crate) fn into_body(self) -> CodeBody {
        self.body
    }

    /// A copy in memory, if it is not there already.
    pub(crate) fn bytes(&self) -> io::Result<Cow<'_, [u8]>> {
        match &self.body {
            CodeBody::Memory(bytes) => Ok(bytes.into()),
            CodeBody::Sealed(file) | CodeBody::Mapped(file) => {
                let mut bytes = vec![0; usize::try_from(self.length).map_err(io::Error::other)?];
                file.read_exact_at(&mut bytes, 0)?;
                Ok(bytes.into())
            }
        }
    }
}

impl Cache {
    /// Looks for code, verifies it, and gives it in the mode of this cache, or in one that is slower and not less safe.
    pub(crate) fn find_code(&self, key: &Key, kind: Kind) -> Result<CodeArtifact, MissReason> {
        let Opened { file, metadata, trailer } = self.open_entry(key, entry::of(key, kind))?;
        let body = match self.may_map(&metadata) {
            true => {
                let directory = self.inner().place.path().join(STAMPS);
                let stamp = self.stamp(key, &directory);
                if !stamp.vouches_for(&metadata) {
                    // Before it is read: what is not on the disk yet may turn out to be something else.
                    let will_last = is_settled(&metadata) && file.sync_data().is_ok();
                    verify_artifact(&file, &trailer)?;
                    self.counters().bytes_hashed += trailer.length;
                    if will_last {
                        // Of before: had it been changed while it was read, the stamp would not fit.
                        stamp.write(&metadata);
                    }
                }
                CodeBody::Mapped(file)
            }
            false => {
                self.counters().bytes_hashed += trailer.length;
                match sealed::seal(&file, &trailer)? {
                    Some(memory) => CodeBody::Sealed(memory),
                    None => CodeBody::Memory(read_artifact(&file, &trailer)?.into_bytes()),
                }
            }
        };
        let compile_time = trailer.compile_time();
        Ok(CodeArtifact { kind: trailer.kind, compile_time, length: trailer.length, body })
    }

    /// Whether an entry may be mapped as it is. What speaks against it is counted.
    fn may_map(&self, metadata: &Metadata) -> bool {
        if self.inner().settings.mode != LoadMode::Mapped {
            return false;
        }
        let downgrade = self.inner().place.downgrade(metadata);
        if let Some(downgrade) = downgrade {
            self.counters().downgrades.count(downgrade);
        }
        downgrade.is_none()
    }
}
