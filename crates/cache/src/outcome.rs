//! How code came: from memory, from disk or from the compiler, and what that took.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{MissReason, PutError};

/// A module or a component, and how it came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded<T> {
    /// Wasmtime's own value, ready to be instantiated.
    pub value: T,
    /// Where it came from and what that took.
    pub outcome: Outcome,
}

impl<T> Deref for Loaded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// How a module or a component came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Where it came from.
    pub source: Source,
    /// Why it did not come from disk at once, if it did not.
    pub miss: Option<MissReason>,
    /// Why what was compiled could not be kept, if it could not. It is loaded all the same.
    pub publish_failure: Option<Arc<PutError>>,
    /// What compiling it took: now, or, if it came from disk, when it was compiled.
    pub compile_time: Duration,
    /// What reading, verifying and loading took, also of what this call has compiled and published.
    pub load_time: Duration,
    /// How long the call waited for another thread or process that compiled the same thing.
    pub waited: Duration,
}

/// Where code came from. There is no tier on another machine; should there be one, it is a variant more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// It was still in memory.
    Memory,
    /// It was in the cache.
    Disk,
    /// It was compiled by this call.
    Compiled,
}

impl Source {
    /// `"memory"`, `"disk"` or `"compiled"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Compiled => "compiled",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<T> Loaded<T> {
    /// The same, for a call that missed at first, and waited for it.
    pub(crate) fn after(mut self, miss: MissReason, waited: Duration) -> Self {
        self.outcome.miss = Some(miss);
        self.outcome.waited = waited;
        self
    }
}

impl Outcome {
    /// Of code from disk.
    pub(crate) fn loaded(compile_time: Duration, started: Instant) -> Self {
        Self {
            source: Source::Disk,
            miss: None,
            publish_failure: None,
            compile_time,
            load_time: started.elapsed(),
            waited: Duration::ZERO,
        }
    }
}
