//! What lies in a directory, as far as this process knows? Its guests share the answer.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use super::count::{Identity, Root};
use super::quota::Quota;

/// What one directory holds. It is never less than what really lies there: growth is added before it happens, and
/// what is given back is found only by counting again, when room runs out.
pub(crate) struct Ledger {
    root: Root,
    state: Mutex<State>,
}

struct State {
    used: Quota,
    /// Of that, what may not have been written yet, so that counting would miss it.
    unwritten: Quota,
    /// The files that guests have open, or have streams to: they use room even when their last name is gone.
    open: Vec<Weak<File>>,
}

/// The directories that guests of this process write under quotas.
static LEDGERS: LazyLock<Mutex<HashMap<Identity, Weak<Ledger>>>> = LazyLock::new(Mutex::default);

impl Ledger {
    /// The ledger of the directory `root`, a canonical path: the same one for all guests.
    pub(crate) fn of(root: &Path) -> io::Result<Arc<Self>> {
        let (root, identity) = Root::open(root)?;
        let mut ledgers = lock(&LEDGERS);
        if let Some(ledger) = ledgers.get(&identity).and_then(Weak::upgrade) {
            return Ok(ledger);
        }
        ledgers.retain(|_, ledger| ledger.strong_count() > 0);
        let state = State { used: Quota::NOTHING, unwritten: Quota::NOTHING, open: Vec::new() };
        let ledger = Arc::new(Self { root, state: Mutex::new(state) });
        ledgers.insert(identity, Arc::downgrade(&ledger));
        Ok(ledger)
    }

    /// Counts what lies there now, or finds that it is more than `most`.
    pub(crate) fn count(&self, most: Quota) -> io::Result<Quota> {
        self.recount(&mut lock(&self.state), most)
    }

    /// Says that a guest has opened `file`.
    pub(crate) fn opened(&self, file: &Arc<File>) {
        let mut state = lock(&self.state);
        state.open.retain(|file| file.strong_count() > 0);
        state.open.push(Arc::downgrade(file));
    }

    /// Takes room for `more`, if then no more than `most` lies there.
    pub(crate) fn take(self: &Arc<Self>, more: impl Fn() -> Quota, most: Quota) -> Option<Taken> {
        let mut state = lock(&self.state);
        // Asked with the lock held, so that no two guests see a file as short as it was before both.
        let more = more();
        if more != Quota::NOTHING && state.used.plus(more).exceeds(most) {
            // If it cannot be counted, nothing is known to have been given back.
            let used = self.recount(&mut state, most).ok()?;
            if used.plus(more).exceeds(most) {
                return None;
            }
        }
        state.used = state.used.plus(more);
        state.unwritten = state.unwritten.plus(more);
        Some(Taken { ledger: self.clone(), more })
    }

    fn recount(&self, state: &mut State, most: Quota) -> io::Result<Quota> {
        let open: Vec<_> = state.open.iter().filter_map(Weak::upgrade).collect();
        let used = self.root.count(&open, most)?.plus(state.unwritten);
        // Where there is too much, counting stops, and there may be more.
        state.used = if used.exceeds(most) { state.used.at_least(used) } else { used };
        Ok(used)
    }
}

/// Room that was taken for what is about to be written. Room for what was not written after all is found when it is
/// counted again.
#[must_use]
pub(crate) struct Taken {
    ledger: Arc<Ledger>,
    more: Quota,
}

impl Taken {
    pub(crate) fn is_nothing(&self) -> bool {
        self.more == Quota::NOTHING
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut state = lock(&self.ledger.state);
        state.unwritten = state.unwritten.minus(self.more);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here panics with a lock held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Ledger, Quota};

    const MOST: Quota = Quota { bytes: 100, files: 5 };

    fn bytes(bytes: u64) -> Quota {
        Quota { bytes, files: 0 }
    }

    #[test]
    fn what_is_about_to_be_written_counts() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(folder.path()).unwrap();
        let taken = ledger.take(|| bytes(60), MOST).unwrap();
        assert!(ledger.take(|| bytes(41), MOST).is_none());
        drop(taken);
        // It was not written after all.
        drop(ledger.take(|| bytes(41), MOST).unwrap());
        fs::write(folder.path().join("file"), [0; 60]).unwrap();
        assert!(ledger.take(|| bytes(60), MOST).is_none());
    }

    #[test]
    fn a_directory_has_one_ledger_as_long_as_it_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(folder.path()).unwrap();
        assert!(std::sync::Arc::ptr_eq(&ledger, &Ledger::of(folder.path()).unwrap()));
        drop(ledger.take(|| bytes(60), MOST));
        drop(ledger);
        assert_eq!(Ledger::of(folder.path()).unwrap().count(MOST).unwrap(), Quota::NOTHING);
    }
}
