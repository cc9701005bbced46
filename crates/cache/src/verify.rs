//! Looking through a whole cache: is every entry what it says?

use std::io;

use serde::Serialize;

use crate::cache::{Cache, Opened};
use crate::stats::Misses;
use crate::{Digest, Key, MissReason, entry};

/// What a [`Cache::verify`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Entries that are what they say.
    pub good: u64,
    /// Bytes of artefacts in them.
    pub bytes: u64,
    /// Entries that are not, by reason. They were put into quarantine.
    pub bad: Misses,
}

impl Cache {
    /// Reads every entry and checks all of it, as a lookup does. Bad ones are put into quarantine.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read.
    pub fn verify(&self) -> io::Result<VerifyReport> {
        let mut report = VerifyReport::default();
        for name in self.entry_names()? {
            let Ok(digest) = name.parse::<Digest>() else { continue };
            let key = Key::from_name(digest);
            match self.verify_entry(&key) {
                Ok(length) => {
                    report.good += 1;
                    report.bytes += length;
                }
                // It was removed meanwhile.
                Err(MissReason::Absent) => {}
                Err(reason) => {
                    report.bad.count(reason);
                    if reason.condemns() && self.quarantine(&key).is_ok() {
                        self.counters().quarantined += 1;
                    }
                }
            }
        }
        Ok(report)
    }

    fn verify_entry(&self, key: &Key) -> Result<u64, MissReason> {
        let opened = self.open_entry(key, |trailer| match trailer.key == *key.digest() {
            true => Ok(()),
            false => Err(MissReason::KeyMismatch),
        })?;
        let Opened { file, trailer, .. } = opened;
        entry::verify_artifact(&file, &trailer)?;
        Ok(trailer.length)
    }
}
