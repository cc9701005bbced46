//! `QueueSettings`: how many calls run at one time, and how long others wait.

use std::num::NonZero;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many calls run at one time, and how many others wait how long. The table `[queue]` of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(clippy::exhaustive_structs, reason = "plain data, changed by struct update syntax")]
pub struct QueueSettings {
    /// Calls at one time, at least one. More than there are processors pays where guests wait, for a network say. Default: 64.
    pub concurrency: NonZero<u32>,
    /// Calls of one tenant that wait at one time; one more is refused. Default: 1,000.
    pub waiting: u32,
    /// How long a call waits for a place before it is refused, and for one in the engine's pool. Default: 1 second.
    #[serde(with = "host_limits::text::duration")]
    pub wait: Duration,
}

const DEFAULT_CONCURRENCY: NonZero<u32> = NonZero::new(64).expect("it is not zero");

impl Default for QueueSettings {
    fn default() -> QueueSettings {
        QueueSettings { concurrency: DEFAULT_CONCURRENCY, waiting: 1_000, wait: Duration::from_secs(1) }
    }
}
