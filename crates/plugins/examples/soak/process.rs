//! What this process holds: threads, descriptors, memory.

use std::fmt;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// What a process holds at one moment. All 0 where the system does not tell: only Linux does, here.
#[derive(Clone, Copy, Default)]
pub(crate) struct Process {
    threads: usize,
    descriptors: usize,
    /// In bytes.
    pub(crate) resident: u64,
}

impl Process {
    pub(crate) fn now() -> Process {
        let count = |path| fs::read_dir(path).map_or(0, Iterator::count);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = resident.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Process {
            threads: count("/proc/self/task"),
            descriptors: count("/proc/self/fd"),
            resident: kibibytes.unwrap_or(0) << 10,
        }
    }

    /// What it holds when nothing has ended or begun for a moment.
    pub(crate) fn at_rest() -> Process {
        loop {
            let one = Process::now();
            thread::sleep(Duration::from_millis(100));
            let other = Process::now();
            if (one.threads, one.descriptors) == (other.threads, other.descriptors) {
                return other;
            }
        }
    }

    /// What it holds when it holds no more than `before`, or after a few seconds: a thread that was told to end takes a moment.
    pub(crate) fn settled(before: &Process) -> Process {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let now = Process::now();
            if now.more_than(before).is_empty() || Instant::now() > until {
                return now;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What there is more of than before.
    pub(crate) fn more_than(&self, before: &Process) -> Vec<String> {
        let mut more = Vec::new();
        for (what, now, before) in
            [("threads", self.threads, before.threads), ("descriptors", self.descriptors, before.descriptors)]
        {
            if now > before {
                more.push(format!("{now} {what} are left, and there were {before} before"));
            }
        }
        more
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} threads and {} descriptors", self.threads, self.descriptors)
    }
}
