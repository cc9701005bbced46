//! `InstancePolicy`: whether a call gets a fresh instance, or one that has served before.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whether a call gets a fresh instance, or one that has served the same tenant before. In a file: `"fresh"`, or
/// `{ warm = { max-idle = 4, max-calls = 1000, max-age = "5m" } }`, where each key may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum InstancePolicy {
    /// Each call has an instance of its own: nothing of a call is left for the next.
    #[default]
    Fresh,
    /// An instance is kept for the next call of the same tenant, until it fails or has served long enough.
    Warm {
        /// Instances that are kept idle, for each version and tenant; 1 or more. Default: 4.
        #[serde(default = "max_idle")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        max_idle: u32,
        /// Calls that one instance serves; 1 or more. Default: 1,000.
        #[serde(default = "max_calls")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        max_calls: u32,
        /// How old an instance may become. More than nothing. Default: 5 minutes.
        #[serde(default = "max_age", with = "host_limits::text::duration")]
        #[cfg_attr(feature = "schema", schemars(with = "host_limits::text::duration::Text"))]
        max_age: Duration,
    },
}

fn max_idle() -> u32 {
    4
}

fn max_calls() -> u32 {
    1_000
}

fn max_age() -> Duration {
    Duration::from_secs(5 * 60)
}

impl InstancePolicy {
    /// Warm instances, with the defaults.
    pub fn warm() -> InstancePolicy {
        InstancePolicy::Warm { max_idle: max_idle(), max_calls: max_calls(), max_age: max_age() }
    }

    /// The key that is at fault, and what to do, if this can not be used.
    pub(crate) fn problem(&self) -> Option<(&'static str, &'static str)> {
        let InstancePolicy::Warm { max_idle, max_calls, max_age } = self else { return None };
        if *max_idle == 0 {
            return Some(("max-idle", "none would be kept; write 1 or more, or `instances = \"fresh\"`"));
        }
        if *max_calls == 0 {
            return Some((
                "max-calls",
                "an instance would serve no call; write 1 or more, or `instances = \"fresh\"`",
            ));
        }
        if max_age.is_zero() {
            return Some((
                "max-age",
                "none would be kept; write a time such as \"5m\", or `instances = \"fresh\"`",
            ));
        }
        None
    }
}
