//! Keeping a cache within its bounds: what was used longest ago goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::cache::{Cache, ENTRIES, INPUTS, LOCKS, QUARANTINE, STAMPS};
use crate::place::{TEMPORARY, is_unused_lock};
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
    /// What processes that were killed had left, and damaged entries of long ago.
    pub left_overs_removed: u64,
}

/// What is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DiskUsage {
    /// Entries.
    pub entries: u64,
    /// The room they take on the disk, in bytes.
    pub bytes: u64,
    /// Damaged entries that are kept for somebody to look at.
    pub quarantined: u64,
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

/// How old what a process left must be to count as left.
const LEFT: Duration = Duration::from_secs(3600);

/// How long the digest of an input is remembered. Which of them are still of use cannot be told.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// How many damaged entries are kept.
const QUARANTINED: usize = 16;

impl Cache {
    /// Removes what was used longest ago, until the cache is within its bounds and a little below; and what processes that were
    /// killed have left.
    ///
    /// It is done in the background by itself now and then when entries are written. What is in use stays usable: an entry that is
    /// mapped lives on without its name.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read.
    pub fn gc(&self) -> io::Result<GcReport> {
        self.collect(None)
    }

    /// As [`gc`](Self::gc), but `keep` stays.
    pub(crate) fn collect(&self, keep: Option<&Key>) -> io::Result<GcReport> {
        let place = self.inner().place.path();
        let Some(_lock) = process_lock::lock(&place.join("gc.lock"), Duration::ZERO) else {
            return Ok(GcReport { skipped: true, ..GcReport::default() });
        };
        let now = SystemTime::now();
        let mut report = GcReport { left_overs_removed: self.remove_left_overs(now)?, ..GcReport::default() };

        let mut kept: BTreeSet<String> = keep.map(Key::to_string).into_iter().collect();
        kept.extend(self.pins().keys().map(Key::to_string));
        // The name too, so that two of one time are two.
        let mut by_use = BTreeMap::new();
        let directory = place.join(ENTRIES);
        for (name, metadata) in files(&directory)?.filter(|(name, _)| is_key(name)) {
            report.entries += 1;
            report.bytes += room(&metadata);
            if !kept.contains(&name) {
                let used = last_used(&place.join(STAMPS).join(&name), &metadata, now);
                by_use.insert((used, name), room(&metadata));
            }
        }

        let settings = &self.inner().settings;
        let free = free_room(place).unwrap_or(u64::MAX);
        let over = report.bytes > settings.max_bytes
            || report.entries > settings.max_entries
            || free < settings.min_free_bytes;
        if over {
            let aim = |most: u64| (most as f64 * AIM) as u64;
            let missing = settings.min_free_bytes.saturating_sub(free);
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

    /// What there is on the disk now.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read.
    pub fn disk_usage(&self) -> io::Result<DiskUsage> {
        let place = self.inner().place.path();
        let mut usage = DiskUsage::default();
        for (_, metadata) in files(&place.join(ENTRIES))?.filter(|(name, _)| is_key(name)) {
            usage.entries += 1;
            usage.bytes += room(&metadata);
        }
        usage.quarantined = files(&place.join(QUARANTINE))?.count() as u64;
        Ok(usage)
    }

    /// Removes every entry, and what is in quarantine. Gives how many entries there were.
    ///
    /// # Errors
    ///
    /// If something cannot be removed.
    pub fn clear(&self) -> io::Result<u64> {
        let place = self.inner().place.path();
        let mut removed = 0;
        for directory in [ENTRIES, STAMPS, INPUTS, QUARANTINE] {
            for (name, _) in files(&place.join(directory))?.filter(|(name, _)| is_key(name)) {
                match fs::remove_file(place.join(directory).join(name)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ if directory == ENTRIES => removed += 1,
                    _ => {}
                }
            }
        }
        Ok(removed)
    }

    /// The keys of all entries, as text.
    pub(crate) fn entry_names(&self) -> io::Result<Vec<String>> {
        let files = files(&self.inner().place.path().join(ENTRIES))?;
        Ok(files.map(|(name, _)| name).filter(|name| is_key(name)).collect())
    }

    /// Counts what was written, and now and then looks after the bounds, on a thread of its own.
    pub(crate) fn note_written(&self, key: &Key, bytes: u64) {
        let settings = &self.inner().settings;
        let due = {
            let mut written = self.inner().written.lock().unwrap_or_else(PoisonError::into_inner);
            *written = written.saturating_add(bytes);
            let due = *written > settings.max_bytes / 16;
            if due {
                *written = 0;
            }
            due
        };
        if due {
            let (cache, key) = (self.clone(), *key);
            // If there is no thread to be had, the next time will do.
            let collect = move || _ = cache.collect(Some(&key));
            let _ = std::thread::Builder::new().name("host-cache-gc".into()).spawn(collect);
        }
    }

    fn remove_left_overs(&self, now: SystemTime) -> io::Result<u64> {
        let place = self.inner().place.path();
        let age =
            |metadata: &Metadata| metadata.modified().ok().and_then(|time| now.duration_since(time).ok());
        let mut left = Vec::new();
        for directory in [ENTRIES, STAMPS, LOCKS, INPUTS] {
            let directory = place.join(directory);
            for (name, metadata) in files(&directory)? {
                let Some(age) = age(&metadata).filter(|age| *age > LEFT) else { continue };
                let path = directory.join(&name);
                let is_ours = match directory.file_name().and_then(|name| name.to_str()) {
                    Some(LOCKS) => is_key(&name) && is_unused_lock(&path),
                    Some(INPUTS) if is_key(&name) => age > REMEMBERED,
                    Some(STAMPS) if is_key(&name) => !place.join(ENTRIES).join(&name).exists(),
                    _ => name.starts_with(TEMPORARY),
                };
                if is_ours {
                    left.push(path);
                }
            }
        }
        let directory = place.join(QUARANTINE);
        let mut damaged: Vec<_> = files(&directory)?
            .filter(|(name, _)| is_key(name))
            .map(|(name, metadata)| (metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), name))
            .collect();
        damaged.sort();
        let too_many = damaged.len().saturating_sub(QUARANTINED);
        left.extend(damaged.into_iter().take(too_many).map(|(_, name)| directory.join(name)));
        Ok(left.iter().filter(|path| fs::remove_file(path).is_ok()).count() as u64)
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

/// The regular files in a directory, which need not be there. What goes meanwhile is left out.
fn files(directory: &Path) -> io::Result<impl Iterator<Item = (String, Metadata)> + use<>> {
    // A link would lead to files of somebody else, whatever their names.
    if fs::symlink_metadata(directory).is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        entries => Some(entries?),
    };
    let named = |entry: DirEntry| Some((entry.file_name().into_string().ok()?, entry.metadata().ok()?));
    let entries = entries.into_iter().flatten().filter_map(move |entry| named(entry.ok()?));
    Ok(entries.filter(|(_, metadata)| metadata.is_file()))
}

/// Whether a file has the name of a key, and so is one of ours.
fn is_key(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The room that a file takes on the disk.
fn room(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::blocks(metadata) * 512;
    #[cfg(not(unix))]
    metadata.len()
}

/// When an entry was used last: what its stamp says, or when it was written. What lies in the future counts as long ago: a clock
/// was wrong, and nothing else is known of it.
fn last_used(stamp: &Path, entry: &Metadata, now: SystemTime) -> SystemTime {
    let stamp = fs::symlink_metadata(stamp).ok().and_then(|stamp| stamp.modified().ok());
    let written = entry.modified().ok();
    [stamp, written].into_iter().flatten().filter(|time| *time <= now).max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// How much room of the file system is free, if it says so.
fn free_room(directory: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let system = rustix::fs::statvfs(directory).ok()?;
        Some(system.f_bavail.saturating_mul(system.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = directory;
        None
    }
}
