//! From the start of a process to the first result of a module: with nothing compiled, with what is on disk, and once more in the
//! same process.

use std::fs;
use std::rc::Rc;

use super::Job;
use crate::child;
use crate::compare::Comparison;
use crate::guests;
use crate::report::Aim;

mod ways;

pub(crate) use ways::answer;
pub(super) use ways::forget;

/// The subject of a process of ours.
pub(crate) const WHAT: &str = "start";

/// A module, and the export that gives its first result.
struct Case {
    name: &'static str,
    /// In [`MODULES`], if it is not made here.
    file: Option<&'static str>,
    export: &'static str,
    /// Compiling it takes many seconds.
    large: bool,
}

const MODULES: &str = "bench-modules";

const CASES: [Case; 3] = [
    Case { name: "a small module", file: None, export: "run", large: false },
    Case { name: "resvg, 2.4 MB", file: Some("resvg.wasm"), export: "__wbindgen_malloc", large: false },
    Case { name: "swc, 18 MB", file: Some("swc.wasm"), export: "__wbindgen_export_0", large: true },
];

pub(super) fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for case in CASES.iter().filter(|case| case.is_here()) {
        jobs.push(
            Job::new(
                format!("cold start, nothing cached: {}", case.name),
                "From before a process is started until it has compiled the module, made an instance and called its allocator: \
                 the first result. Imports are stubs.",
                || cold(case),
            )
            .share(if case.file.is_some() { 4.0 } else { 1.0 })
            .long(case.large),
        );
        jobs.push(
            Job::new(
                format!("cold start, cached on disk: {}", case.name),
                "The same, when an earlier process has left the compiled code on disk.",
                || on_disk(case),
            )
            .long(case.large),
        );
        jobs.push(
            Job::new(
                format!("loaded once more: {}", case.name),
                "From the module's bytes to the first result in a process that has loaded it before.",
                || in_memory(case),
            )
            .long(case.large),
        );
    }
    jobs
}

/// Makes folders for processes that want resvg, if that is here.
pub(super) fn resvg() -> Option<fn() -> tempfile::TempDir> {
    CASES[1].is_here().then_some(|| CASES[1].home())
}

impl Case {
    /// `cargo xtask bench` downloads what is not made here, if it can.
    fn is_here(&self) -> bool {
        self.file.is_none_or(|file| guests::folder(MODULES).join(file).exists())
    }

    /// A new folder with what the processes need.
    fn home(&self) -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a directory for a while");
        let wasm = match self.file {
            Some(file) => fs::read(guests::folder(MODULES).join(file)).expect("it was there a moment ago"),
            None => guests::small(),
        };
        fs::write(home.path().join(ways::MODULE), wasm).expect("there is room");
        fs::write(home.path().join(ways::EXPORT), self.export).expect("there is room");
        home
    }
}

fn cold(case: &Case) -> Comparison {
    let rounds = match (case.file, case.large) {
        (None, _) => 100,
        (Some(_), false) => 5,
        (Some(_), true) => 3,
    };
    let mut comparison = Comparison::of_times().at_most(rounds);
    for (name, way) in [
        ("raw Wasmtime, epochs", "raw"),
        ("host-core, no cache", "ours"),
        ("host-cache, empty", "sealed"),
        ("host-core, profile untrusted", "untrusted"),
        ("Wasmtime's own cache, empty", "wasmtime-cache"),
        ("Extism", "extism"),
        ("wasmer", "wasmer"),
    ] {
        let home = case.home();
        comparison.sample(name, move || {
            ways::forget(home.path());
            child::start(WHAT, way, home.path()).first_word().as_secs_f64()
        });
        // A small one takes no longer than what is done once in each process.
        if way == "sealed" && case.file.is_some() {
            comparison.aim(Aim::at_most(1.05));
        }
    }
    comparison
}

fn on_disk(case: &Case) -> Comparison {
    let mut comparison = Comparison::of_times().at_most(50);
    for (name, way) in [
        ("raw Wasmtime: deserialize_file, unverified", "raw-file"),
        ("host-cache, sealed", "sealed"),
        ("host-cache, mapped", "mapped"),
        ("Wasmtime's own cache", "wasmtime-cache"),
        ("Extism with Wasmtime's cache", "extism-cache"),
        ("wasmer: deserialize_from_file, unverified", "wasmer-file"),
    ] {
        // The first sample, which is not counted, fills the cache.
        let home = case.home();
        comparison.sample(name, move || child::start(WHAT, way, home.path()).first_word().as_secs_f64());
        match way {
            "mapped" => _ = comparison.aim(Aim::at_most(1.5)),
            // Of what copies and hashes all of the code, this is asked where that is 2 MB.
            "sealed" if !case.large => _ = comparison.aim(Aim::at_most(5.0)),
            _ => {}
        }
    }
    comparison
}

fn in_memory(case: &Case) -> Comparison {
    let home = Rc::new(case.home());
    let mut comparison = Comparison::of_times();
    for (name, way) in [
        ("raw Wasmtime: the Module is kept", "raw"),
        ("host-cache, in memory, input hashed", "memory"),
        ("host-cache, in memory, digest known", "memory-digest"),
        ("Wasmtime's own cache", "wasmtime-cache"),
        ("Extism: the compiled plug-in is kept", "extism"),
        ("wasmer: the Module is kept", "wasmer"),
    ] {
        comparison.run(name, ways::again(way, &home));
    }
    comparison
}
