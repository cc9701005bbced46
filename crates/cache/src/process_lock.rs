//! The lock by which processes take turns to compile one thing.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::side_file;

/// While it lives, other processes wait. The operating system ends it with the process, however that ends.
#[derive(Debug)]
pub(crate) struct ProcessLock {
    path: PathBuf,
    _file: File,
}

/// How taking a lock went.
#[derive(Debug)]
pub(crate) enum Locking {
    /// It is ours.
    Held(ProcessLock),
    /// Another process has it, and had it for too long.
    Busy,
    /// There are no locks here: another process does not see this one, nor this one another.
    Impossible,
}

impl Locking {
    /// The lock, if it is ours.
    #[cfg(any(feature = "wasmtime", test))]
    pub(crate) fn held(self) -> Option<ProcessLock> {
        match self {
            Self::Held(lock) => Some(lock),
            Self::Busy | Self::Impossible => None,
        }
    }
}

/// Waits for the lock at `path`, in a directory that is there, but no longer than `most`.
pub(crate) fn lock(path: &Path, most: Duration) -> Locking {
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        let Some(file) = open(path) else { return Locking::Impossible };
        match file.try_lock() {
            // Whoever held it before may have removed it in the meantime; then the lock is one that nobody else sees.
            Ok(()) if is_at(&file, path) => {
                return Locking::Held(ProcessLock { path: path.to_owned(), _file: file });
            }
            // The next try counts against `most` too: there may be file systems on which no file ever is where it was opened.
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(_)) => return Locking::Impossible,
        }
        let Some(left) = most.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) else {
            return Locking::Busy;
        };
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Removes a lock that nobody holds, and holds it meanwhile: who is about to take it sees that it is gone, and makes a new one.
pub(crate) fn remove_unused(path: &Path) -> bool {
    let file = side_file::without_waiting(File::options().read(true)).open(path);
    file.is_ok_and(|file| file.try_lock().is_ok() && is_at(&file, path) && fs::remove_file(path).is_ok())
}

fn open(path: &Path) -> Option<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    side_file::without_waiting(&mut options).open(path).ok()
}

/// Whether the open file is the one that has the name.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (Ok(open), Ok(named)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
        (open.dev(), open.ino()) == (named.dev(), named.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

impl Drop for ProcessLock {
    fn drop(&mut self) {
        // While it is still held: who waits for it sees that it is gone, and makes a new one.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_the_next_gets_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.lock");
        let held = lock(&path, Duration::ZERO).held().unwrap();
        assert!(matches!(lock(&path, Duration::from_millis(20)), Locking::Busy));
        assert!(!remove_unused(&path) && path.exists(), "it is taken away from who holds it");
        assert!(matches!(lock(&path.with_extension("other"), Duration::ZERO), Locking::Held(_)));
        let waits = thread::spawn({
            let path = path.clone();
            move || lock(&path, Duration::from_secs(600)).held().is_some()
        });
        drop(held);
        assert!(waits.join().unwrap());
        assert!(!path.exists(), "it is left behind");
    }

    /// Removed by its holder between opening and locking: a lock on it would keep nobody off.
    #[cfg(unix)]
    #[test]
    fn a_file_that_has_lost_its_name_is_no_lock() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.lock");
        let file = open(&path).unwrap();
        assert!(is_at(&file, &path));
        fs::remove_file(&path).unwrap();
        assert!(!is_at(&file, &path));
        let new = open(&path).unwrap();
        assert!(!is_at(&file, &path) && is_at(&new, &path));
    }

    #[test]
    fn a_file_left_by_a_killed_process_holds_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.lock");
        fs::write(&path, "").unwrap();
        assert!(lock(&path, Duration::ZERO).held().is_some());
        fs::write(&path, "").unwrap();
        assert!(remove_unused(&path) && !path.exists());
    }

    #[test]
    fn where_there_can_be_no_lock_nobody_waits() {
        let directory = tempfile::tempdir().unwrap();
        for path in [Path::new("/proc/none/a.lock"), directory.path()] {
            assert!(matches!(lock(path, Duration::from_secs(600)), Locking::Impossible));
        }
    }

    #[test]
    fn many_threads_hold_it_one_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.lock");
        let inside = std::sync::atomic::AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _held = lock(&path, Duration::from_secs(600)).held().unwrap();
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }
}
