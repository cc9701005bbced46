//! Keeping a cache within its bounds: what was used longest ago goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::cache::{Cache, ENTRIES, STAMPS};
use crate::files::{files, free_room, is_key, room};
use crate::process_lock::Locking;
use crate::{Key, process_lock};

/// What a [`Cache::gc`] found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GcReport {
    /// Whether another process was at it, so that nothing was done.
    pub skipped: bool,
    /// Entries that stay.
    pub entries: u64,
    /// The room they take on the disk, in bytes.
    pub bytes: u64,
    /// Entries that went.
    pub removed: u64,
    /// The room that they took, in bytes.
    pub bytes_removed: u64,
    /// What processes that were killed had left, damaged entries of long ago, and entries of other host keys and formats that nobody
    /// has used for 30 days.
    pub left_overs_removed: u64,
}

/// Keeps an entry from being removed for as long as it lives; see [`Cache::pin`].
#[derive(Debug)]
#[must_use = "an entry is pinned for as long as this lives"]
pub struct Pin {
    cache: Cache,
    key: Key,
}

/// After a collection, this much of a bound is used.
const AIM: f64 = 0.8;

impl Cache {
    /// Removes what was used longest ago, until the cache is within its bounds and a little below; and what processes that were
    /// killed have left.
    ///
    /// It is done by itself when entries are written: with the first one of a process, then now and then, and when the disk is full.
    /// What is in use stays usable: an entry that is mapped lives on without its name.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read.
    pub fn gc(&self) -> io::Result<GcReport> {
        self.collect(None, 0, Duration::ZERO)
    }

    /// As [`gc`](Self::gc), but `keep` stays, and so much room is made at least, also within the bounds. Waits `wait` at most for
    /// another that is at it.
    pub(crate) fn collect(&self, keep: Option<&Key>, needed: u64, wait: Duration) -> io::Result<GcReport> {
        match self.turn_to_collect(wait) {
            Locking::Busy => Ok(GcReport { skipped: true, ..GcReport::default() }),
            // Where there are no locks, two may be at it: what one has removed, the other does not find.
            _turn @ (Locking::Held(_) | Locking::Impossible) => self.collect_now(keep, needed),
        }
    }

    /// Waits until nobody else collects, but no longer than `wait`.
    pub(crate) fn turn_to_collect(&self, wait: Duration) -> Locking {
        let place = &self.inner().place;
        match place.has_locks() {
            true => process_lock::lock(&place.path().join("gc.lock"), wait),
            false => Locking::Impossible,
        }
    }

    pub(crate) fn collect_now(&self, keep: Option<&Key>, needed: u64) -> io::Result<GcReport> {
        let place = self.inner().place.path();
        let now = SystemTime::now();
        let left_overs_removed = self.remove_left_overs(now)? + self.remove_forgotten(now);
        let mut report = GcReport { left_overs_removed, ..GcReport::default() };

        let mut kept: BTreeSet<String> = keep.map(Key::to_string).into_iter().collect();
        kept.extend(self.pins().keys().map(Key::to_string));
        // The name too, so that two of one time are two.
        let mut by_use = BTreeMap::new();
        let directory = place.join(ENTRIES);
        for (name, metadata) in files(&directory)?.filter(|(name, _)| is_key(name)) {
            report.entries += 1;
            report.bytes += room(&metadata);
            if !kept.contains(&name) {
                let used = last_used(&place.join(STAMPS).join(&name), &metadata);
                by_use.insert((used, name), room(&metadata));
            }
        }

        let settings = &self.inner().settings;
        let free = free_room(place).unwrap_or(u64::MAX);
        let over = report.bytes > settings.max_bytes
            || report.entries > settings.max_entries
            || free < settings.min_free_bytes
            || needed > 0;
        if over {
            let aim = |most: u64| (most as f64 * AIM) as u64;
            let missing = settings.min_free_bytes.saturating_sub(free).max(needed);
            let bytes = aim(settings.max_bytes).min(report.bytes.saturating_sub(missing));
            for ((_, name), size) in by_use {
                if report.bytes <= bytes && report.entries <= aim(settings.max_entries) {
                    break;
                }
                if fs::remove_file(directory.join(&name)).is_ok() {
                    let _ = fs::remove_file(place.join(STAMPS).join(&name));
                    report.entries -= 1;
                    report.bytes -= size;
                    report.removed += 1;
                    report.bytes_removed += size;
                }
            }
        }
        self.counters().evicted += report.removed;
        Ok(report)
    }

    /// Keeps the entry of `key`, if there is one, from being removed by [`gc`](Self::gc) of this process.
    pub fn pin(&self, key: &Key) -> Pin {
        *self.pins().entry(*key).or_default() += 1;
        Pin { cache: self.clone(), key: *key }
    }

    /// The keys of all entries, as text.
    pub(crate) fn entry_names(&self) -> io::Result<Vec<String>> {
        let files = files(&self.inner().place.path().join(ENTRIES))?;
        Ok(files.map(|(name, _)| name).filter(|name| is_key(name)).collect())
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = self.cache.pins();
        if let Some(count) = pins.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.key);
            }
        }
    }
}

/// When an entry was used last: what its stamp says, or when it was written. What lies in the future counts as long ago: a clock
/// was wrong, and nothing else is known of it.
fn last_used(stamp: &Path, entry: &Metadata) -> SystemTime {
    let stamp = fs::symlink_metadata(stamp).ok().and_then(|stamp| stamp.modified().ok());
    let written = entry.modified().ok();
    // Not of when the collection began: what was written since is the newest, and lies in no future.
    let now = SystemTime::now();
    [stamp, written].into_iter().flatten().filter(|time| *time <= now).max().unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_just_written_stays_and_no_more_goes_than_is_needed() {
        let directory = tempfile::tempdir().unwrap();
        let key = |name: &str| Key::builder("test").field("name", name).finish();
        let open = |entries| {
            let builder = Cache::builder(directory.path().join("cache"), crate::IntegrityOnly);
            builder.max_entries(entries).min_free_bytes(0).open().unwrap()
        };
        let wide = open(1_000);
        for number in 0..10 {
            wide.put(&key(&number.to_string()), &[7; 10_000]).unwrap();
        }
        // Within its bounds, for something that takes as much room as two.
        let report = wide.collect_now(Some(&key("0")), 20_000).unwrap();
        assert!((2..=4).contains(&report.removed), "{report:?}");
        let report = open(0).collect_now(Some(&key("0")), 0).unwrap();
        assert_eq!(report.entries, 1);
        assert!(wide.get(&key("0")).hit().is_some());
    }
}
