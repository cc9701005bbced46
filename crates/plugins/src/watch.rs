//! A directory that is watched: what came, changed and went there, told by a thread of its own.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::files::{Identity, ListError, Listing, MOST_ENTRIES};

mod known;
mod notices;
mod run;
mod signals;
#[cfg(test)]
mod tests;

use self::run::Run;
use self::signals::Signals;

/// How long whoever drops a watcher waits for what is being told at that moment.
const LONGEST_STOP: Duration = Duration::from_secs(10);

/// How a directory is watched.
#[derive(Clone, Debug)]
pub struct WatchSettings {
    /// How long nothing must have happened before it is looked at what did. Looking is put off for ten times as long at most.
    /// A removed file is told after twice this time, as saving may remove a file for a moment. 200 milliseconds.
    pub quiet: Duration,
    /// How often it is looked without a reason: for file systems that do not tell what happens, and for a directory that was
    /// not there. At least `quiet`, and never so often that looking takes more than a twentieth of the time. 2 seconds.
    pub poll: Duration,
    /// The most entries that the directory may have. 100 000.
    pub most_entries: usize,
}

impl Default for WatchSettings {
    fn default() -> WatchSettings {
        WatchSettings {
            quiet: Duration::from_millis(200),
            poll: Duration::from_secs(2),
            most_entries: MOST_ENTRIES,
        }
    }
}

/// What happened to a directory. Paths begin with the directory's as it was given.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum Change {
    /// A file is there that was not.
    Added(PathBuf),
    /// A file is another one, or was written.
    Changed(PathBuf),
    /// A file is not there any more.
    Removed(PathBuf),
    /// The directory is not there any more. Nothing is told of its files until it is back.
    DirectoryGone(PathBuf),
    /// It is there again. What is different in it is told next.
    DirectoryBack,
    /// Something does not work as it should; watching goes on as well as it can.
    Trouble(Trouble),
}

/// What does not work while a directory is watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Trouble {
    /// The operating system tells nothing, or not everything, of the directory. It is looked at now and then all the same.
    #[error("the operating system does not tell what happens in `{}`; it is looked at every {} s", directory.display(), poll.as_secs_f64())]
    Notices {
        directory: PathBuf,
        poll: Duration,
        /// What it says.
        source: notify::Error,
    },
    /// What the directory holds cannot be seen. What is known of it stays.
    #[error(transparent)]
    List(ListError),
    /// What was to be done about a change panicked. The change is not told again.
    #[error("what was to be done about a change panicked: {message}")]
    Panicked { message: String },
}

/// Why a directory is not watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// It is not there, or is none.
    #[error("cannot watch `{}`; it must be a directory that is there", directory.display())]
    Directory {
        /// What was to be watched.
        directory: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// There is no thread for it.
    #[error("cannot start the thread that watches")]
    Thread(#[source] io::Error),
}

/// Watches a directory until it is dropped.
///
/// What the operating system tells is only a reason to look; what is told comes from comparing what the directory holds
/// with what was known. So whatever happened in between is told as one change, and nothing gets lost.
#[derive(Debug)]
pub(crate) struct Watcher {
    signals: Arc<Signals>,
    /// Taken when it is stopped.
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Tells what is different from `known`, now and from now on: a listing of the directory, made before its files were
    /// read. What happened since then is told too.
    ///
    /// `on_change` is called on the watcher's thread, for one change at a time; while it works, changes are held back.
    ///
    /// # Errors
    ///
    /// [`WatchError`]. That the operating system does not tell of changes is none, but the first [`Trouble`].
    pub(crate) fn start(
        known: Listing,
        settings: WatchSettings,
        on_change: impl FnMut(Change) + Send + 'static,
    ) -> Result<Watcher, WatchError> {
        if let Err(source) = Identity::of(&known.directory) {
            return Err(WatchError::Directory { directory: known.directory, source });
        }
        let signals = Arc::new(Signals::default());
        let run = Run::new(known, settings, Arc::clone(&signals), on_change);
        let thread = thread::Builder::new()
            .name("plugin-watch".to_owned())
            .spawn(move || run.until_stopped())
            .map_err(WatchError::Thread)?;
        Ok(Watcher { signals, thread: Some(thread) })
    }

    #[cfg(test)]
    /// Ends the watching. Nothing is told any more, and its threads and descriptors are gone, when this returns `true`.
    ///
    /// `false` if what is being told at this moment takes longer than `longest`, or if it is what calls this: the thread
    /// then ends by itself afterwards.
    pub(crate) fn stop(mut self, longest: Duration) -> bool {
        self.end(longest)
    }

    fn end(&mut self, longest: Duration) -> bool {
        self.signals.stop();
        let Some(thread) = self.thread.take() else { return true };
        if thread.thread().id() == thread::current().id() || !self.signals.wait_for_end(longest) {
            return false;
        }
        // It caught what panicked.
        let _ = thread.join();
        true
    }
}

/// As [`stop`](Watcher::stop), for at most ten seconds.
impl Drop for Watcher {
    fn drop(&mut self) {
        self.end(LONGEST_STOP);
    }
}
