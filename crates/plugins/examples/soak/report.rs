//! What the soak came to, as a table.

use std::time::Duration;

use crate::changes::Changes;
use crate::latencies::Latencies;
use crate::work::{Counts, Tally};

pub(crate) struct Report {
    pub(crate) seconds: Vec<Latencies>,
    counts: Counts,
    changes: Changes,
    length: Duration,
    calls: u64,
}

impl Report {
    pub(crate) fn new(tally: &Tally, changes: Changes, length: Duration) -> Report {
        Report {
            seconds: std::mem::take(&mut *tally.seconds.lock().unwrap()),
            counts: std::mem::take(&mut *tally.counts.lock().unwrap()),
            changes,
            length,
            calls: tally.calls(),
        }
    }

    pub(crate) fn print(&self) {
        let Report { counts, changes, length, calls, .. } = self;
        println!("{calls} calls, {:.0} a second", *calls as f64 / length.as_secs_f64());
        println!("  {:<28} {:>10} {:>10} {:>10} {:>10}", "good calls", "number", "p50", "p99", "p99.9");
        let mut all = counts.fresh.clone();
        all.merge(&counts.warm);
        for (name, latencies) in [("fresh", &counts.fresh), ("warm", &counts.warm), ("all", &all)] {
            let at = |part| format!("{:.1?}", latencies.at(part));
            println!(
                "  {name:<28} {:>10} {:>10} {:>10} {:>10}",
                latencies.count(),
                at(0.5),
                at(0.99),
                at(0.999)
            );
        }
        println!("  {:<58} {:>10}", "how calls ended", "number");
        for (end, number) in &counts.ends {
            println!("  {end:<58} {number:>10}");
        }
        println!(
            "changes: {} written, {} reloaded, {} rolled back, {} refused",
            changes.written, changes.reloaded, changes.rolled_back, changes.refused
        );
    }

    /// What must not have happened.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = self.counts.wrong.clone();
        wrong.extend(self.changes.wrong.iter().take(20).cloned());
        let good = self.counts.fresh.count() + self.counts.warm.count();
        if good < self.calls / 2 {
            wrong.push(format!("only {good} of {} calls were good", self.calls));
        }
        let Changes { written, reloaded, refused, .. } = self.changes;
        if self.length > Duration::from_secs(4) && (written == 0 || reloaded == 0 || refused == 0) {
            wrong.push("some kind of change was never made".to_owned());
        }
        wrong
    }
}
