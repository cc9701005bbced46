//! The thread that watches: waits for a reason to look, looks, and tells what is different.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::known::Known;
use super::notices::Notices;
use super::signals::{Signals, Wake};
use super::{Change, Trouble, WatchSettings};
use crate::files::{self, Identity, ListError, Listing};

/// It is looked without a reason after this many times the time that it took, at the earliest.
const REST: u32 = 20;

/// The shortest time between two looks without a reason.
const SHORTEST_POLL: Duration = Duration::from_millis(10);

pub(super) struct Run<F> {
    directory: PathBuf,
    settings: WatchSettings,
    signals: Arc<Signals>,
    on_change: F,
    known: Known,
    /// Which directory it was the last time.
    identity: Option<Identity>,
    /// `None` while the directory is gone, or nobody tells what happens there.
    notices: Option<Notices>,
    is_gone: bool,
    /// What was told of the trouble there is: it is told once.
    troubles: Troubles,
}

/// What was said of the troubles that there are.
#[derive(Default)]
struct Troubles {
    notices: Option<String>,
    list: Option<String>,
}

impl<F: FnMut(Change)> Run<F> {
    pub(super) fn new(
        known: Listing,
        settings: WatchSettings,
        signals: Arc<Signals>,
        on_change: F,
    ) -> Run<F> {
        Run {
            directory: known.directory,
            settings,
            signals,
            on_change,
            known: Known::new(known.files),
            identity: None,
            notices: None,
            is_gone: false,
            troubles: Troubles::default(),
        }
    }

    pub(super) fn until_stopped(self) {
        let _end = End(Arc::clone(&self.signals));
        // Dropped before it is said that this is the end.
        let mut run = self;
        // Something may have happened since what is known was listed.
        run.signals.event();
        let shortest = run.settings.poll.max(run.settings.quiet).max(SHORTEST_POLL);
        let mut poll = Instant::now() + shortest;
        loop {
            let wake = run.signals.wait(poll, run.settings.quiet);
            if wake == Wake::Stop {
                return;
            }
            let start = Instant::now();
            run.look(&wake);
            poll = Instant::now() + shortest.max(REST * start.elapsed());
        }
    }

    fn look(&mut self, wake: &Wake) {
        let now = Instant::now();
        let (mut lost, error) = self.signals.take_losses();
        if let Some(source) = error {
            lost = true;
            self.trouble_with_notices(source);
        }
        match Identity::of(&self.directory) {
            Ok(identity) => self.watch(identity, lost),
            Err(source) => {
                return self.trouble_with_list(ListError::Io { path: self.directory.clone(), source });
            }
        }
        if self.is_gone {
            self.is_gone = false;
            self.tell(Change::DirectoryBack);
            // What puts it back may still be at it.
            self.signals.event();
            return;
        }
        let listing = match files::list(&self.directory, self.settings.most_entries) {
            Ok(listing) => listing,
            Err(error) => return self.trouble_with_list(error),
        };
        self.troubles.list = None;
        match *wake {
            // It is not known whether it is quiet.
            Wake::Poll if self.known.differs(&listing) => self.signals.event(),
            Wake::Poll | Wake::Stop => {}
            // Not quiet after all.
            Wake::Happened { first, is_late: false } if self.signals.has_events() => {
                self.signals.events(first, Instant::now());
            }
            Wake::Happened { .. } => {
                let (changes, again) = self.known.update(listing, now, self.settings.quiet);
                for change in changes {
                    if self.signals.is_stopped() {
                        return;
                    }
                    self.tell(change);
                }
                if again {
                    self.signals.event();
                }
            }
        }
    }

    /// Has the operating system tell of what happens in the directory of this identity.
    fn watch(&mut self, identity: Identity, lost: bool) {
        let is_watched = self.notices.as_ref().is_some_and(Notices::is_alive);
        if is_watched && !lost && self.identity == Some(identity) {
            self.troubles.notices = None;
            return;
        }
        self.identity = Some(identity);
        // One at a time.
        self.notices = None;
        match Notices::start(&self.directory, &self.signals) {
            Ok(notices) => self.notices = Some(notices),
            Err(error) => self.trouble_with_notices(error),
        }
    }

    fn trouble_with_notices(&mut self, source: notify::Error) {
        let told = source.to_string();
        if self.troubles.notices.as_ref() != Some(&told) {
            self.troubles.notices = Some(told);
            let directory = self.directory.clone();
            self.tell(Change::Trouble(Trouble::Notices { directory, poll: self.settings.poll, source }));
        }
    }

    fn trouble_with_list(&mut self, error: ListError) {
        if error.is_gone() {
            self.notices = None;
            self.troubles.list = None;
            if !self.is_gone {
                self.is_gone = true;
                self.tell(Change::DirectoryGone(self.directory.clone()));
            }
            return;
        }
        let told = match &error {
            ListError::Io { source, .. } => format!("{error}: {source}"),
            ListError::TooMany { .. } => error.to_string(),
        };
        if self.troubles.list.as_ref() != Some(&told) {
            self.troubles.list = Some(told);
            self.tell(Change::Trouble(Trouble::List(error)));
        }
    }

    /// Tells it; and if that panics, tells this.
    fn tell(&mut self, change: Change) {
        let on_change = &mut self.on_change;
        let told = panic::catch_unwind(AssertUnwindSafe(|| on_change(change)));
        let Err(payload) = told else { return };
        let message = message(&*payload);
        tracing::error!(directory = %self.directory.display(), message, "what was to be done about a change panicked");
        let trouble = Change::Trouble(Trouble::Panicked { message });
        // If this panics as well, it was logged at least.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| on_change(trouble)));
    }
}

/// What a panic said.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it did not say why".to_owned())
}

/// Says that the thread does nothing any more, even if it panicked.
struct End(Arc<Signals>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}
