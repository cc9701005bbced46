//! Four processes that start at one time and want the same module, of which nothing is cached.

use std::time::Instant;

use tempfile::TempDir;

use super::{Job, start};
use crate::child;
use crate::compare::Comparison;

const PROCESSES: usize = 4;

pub(super) fn jobs() -> Vec<Job> {
    let does = "Four processes start at one time and want the first result of the same module from one empty cache. Until the last of \
                them has it.";
    let job = |home| {
        Job::new("4 cold processes on one cache: resvg, 2.4 MB", does, move || compare(home)).share(4.0)
    };
    start::resvg().map(job).into_iter().collect()
}

fn compare(home: fn() -> TempDir) -> Comparison {
    let mut comparison = Comparison::of_times().at_most(7);
    for (name, way) in [
        ("raw Wasmtime: no cache, all compile", "raw"),
        ("host-cache, sealed", "sealed"),
        ("host-cache, mapped", "mapped"),
        ("Wasmtime's own cache", "wasmtime-cache"),
        ("Extism with Wasmtime's cache", "extism-cache"),
    ] {
        let home = home();
        comparison.sample(name, move || {
            start::forget(home.path());
            let begun = Instant::now();
            let started: Vec<_> =
                (0..PROCESSES).map(|_| child::start(start::WHAT, way, home.path())).collect();
            for process in started {
                process.first_word();
            }
            begun.elapsed().as_secs_f64()
        });
    }
    comparison
}
