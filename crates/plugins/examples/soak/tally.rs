//! What became of all calls: counted by how they ended, and how long they took.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::latencies::Latencies;
use crate::plugins::Plugin;

/// As many complaints as somebody reads.
const MOST_COMPLAINTS: usize = 20;

/// What became of all calls.
pub(crate) struct Tally {
    begun: Instant,
    over: AtomicBool,
    calls: AtomicU64,
    /// Calls that were cancelled on purpose: no more may end so.
    pub(crate) cancelled: AtomicU64,
    counts: Mutex<Counts>,
}

#[derive(Clone, Default)]
pub(crate) struct Counts {
    /// Of good calls of fresh and of warm plugins, and of calls of each hostile plugin that it was stopped for.
    pub(crate) latencies: BTreeMap<&'static str, Latencies>,
    /// Of good calls, in each second.
    pub(crate) seconds: Vec<Latencies>,
    /// What became of calls, by a word for it.
    pub(crate) ends: BTreeMap<String, u64>,
    /// What must not have happened.
    pub(crate) wrong: Vec<String>,
}

/// How a call ended.
pub(crate) enum End {
    Good,
    /// In a way that is allowed.
    Allowed(&'static str),
    /// A hostile plugin, for its own reason.
    Stopped(String),
    Wrong(String),
}

impl Tally {
    pub(crate) fn new() -> Tally {
        Tally {
            begun: Instant::now(),
            over: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            counts: Mutex::default(),
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// No more calls are made, and those under way may be cut short.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    pub(crate) fn add(&self, plugin: &Plugin, end: End, time: Duration) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut counts = self.lock();
        let word = match end {
            End::Good => {
                let kind = if plugin.is_warm() { "warm" } else { "fresh" };
                counts.latencies.entry(kind).or_default().add(time);
                let second = self.begun.elapsed().as_secs() as usize;
                if counts.seconds.len() <= second {
                    counts.seconds.resize(second + 1, Latencies::default());
                }
                counts.seconds[second].add(time);
                "good".to_owned()
            }
            End::Allowed(word) => word.to_owned(),
            End::Stopped(why) => {
                counts.latencies.entry(plugin.name).or_default().add(time);
                format!("{}: {why}", plugin.name)
            }
            End::Wrong(what) => {
                if counts.wrong.len() < MOST_COMPLAINTS {
                    counts.wrong.push(format!("{}: {what}", plugin.name));
                }
                "wrong".to_owned()
            }
        };
        *counts.ends.entry(word).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("nobody panics while counting")
    }
}
