//! `Events`: what happens in a host, told to whoever listens.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use host_limits::Usage;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::breaker::BreakerState;
use crate::reply::CallInfo;

/// How many events are kept for a listener that is slow.
const KEPT: usize = 4096;

/// Something that happened in a host. As serde writes it, a map with the field `event`, which says what.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A plugin was loaded under a new name.
    Loaded {
        /// The plugin.
        #[serde(with = "crate::shared_text")]
        plugin: Arc<str>,
        /// Its version, which is 1.
        version: u64,
        /// Where its code came from: `compiled`, `cached` or `ahead of time`.
        origin: String,
    },
    /// A plugin could not be loaded.
    NotLoaded {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// Why, in words.
        reason: String,
    },
    /// A plugin has a new version, and the next call has it.
    Reloaded {
        /// The plugin.
        #[serde(with = "crate::shared_text")]
        plugin: Arc<str>,
        /// The new version.
        version: u64,
        /// The one before, which finishes the calls that it has.
        before: u64,
        /// Where its code came from: `compiled`, `cached` or `ahead of time`.
        origin: String,
    },
    /// A new version was refused; the old one stays.
    NotReloaded {
        /// The plugin.
        #[serde(with = "crate::shared_text")]
        plugin: Arc<str>,
        /// The version that stays.
        version: u64,
        /// Why, in words.
        reason: String,
    },
    /// A plugin is back at the version that it had before.
    RolledBack {
        /// The plugin.
        #[serde(with = "crate::shared_text")]
        plugin: Arc<str>,
        /// The version that it has again.
        version: u64,
        /// The one that it had.
        before: u64,
    },
    /// A plugin is unloaded.
    Unloaded {
        /// The plugin.
        #[serde(with = "crate::shared_text")]
        plugin: Arc<str>,
    },
    /// A call has ended, well or not.
    Ended {
        /// Which call.
        call: CallInfo,
        /// `ok`, or the [name](host_core::FaultKind::name) of the fault.
        result: &'static str,
        /// The fault in a line, if it was one.
        fault: Option<String>,
        /// What it spent.
        usage: Usage,
    },
    /// Somebody gave up a call that was under way.
    Dropped {
        /// Which call.
        call: CallInfo,
    },
    /// A line that a plugin logged, told when its call has ended.
    Log {
        /// Which call.
        call: CallInfo,
        /// The line.
        line: String,
    },
    /// The breaker of a plugin has another state.
    Breaker {
        /// The plugin.
        #[serde(with = "crate::shared_text")]
        plugin: Arc<str>,
        /// For whom, if the breaker is one tenant's.
        #[serde(with = "crate::shared_text::optional")]
        tenant: Option<Arc<str>>,
        /// The new state.
        state: BreakerState,
    },
    /// A crash bundle was written, or could not be.
    Bundle {
        /// Which call.
        call: CallInfo,
        /// The directory, if it was written.
        directory: Option<PathBuf>,
        /// Why it was not, in words.
        reason: Option<String>,
    },
    /// A directory that is watched is gone; its plugins stay.
    DirectoryGone {
        /// The directory.
        path: PathBuf,
    },
    /// A directory that is watched is back.
    DirectoryBack {
        /// The directory.
        path: PathBuf,
    },
    /// Watching has trouble, and goes on.
    WatchTrouble {
        /// The directory.
        path: PathBuf,
        /// What, in words.
        reason: String,
    },
    /// The host takes no more calls.
    ShuttingDown {
        /// How long the calls under way have, before they are cancelled.
        #[serde(serialize_with = "seconds")]
        within: Duration,
    },
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// A listener, from [`PluginHost::events`](crate::PluginHost::events). It hears what happens from then on.
pub struct Events {
    receiver: broadcast::Receiver<Event>,
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "almost all are the large one")]
#[non_exhaustive]
pub enum Heard {
    /// An event.
    Event(Event),
    /// It was too slow: so many events are lost to it, the oldest.
    Missed(u64),
}

impl Events {
    /// The next that happens; `None` when the host is gone.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.receiver.recv().await {
            Ok(event) => Some(Heard::Event(event)),
            Err(RecvError::Lagged(missed)) => Some(Heard::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }

    /// What has happened already; `None` if nothing has.
    pub fn try_next(&mut self) -> Option<Heard> {
        match self.receiver.try_recv() {
            Ok(event) => Some(Heard::Event(event)),
            Err(TryRecvError::Lagged(missed)) => Some(Heard::Missed(missed)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

/// Where a host tells what happens.
pub(crate) struct Teller {
    sender: broadcast::Sender<Event>,
}

impl Teller {
    pub(crate) fn new() -> Teller {
        Teller { sender: broadcast::Sender::new(KEPT) }
    }

    pub(crate) fn listen(&self) -> Events {
        Events { receiver: self.sender.subscribe() }
    }

    /// Tells an event, which is made only if somebody listens.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        if self.sender.receiver_count() > 0 {
            // Whoever listened has just left.
            let _ = self.sender.send(event());
        }
    }

    pub(crate) fn is_heard(&self) -> bool {
        self.sender.receiver_count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unloaded(plugin: u32) -> Event {
        Event::Unloaded { plugin: plugin.to_string().into() }
    }

    #[test]
    fn a_slow_listener_learns_how_much_it_missed() {
        let teller = Teller::new();
        let mut events = teller.listen();
        for plugin in 0..KEPT as u32 + 3 {
            teller.tell(|| unloaded(plugin));
        }
        assert_eq!(events.try_next(), Some(Heard::Missed(3)));
        assert_eq!(events.try_next(), Some(Heard::Event(unloaded(3))));
    }

    #[test]
    fn nothing_is_made_for_nobody() {
        let teller = Teller::new();
        drop(teller.listen());
        teller.tell(|| panic!("nobody listens"));
    }

    #[test]
    fn an_event_says_what_it_is() {
        let json =
            serde_json::to_value(Event::RolledBack { plugin: "a".into(), version: 1, before: 2 }).unwrap();
        assert_eq!(
            json,
            serde_json::json!({ "event": "rolled-back", "plugin": "a", "version": 1, "before": 2 })
        );
    }
}
