//! `Loading`: where a guest's code came from, and how long that took.

use std::time::Duration;

use host_cache::Source;

/// How a program's code was had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loading {
    /// Where the code came from.
    pub origin: Origin,
    /// How long it took to have it: compiling, or reading and verifying.
    pub elapsed: Duration,
    /// Why freshly compiled code could not be kept in the cache, if it could not.
    pub publish_failure: Option<String>,
}

/// Where compiled code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// Compiled just now.
    Compiled,
    /// The cache had it.
    Cached,
    /// Compiled ahead of time, into a file the caller vouched for.
    Ahead,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Origin::Compiled => "compiled",
            Origin::Cached => "cached",
            Origin::Ahead => "ahead of time",
        })
    }
}

impl Loading {
    pub(crate) fn compiled(elapsed: Duration) -> Loading {
        Loading { origin: Origin::Compiled, elapsed, publish_failure: None }
    }

    pub(crate) fn from_cache(outcome: &host_cache::Outcome) -> Loading {
        match outcome.source {
            Source::Memory | Source::Disk => {
                Loading { origin: Origin::Cached, elapsed: outcome.load_time, publish_failure: None }
            }
            _ => Loading {
                origin: Origin::Compiled,
                elapsed: outcome.compile_time + outcome.load_time,
                publish_failure: outcome.publish_failure.as_ref().map(|error| error.to_string()),
            },
        }
    }
}
