//! When a cache looks after its bounds by itself: now and then, when it is written to.

use std::fs;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use crate::Key;
use crate::cache::Cache;
use crate::files::{free_room, room};
use crate::process_lock::Locking;
use crate::usage::LAST;

/// What was written since the bounds were looked at.
#[derive(Debug, Default)]
pub(crate) struct Written {
    bytes: u64,
    entries: u64,
    /// Whether this process has written anything before.
    not_the_first: bool,
    /// Whether a collection is due that has not begun yet.
    is_awaited: bool,
}

/// How long a thread that is to collect waits for another process that does.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which part of a bound may be written before it is looked at again.
const PART: u64 = 16;

/// After this, it is time whatever was written: processes may be too short-lived to count it.
const OVERDUE: Duration = Duration::from_secs(3600);

impl Cache {
    /// Counts what was written under `key`, and looks after the bounds if it is time: on a thread of its own; but at once if nobody
    /// has been at it for long, since a process may not live until its thread is done.
    pub(crate) fn note_written(&self, key: &Key) {
        let (settings, place) = (&self.inner().settings, self.inner().place.path());
        let size = fs::symlink_metadata(self.path(key)).map_or(0, |entry| room(&entry));
        let is_first = {
            let mut written = self.written();
            written.bytes = written.bytes.saturating_add(size);
            written.entries += 1;
            let is_first = !std::mem::replace(&mut written.not_the_first, true);
            let is_due = is_first
                || written.bytes > settings.max_bytes / PART
                || written.entries > settings.max_entries / PART
                || free_room(place).is_some_and(|free| free < settings.min_free_bytes);
            // One that has not begun yet will see what was written now.
            if !is_due || written.is_awaited {
                return;
            }
            (written.bytes, written.entries, written.is_awaited) = (0, 0, true);
            is_first
        };
        let (cache, key) = (self.clone(), *key);
        let collect = move |wait| {
            let turn = cache.turn_to_collect(wait);
            cache.written().is_awaited = false;
            if !matches!(turn, Locking::Busy) {
                let _ = cache.collect_now(Some(&key), 0);
            }
        };
        if is_first && self.is_overdue() {
            collect(Duration::ZERO);
            return;
        }
        let started =
            std::thread::Builder::new().name("host-cache-gc".into()).spawn(move || collect(PATIENCE));
        if started.is_err() {
            // There is no thread to be had: the next time will do.
            self.written().is_awaited = false;
        }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.inner().written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the last collection was long ago, or at a time that is still to come.
    fn is_overdue(&self) -> bool {
        let last =
            fs::symlink_metadata(self.inner().place.path().join(LAST)).and_then(|last| last.modified());
        !last.is_ok_and(|last| last.elapsed().is_ok_and(|age| age < OVERDUE))
    }
}
