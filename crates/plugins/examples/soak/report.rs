//! What the soak came to: a table, and what is wrong.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use host_plugins::host_cache::VerifyReport;
use host_plugins::host_limits::LedgerUsage;
use host_plugins::{QueueUse, Shutdown, Snapshot};

use crate::MORE_MEMORY;
use crate::changes::Changes;
use crate::latencies::Latencies;
use crate::plugins::PLUGINS;
use crate::process::Process;
use crate::tally::{Counts, Tally};
use crate::{listener, work};

/// What everything came to.
pub(crate) struct Report {
    pub(crate) counts: Counts,
    /// What must not have happened.
    pub(crate) wrong: Vec<String>,
    changes: Changes,
    events: BTreeMap<&'static str, u64>,
    time: Duration,
    calls: u64,
    /// The most memory that was resident, in bytes.
    peak: u64,
    /// What is told of the end, in lines.
    end: Vec<String>,
}

impl Report {
    pub(crate) fn new(
        tally: &Tally,
        changes: Changes,
        heard: listener::Counts,
        time: Duration,
        peak: u64,
    ) -> Report {
        let (counts, calls) = (tally.counts(), tally.calls());
        let mut wrong = counts.wrong.clone();
        wrong.extend(changes.wrong.iter().chain(&heard.wrong).take(40).cloned());
        let number = |end: &str| counts.ends.get(end).copied().unwrap_or_default();
        if number("good") < calls / 2 {
            wrong.push(format!("only {} of {calls} calls were good", number("good")));
        }
        let cancels = tally.cancelled.load(Ordering::Relaxed);
        if number("cancelled") > cancels {
            wrong
                .push(format!("{} calls were cancelled, but only {cancels} on purpose", number("cancelled")));
        }
        // What is chosen at random comes in any second, but for the shortest of runs.
        if time > Duration::from_secs(4) {
            let latencies = &counts.latencies;
            let hostile = PLUGINS.iter().filter(|plugin| plugin.is_hostile());
            for plugin in hostile.filter(|plugin| !latencies.contains_key(plugin.name)) {
                wrong.push(format!("{} was never stopped", plugin.name));
            }
            wrong.extend(changes.missing().map(|what| format!("never {what}")));
            if number("given up by their callers") == 0 || cancels == 0 {
                wrong.push("no call was given up, or none cancelled".to_owned());
            }
        }
        let events = heard.events;
        Report { counts, wrong, changes, events, time, calls, peak, end: Vec::new() }
    }

    /// How the host was at the last moment, how it was shut down, and how it was afterwards.
    pub(crate) fn look_at_host(&mut self, last: &Snapshot, shutdown: Shutdown, left: &Snapshot) {
        let warm: u64 = last.plugins.iter().map(|plugin| plugin.calls.warm).sum();
        self.end.push(format!("{warm} calls were done by warm instances"));
        if warm == 0 {
            self.wrong.push("no warm instance did a call".to_owned());
        }
        let Shutdown { finished, cancelled, left: still, .. } = shutdown;
        self.end.push(format!(
            "shut down: {finished} calls finished, {cancelled} were cancelled, {still} did not end"
        ));
        if still > 0 {
            self.wrong.push(format!("{still} calls did not end when the host was shut down"));
        }
        let tenants = left.tenants.iter().map(|tenant| (&*tenant.name, &tenant.usage, tenant.queue));
        for (name, usage, queue) in tenants.chain([("the process", &left.process, left.queue)]) {
            let LedgerUsage { memory, stores, calls, .. } = usage;
            if memory.get() > 0 || *stores > 0 || *calls > 0 || queue != QueueUse::default() {
                self.wrong.push(format!("{name} holds something still: {usage:?}, {queue:?}"));
            }
        }
        if left.tenants.len() != work::TENANTS.len() {
            self.wrong.push(format!("there are {} tenants", left.tenants.len()));
        }
        let Some(pool) = &left.pool else { return self.wrong.push("there is no pool".to_owned()) };
        if pool.component_instances + pool.core_instances + pool.memories + pool.tables + pool.stacks > 0 {
            self.wrong.push(format!("the pool is in use still: {pool:?}"));
        }
        if !left.underway.is_empty() || !left.plugins.is_empty() {
            self.wrong.push("calls or plugins are left".to_owned());
        }
    }

    pub(crate) fn look_at_cache(&mut self, verified: &VerifyReport) {
        let (good, bad) = (verified.good, verified.bad.total());
        self.end.push(format!("cache: {good} entries are good, {bad} are damaged"));
        if bad > 0 || good == 0 {
            self.wrong.push(format!("{bad} entries of the cache are damaged, {good} are not"));
        }
    }

    pub(crate) fn look_at_process(&mut self, before: &Process, after: &Process) {
        let mebibytes = |bytes: u64| bytes >> 20;
        self.end.push(format!(
            "resident: {} MiB before, {} at most, {} at the end (bound: {} more than before)",
            mebibytes(before.resident),
            mebibytes(self.peak),
            mebibytes(after.resident),
            mebibytes(MORE_MEMORY)
        ));
        self.end.push(format!("before {before}; at the end {after}"));
        self.wrong.extend(after.more_than(before));
        if after.resident > before.resident + MORE_MEMORY {
            let more = mebibytes(after.resident - before.resident);
            self.wrong.push(format!("{more} MiB more are resident than before"));
        }
    }

    pub(crate) fn print(&self) {
        let Report { counts, changes, time, calls, .. } = self;
        println!("{calls} calls, {:.0} a second", *calls as f64 / time.as_secs_f64());
        heading("time of a call, with its wait for a place", &["number", "p50", "p99", "p99.9"]);
        let line = |name: &str, latencies: &Latencies| {
            let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|part| format!("{:.1?}", latencies.at(part)));
            println!("  {name:<58} {:>10} {p50:>10} {p99:>10} {p999:>10}", latencies.count());
        };
        let (good, stopped): (Vec<_>, Vec<_>) =
            counts.latencies.iter().partition(|(name, _)| ["fresh", "warm"].contains(*name));
        good.iter().for_each(|(name, latencies)| line(name, latencies));
        stopped.iter().for_each(|(name, latencies)| line(&format!("{name}, until stopped"), latencies));
        heading("how calls ended", &["number"]);
        counts.ends.iter().for_each(|(end, number)| println!("  {end:<58} {number:>10}"));
        heading("changes", &["number"]);
        changes.rows().iter().for_each(|(what, number)| println!("  {what:<58} {number:>10}"));
        println!(
            "  21 new files in the watched directory at once were loaded within {:.1?}",
            changes.followed_within
        );
        heading("what the host told", &["number"]);
        self.events.iter().for_each(|(event, number)| println!("  {event:<58} {number:>10}"));
        self.end.iter().for_each(|line| println!("{line}"));
    }
}

fn heading(what: &str, columns: &[&str]) {
    let columns: String = columns.iter().map(|column| format!(" {column:>10}")).collect();
    println!("  {what:<58}{columns}");
}
