//! What the operating system tells of a directory: that something happened there, and no more.

use std::convert::Infallible;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, Event, EventKind, ModifyKind, RemoveKind, RenameMode};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::signals::Signals;

/// How long the thread behind it may take to give up its descriptors.
const LONGEST_END: Duration = Duration::from_secs(5);

/// Watches one directory, but not those within, until it is dropped. Its thread and descriptors are gone then.
pub(super) struct Notices {
    /// Taken only when it is dropped.
    watcher: Option<RecommendedWatcher>,
    /// Its other end is where events are received, the last of what has a descriptor to be dropped.
    ended: Receiver<Infallible>,
}

impl Notices {
    pub(super) fn start(directory: &Path, signals: &Arc<Signals>) -> notify::Result<Notices> {
        let (end, ended) = mpsc::channel();
        let directory = std::path::absolute(directory).map_err(notify::Error::io)?;
        let receiver = Events { directory: directory.clone(), signals: Arc::clone(signals), _end: end };
        // It panics when its thread cannot be had.
        let start = AssertUnwindSafe(|| {
            let watcher = RecommendedWatcher::new(receiver, notify::Config::default())?;
            let mut notices = Notices { watcher: Some(watcher), ended };
            if let Some(watcher) = &mut notices.watcher {
                watcher.watch(&directory, RecursiveMode::NonRecursive)?;
            }
            Ok(notices)
        });
        panic::catch_unwind(start)
            .unwrap_or_else(|_| Err(notify::Error::generic("the thread that watches could not be started")))
    }

    /// Whether there still is somebody to tell of events.
    pub(super) fn is_alive(&self) -> bool {
        matches!(self.ended.try_recv(), Err(TryRecvError::Empty))
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        let watcher = self.watcher.take();
        // It panics when its thread has ended before.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(watcher)));
        let _ = self.ended.recv_timeout(LONGEST_END);
    }
}

/// Receives events.
struct Events {
    directory: PathBuf,
    signals: Arc<Signals>,
    _end: Sender<Infallible>,
}

impl notify::EventHandler for Events {
    fn handle_event(&mut self, event: notify::Result<Event>) {
        match event {
            Ok(event) if event.need_rescan() => self.signals.event(),
            Ok(event) if is_end(&event, &self.directory) => self.signals.lose(),
            Ok(event) if is_change(&event.kind) => self.signals.event(),
            Ok(_) => {}
            Err(error) => self.signals.fail(error),
        }
    }
}

/// Whether the directory itself was removed or moved away.
fn is_end(event: &Event, directory: &Path) -> bool {
    let is_away = matches!(
        event.kind,
        EventKind::Remove(RemoveKind::Folder | RemoveKind::Any | RemoveKind::Other)
            | EventKind::Modify(ModifyKind::Name(RenameMode::From | RenameMode::Any))
    );
    is_away && event.paths.first().is_some_and(|path| path == directory)
}

/// Looking opens what is looked at, which must not be a reason to look again.
fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => matches!(access, AccessKind::Close(AccessMode::Write)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use super::*;
    use crate::watch::signals::Wake;

    fn wait(signals: &Signals) -> Wake {
        signals.wait(Instant::now() + Duration::from_secs(30), Duration::from_millis(20))
    }

    #[test]
    fn what_happens_is_told_and_looking_is_nothing_that_happens() {
        let directory = tempfile::tempdir().unwrap();
        let signals = Arc::new(Signals::default());
        let notices = Notices::start(directory.path(), &signals).unwrap();
        assert!(notices.is_alive());

        fs::read_dir(directory.path()).unwrap().for_each(drop);
        let wake = signals.wait(Instant::now() + Duration::from_millis(300), Duration::from_millis(20));
        assert_eq!(wake, Wake::Poll);

        fs::write(directory.path().join("a"), "a").unwrap();
        assert!(matches!(wait(&signals), Wake::Happened { .. }));
        assert!(!signals.take_losses().0);

        fs::remove_file(directory.path().join("a")).unwrap();
        fs::remove_dir(directory.path()).unwrap();
        assert!(matches!(wait(&signals), Wake::Happened { .. }));
        assert!(signals.take_losses().0);
    }

    #[test]
    fn a_queue_that_ran_over_is_a_reason_to_look_and_so_is_an_error() {
        use notify::EventHandler as _;
        let signals = Arc::new(Signals::default());
        let (end, _ended) = mpsc::channel();
        let mut events = Events { directory: "/d".into(), signals: Arc::clone(&signals), _end: end };
        events.handle_event(Ok(Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan)));
        assert!(matches!(wait(&signals), Wake::Happened { .. }));
        events.handle_event(Err(notify::Error::generic("broken")));
        assert!(matches!(wait(&signals), Wake::Happened { .. }));
        assert!(signals.take_losses().1.is_some());
        events.handle_event(Ok(Event::new(EventKind::Access(AccessKind::Open(AccessMode::Any)))));
        assert!(!signals.has_events());
    }

    #[test]
    fn what_cannot_be_watched_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Notices::start(&directory.path().join("none"), &Arc::default()).is_err());
    }
    #[test]
    fn all_of_it_is_gone_when_it_was_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let signals = Arc::new(Signals::default());
        for _ in 0..20 {
            drop(Notices::start(directory.path(), &signals).unwrap());
            assert_eq!(Arc::strong_count(&signals), 1, "somebody receives events still");
        }
    }
}
