//! What the host tells of itself while all goes on: counted, for the table and for whoever waits for something.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use host_plugins::{BreakerState, Event, Events, Heard};

/// What was heard so far. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Listener {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Clone, Default)]
pub(crate) struct Counts {
    pub(crate) events: BTreeMap<&'static str, u64>,
    /// How often a new version of a plugin was refused, and why the last time.
    refused: BTreeMap<String, (u64, String)>,
    /// What must not have happened.
    pub(crate) wrong: Vec<String>,
}

impl Listener {
    /// Listens until the host is gone.
    pub(crate) async fn listen(self, mut events: Events) {
        while let Some(heard) = events.next().await {
            self.lock().add(&heard);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    /// How often a new version of this plugin was refused; events that were missed count as if they had said so.
    pub(crate) fn refused(&self, plugin: &str) -> u64 {
        let counts = self.lock();
        let missed = counts.events.get(MISSED).copied().unwrap_or_default();
        counts.refused.get(plugin).map_or(0, |(number, _)| *number) + missed
    }

    /// Why a new version of this plugin was refused the last time.
    pub(crate) fn last_refusal(&self, plugin: &str) -> Option<String> {
        self.lock().refused.get(plugin).map(|(_, reason)| reason.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("nobody panics while counting")
    }
}

const MISSED: &str = "events that were missed";

impl Counts {
    fn add(&mut self, heard: &Heard) {
        let (word, number) = match heard {
            Heard::Missed(missed) => (MISSED, *missed),
            Heard::Event(event) => (self.word(event), 1),
            _ => return,
        };
        *self.events.entry(word).or_default() += number;
    }

    fn word(&mut self, event: &Event) -> &'static str {
        match event {
            Event::Ended { .. } => "calls that ended",
            Event::Dropped { .. } => "calls given up under way",
            Event::Log { .. } => "lines logged",
            Event::Reloaded { .. } => "new versions",
            Event::RolledBack { .. } => "roll backs",
            Event::NotReloaded { plugin, reason, .. } => {
                let refused = self.refused.entry(plugin.to_string()).or_default();
                *refused = (refused.0 + 1, reason.clone());
                "new versions refused"
            }
            Event::Breaker { state: BreakerState::Open, .. } => "breakers opened",
            Event::Breaker { state: BreakerState::HalfOpen, .. } => "breakers half-open",
            Event::Breaker { .. } => "breakers closed",
            Event::Bundle { reason: None, .. } => "crash bundles written",
            Event::ShuttingDown { .. } => "shut down",
            // Nothing of this kind is done here: a bundle that cannot be written, a plugin that goes, a directory that is gone.
            other => {
                self.wrong.push(format!("this was told: {other:?}"));
                "others"
            }
        }
    }
}
