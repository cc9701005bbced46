//! Processes of our own that measure, or are measured: started, they do one thing and say what came of it.

use std::env;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The subcommand under which this program does one thing.
pub(crate) const SUBCOMMAND: &str = "child";

/// A process that has not said anything yet.
pub(crate) struct Started {
    begun: Instant,
    child: Child,
}

pub(crate) fn start(what: &str, way: &str, home: &Path) -> Started {
    let program = env::current_exe().expect("this program has a file");
    let begun = Instant::now();
    let child = Command::new(program)
        .args([SUBCOMMAND, what, way])
        .arg(home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program runs again");
    Started { begun, child }
}

impl Started {
    /// How long it took from before it was started until it said its first word.
    pub(crate) fn first_word(mut self) -> Duration {
        let mut word = [0];
        let mut output = self.child.stdout.take().expect("it is a pipe");
        let said = output.read_exact(&mut word);
        let took = self.begun.elapsed();
        let status = self.child.wait().expect("it is ours");
        assert!(said.is_ok() && status.success(), "a process that was measured ended with {status}");
        took
    }

    /// The number that it says.
    pub(crate) fn number(self) -> f64 {
        let output = self.child.wait_with_output().expect("it is ours");
        assert!(output.status.success(), "a process that measures ended with {}", output.status);
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim().parse().unwrap_or_else(|error| panic!("{error} in {text:?}"))
    }
}

/// How much memory of this process is its own, and its share of what is not; in bytes.
pub(crate) fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").expect("this is Linux");
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).expect("the kernel tells it");
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("it is a number");
    kib * 1024.0
}

/// By how much this process grows for each of so many.
pub(crate) fn bytes_each<R>(count: usize, mut make: impl FnMut() -> R) -> f64 {
    // What is made once is nobody's.
    drop(make());
    let mut all = Vec::with_capacity(count);
    let before = resident();
    all.extend((0..count).map(|_| make()));
    (resident() - before) / count as f64
}
