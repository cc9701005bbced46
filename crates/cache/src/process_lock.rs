//! The lock by which processes take turns to compile one thing.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::place::create_private;

/// While it lives, other processes wait. The operating system ends it with the process, however that ends.
#[derive(Debug)]
pub(crate) struct ProcessLock {
    path: PathBuf,
    _file: File,
}

/// Waits for the lock at `path`, but no longer than `most`. `None` if that was too long, or if there are no locks: to compile
/// twice does no harm.
pub(crate) fn lock(path: &Path, most: Duration) -> Option<ProcessLock> {
    create_private(path.parent()?).ok()?;
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        let file = open(path)?;
        match file.try_lock() {
            // Whoever held it before may have removed it in the meantime; then the lock is one that nobody else sees.
            Ok(()) if is_at(&file, path) => return Some(ProcessLock { path: path.to_owned(), _file: file }),
            Ok(()) => continue,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(_)) => return None,
        }
        let left = most.checked_sub(started.elapsed())?;
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

fn open(path: &Path) -> Option<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options
            .mode(0o600)
            .custom_flags((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32);
    }
    options.open(path).ok()
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
        let path = directory.path().join("locks/a.lock");
        let held = lock(&path, Duration::ZERO).unwrap();
        assert!(lock(&path, Duration::from_millis(20)).is_none());
        assert!(lock(&path.with_extension("other"), Duration::ZERO).is_some());
        let waits = thread::spawn({
            let path = path.clone();
            move || lock(&path, Duration::from_secs(600)).is_some()
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
        assert!(lock(&path, Duration::ZERO).is_some());
    }

    #[test]
    fn where_there_can_be_no_lock_nobody_waits() {
        assert!(lock(Path::new("/proc/none/a.lock"), Duration::from_secs(600)).is_none());
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
                        let _held = lock(&path, Duration::from_secs(600)).unwrap();
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }
}
