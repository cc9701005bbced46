//! `Snapshot`: how a host is, in one look.

use std::time::Instant;

use host_cache::Digest;
use host_core::PoolUsage;
use host_limits::LedgerUsage;
use serde::Serialize;

use crate::active::UnderwayCall;
use crate::breaker::BreakerState;
use crate::counts::CallCounts;
use crate::host::PluginHost;

/// How a host is now; as serde writes it, for a page of status.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Snapshot {
    /// Its plugins, by name.
    pub plugins: Vec<PluginSnapshot>,
    /// Its tenants, by name.
    pub tenants: Vec<TenantSnapshot>,
    /// What the calls of all tenants, and of none, have taken.
    pub process: LedgerUsage,
    /// The calls that are under way, in the order in which they began.
    pub underway: Vec<UnderwayCall>,
    /// Whether it takes no calls any more.
    pub shutting_down: bool,
}

/// How one plugin is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PluginSnapshot {
    /// Its name.
    pub name: String,
    /// Its version of now.
    pub version: u64,
    /// The SHA-256 of that version's bytes.
    pub digest: Digest,
    /// What its calls came to.
    pub calls: CallCounts,
    /// Instances that wait for their next call.
    pub idle: usize,
}

/// How one tenant is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct TenantSnapshot {
    /// Its name.
    pub name: String,
    /// What its calls have taken.
    pub usage: LedgerUsage,
}

impl PluginHost {
    /// How the host is now. Also sets the gauges of the `metrics` facade: call it before they are read.
    pub fn snapshot(&self) -> Snapshot {
        todo!()
    }
}
