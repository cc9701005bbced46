//! When a cache looks after its bounds by itself: now and then, when it is written to.

use std::fs;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use crate::Key;
use crate::cache::Cache;
use crate::files::{free_room, room};
use crate::process_lock::Locking;

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

/// How long a caller waits for it.
const MOMENT: Duration = Duration::from_millis(500);

/// Which part of a bound may be written before it is looked at again.
const PART: u64 = 16;

impl Cache {
    /// Counts what was written under `key`, and looks after the bounds if it is time: with the first entry of a process at once, since it
    /// may not live until a thread is done, and then on a thread of its own. If that cannot keep up, writing waits for it.
    pub(crate) fn note_written(&self, key: &Key) {
        let (settings, place) = (&self.inner().settings, self.inner().place.path());
        let size = fs::symlink_metadata(self.path(key)).map_or(0, |entry| room(&entry));
        let at_once = {
            let mut written = self.written();
            written.bytes = written.bytes.saturating_add(size);
            written.entries += 1;
            let is_first = !std::mem::replace(&mut written.not_the_first, true);
            let is_much =
                written.bytes > settings.max_bytes / PART || written.entries > settings.max_entries / PART;
            let is_low = || free_room(place).is_some_and(|free| free < settings.min_free_bytes);
            let at_once = is_first || (is_much && written.is_awaited);
            // One that has not begun yet will see what was written now.
            if !at_once && (written.is_awaited || !(is_much || is_low())) {
                return;
            }
            (written.bytes, written.entries) = (0, 0);
            written.is_awaited = true;
            at_once
        };
        let (cache, key) = (self.clone(), *key);
        let collect = move |wait| {
            let turn = cache.turn_to_collect(wait);
            cache.written().is_awaited = false;
            if !matches!(turn, Locking::Busy) {
                let _ = cache.collect_now(Some(&key), 0);
            }
        };
        if at_once {
            collect(MOMENT);
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
}
