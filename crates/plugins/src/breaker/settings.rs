//! `BreakerSettings`: after how many faults a plugin is left alone, and for how long.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// After how many faults calls of a plugin are refused at once, and for how long.
///
/// In a file, times are text:
///
/// ```
/// use host_plugins::{BreakerScope, BreakerSettings, Policy};
///
/// let policy = Policy::from_toml(r#"
///     [breaker]
///     faults = 3
///     open = "500ms"
///     scope = "plugin"
/// "#)?;
/// assert_eq!(policy.breaker.faults, 3);
/// assert_eq!(policy.breaker.scope, BreakerScope::Plugin);
/// assert_eq!(policy.breaker.probes, BreakerSettings::default().probes);
/// # Ok::<(), host_plugins::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "plain data, changed by struct update syntax")]
pub struct BreakerSettings {
    /// Faults within [`within`](BreakerSettings::within) that open it; 1 or more. Default: 5.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub faults: u32,
    /// How long a fault counts. More than nothing. Default: 30 s.
    #[serde(with = "host_limits::text::duration")]
    #[cfg_attr(feature = "schema", schemars(with = "host_limits::text::duration::Text"))]
    pub within: Duration,
    /// How long calls are refused the first time; each time that it opens again at once, twice as long. More than nothing.
    /// Default: 1 s.
    #[serde(with = "host_limits::text::duration")]
    #[cfg_attr(feature = "schema", schemars(with = "host_limits::text::duration::Text"))]
    pub open: Duration,
    /// The longest that calls are refused; no less than [`open`](BreakerSettings::open). Default: 60 s.
    #[serde(with = "host_limits::text::duration")]
    #[cfg_attr(feature = "schema", schemars(with = "host_limits::text::duration::Text"))]
    pub longest_open: Duration,
    /// Calls that are let through afterwards to see whether all is well; 1 or more. Default: 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub probes: u32,
    /// Whose faults count together. Default: those of each tenant.
    pub scope: BreakerScope,
}

/// Whose faults count together, and whose calls are refused then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum BreakerScope {
    /// Those of one tenant's calls of the plugin: who feeds it bad input closes it for nobody else.
    #[default]
    Tenant,
    /// Those of all calls of the plugin.
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

impl BreakerSettings {
    /// The key that is at fault, and what to do, if these can not be used.
    pub(crate) fn problem(&self) -> Option<(&'static str, &'static str)> {
        if self.faults == 0 {
            return Some(("faults", "no faults would open it before the first call; write 1 or more"));
        }
        if self.within.is_zero() {
            return Some(("within", "no fault would count; write a time such as \"30s\""));
        }
        if self.open.is_zero() {
            return Some(("open", "it would never refuse a call; write a time such as \"1s\""));
        }
        if self.longest_open < self.open {
            return Some(("longest-open", "is shorter than `open`; write that or more"));
        }
        if self.probes == 0 {
            return Some(("probes", "no call would be let through to close it again; write 1 or more"));
        }
        None
    }
}
