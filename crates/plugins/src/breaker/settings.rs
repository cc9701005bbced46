//! `BreakerSettings`: when a plugin is not called for a while.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When a plugin is not called for a while, and for how long. The table `[breaker]` of a manifest or a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(clippy::exhaustive_structs, reason = "plain data, changed by struct update syntax")]
pub struct BreakerSettings {
    /// So many faults open it. Default: 5.
    pub faults: u32,
    /// The time within which they have to happen. Default: 30 seconds.
    #[serde(with = "crate::text::duration")]
    pub within: Duration,
    /// How long it is open at first. Default: 1 second.
    #[serde(with = "crate::text::duration")]
    pub open: Duration,
    /// How long it is open at most; it doubles each time a call goes wrong that was let in to try. Default: 1 minute.
    #[serde(with = "crate::text::duration")]
    pub longest_open: Duration,
    /// So many calls are let in to try, and all have to go well. Default: 1.
    pub probes: u32,
    /// Whose faults count. Default: each tenant's for itself.
    pub scope: BreakerScope,
}

/// Whose faults open a breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BreakerScope {
    /// Each tenant's for itself: one that makes a plugin fail keeps it from nobody else.
    #[default]
    Tenant,
    /// All of the plugin: one breaker for all.
    Plugin,
}

impl Default for BreakerSettings {
    fn default() -> BreakerSettings {
        BreakerSettings {
            faults: 5,
            within: Duration::from_secs(30),
            open: Duration::from_secs(1),
            longest_open: Duration::from_secs(60),
            probes: 1,
            scope: BreakerScope::Tenant,
        }
    }
}
