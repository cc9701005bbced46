//! `Counts`: what a plugin has done and cost, kept for the snapshot and told to the `metrics` facade.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use host_limits::Usage;
use metrics::{Counter, Histogram, counter, histogram};
use serde::Serialize;

use crate::loading::Origin;

/// What the calls of a plugin came to, all its versions together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct CallCounts {
    /// Calls that gave a result.
    pub good: u64,
    /// Calls that ended with a fault, by [its name](host_core::FaultKind::name).
    pub faults: BTreeMap<&'static str, u64>,
    /// Calls that were given up by whoever made them.
    pub dropped: u64,
    /// Calls that were not let in: the queue was full or slow, or the pool, or the breaker open.
    pub refused: u64,
    /// Calls that a warm instance did.
    pub warm: u64,
    /// Fuel burnt by calls that ended, where it is metered.
    pub fuel: u64,
    /// The most memory that one call had, in bytes.
    pub peak_memory: u64,
}

/// The counters of one plugin.
pub(crate) struct Counts {
    plugin: String,
    good: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
    warm: AtomicU64,
    fuel: AtomicU64,
    peak_memory: AtomicU64,
    faults: Mutex<BTreeMap<&'static str, u64>>,
    metrics: Metrics,
}

/// Looked up once: a handle costs less than a name.
struct Metrics {
    good: Counter,
    dropped: Counter,
    refused: Counter,
    warm: Counter,
    fuel: Counter,
    seconds: Histogram,
    peak_memory: Histogram,
}

impl Counts {
    pub(crate) fn new(plugin: &str) -> Counts {
        let calls = |result: &'static str| counter!("host_plugins_calls_total", "plugin" => plugin.to_owned(), "result" => result);
        let metrics = Metrics {
            good: calls("ok"),
            dropped: calls("dropped"),
            refused: calls("refused"),
            warm: counter!("host_plugins_warm_calls_total", "plugin" => plugin.to_owned()),
            fuel: counter!("host_plugins_fuel_total", "plugin" => plugin.to_owned()),
            seconds: histogram!("host_plugins_call_seconds", "plugin" => plugin.to_owned()),
            peak_memory: histogram!("host_plugins_call_peak_memory_bytes", "plugin" => plugin.to_owned()),
        };
        Counts {
            plugin: plugin.to_owned(),
            good: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            warm: AtomicU64::new(0),
            fuel: AtomicU64::new(0),
            peak_memory: AtomicU64::new(0),
            faults: Mutex::default(),
            metrics,
        }
    }

    pub(crate) fn good(&self) {
        self.good.fetch_add(1, Ordering::Relaxed);
        self.metrics.good.increment(1);
    }

    pub(crate) fn fault(&self, kind: &'static str) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
        let plugin = self.plugin.clone();
        counter!("host_plugins_calls_total", "plugin" => plugin, "result" => "fault").increment(1);
        let plugin = self.plugin.clone();
        counter!("host_plugins_faults_total", "plugin" => plugin, "kind" => kind).increment(1);
    }

    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.metrics.dropped.increment(1);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.metrics.refused.increment(1);
    }

    /// What a call that has ended spent; `whole` is its time from the caller's side.
    pub(crate) fn spent(&self, usage: &Usage, whole: Duration, warm: bool) {
        if warm {
            self.warm.fetch_add(1, Ordering::Relaxed);
            self.metrics.warm.increment(1);
        }
        if let Some(fuel) = usage.fuel {
            self.fuel.fetch_add(fuel, Ordering::Relaxed);
            self.metrics.fuel.increment(fuel);
        }
        let peak = usage.peak_memory.get();
        // Looked at first: a write would take the line from the other processors.
        if self.peak_memory.load(Ordering::Relaxed) < peak {
            self.peak_memory.fetch_max(peak, Ordering::Relaxed);
        }
        self.metrics.seconds.record(whole);
        self.metrics.peak_memory.record(peak as f64);
    }

    pub(crate) fn get(&self) -> CallCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CallCounts {
            good: of(&self.good),
            faults: self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            dropped: of(&self.dropped),
            refused: of(&self.refused),
            warm: of(&self.warm),
            fuel: of(&self.fuel),
            peak_memory: of(&self.peak_memory),
        }
    }
}

/// Counts a load by where the code came from.
pub(crate) fn loaded(origin: Origin) {
    let origin = match origin {
        Origin::Compiled => "compiled",
        Origin::Cached => "cached",
        Origin::Ahead => "ahead",
    };
    counter!("host_plugins_loads_total", "origin" => origin).increment(1);
}
