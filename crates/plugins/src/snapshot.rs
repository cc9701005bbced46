//! `Snapshot`: how a host is, in one look.

use std::sync::Arc;
use std::time::Instant;

use host_cache::Digest;
use host_core::PoolUsage;
use host_limits::LedgerUsage;
use metrics::gauge;
use serde::Serialize;

use crate::active::UnderwayCall;
use crate::breaker::BreakerState;
use crate::counts::CallCounts;
use crate::error::LoadError;
use crate::host::PluginHost;
use crate::plugin::Plugin;
use crate::queue::QueueUse;

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
    /// How busy the queue is, all tenants together.
    pub queue: QueueUse,
    /// What is in use of the engine's pool, if it has one.
    pub pool: Option<PoolSnapshot>,
    /// What the cache of compiled code has done in this process, if there is one.
    pub cache: Option<CacheSnapshot>,
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
    /// Where that version's code came from: `compiled`, `cached` or `ahead of time`.
    pub origin: String,
    /// What its calls came to, all versions together.
    pub calls: CallCounts,
    /// Instances that wait for their next call.
    pub idle: usize,
    /// The state of its breaker that is furthest from closed.
    pub breaker: BreakerState,
    /// The breakers that are not closed.
    pub breakers: Vec<BreakerSnapshot>,
}

/// A breaker that is not closed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BreakerSnapshot {
    /// For whom, if it is one tenant's.
    #[serde(with = "crate::shared_text::optional")]
    pub tenant: Option<Arc<str>>,
    /// Its state.
    pub state: BreakerState,
    /// After how many seconds calls are let in again; `None` if some are already.
    pub retry_after: Option<f64>,
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
    /// How busy its line is.
    pub queue: QueueUse,
}

/// What is in use of a pool.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PoolSnapshot {
    /// Component instances that live.
    pub component_instances: u64,
    /// Core instances that live.
    pub core_instances: u64,
    /// Memories in use.
    pub memories: u64,
    /// Tables in use.
    pub tables: u64,
    /// Stacks of async calls in use.
    pub stacks: u64,
}

/// What a cache has done.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct CacheSnapshot {
    /// Found in memory.
    pub memory_hits: u64,
    /// Found on the disk, and verified.
    pub disk_hits: u64,
    /// Not found, or not usable, and compiled.
    pub misses: u64,
}

impl PluginHost {
    /// How the host is now. Also sets the gauges of the `metrics` facade: call it before they are read.
    pub fn snapshot(&self) -> Snapshot {
        let (inner, now) = (&self.inner, Instant::now());
        let plugins: Vec<_> = inner.read().values().cloned().collect();
        let tenants = inner.tenants.all();
        let snapshot = Snapshot {
            plugins: plugins.iter().map(|plugin| plugin.snapshot(now)).collect(),
            tenants: tenants
                .iter()
                .map(|tenant| TenantSnapshot {
                    name: tenant.name.as_deref().unwrap_or_default().to_owned(),
                    usage: tenant.ledger.usage(),
                    queue: tenant.lane.usage(),
                })
                .collect(),
            process: inner.tenants.process().usage(),
            queue: inner.queue.usage(),
            pool: PoolUsage::of(inner.runtime.engine()).map(|pool| PoolSnapshot {
                component_instances: pool.component_instances,
                core_instances: pool.core_instances,
                memories: pool.memories,
                tables: pool.tables,
                stacks: pool.stacks,
            }),
            cache: inner.runtime.cache.as_ref().map(|cache| {
                let stats = cache.cache().stats();
                CacheSnapshot {
                    memory_hits: stats.memory_hits,
                    disk_hits: stats.hits,
                    misses: stats.misses.total(),
                }
            }),
            underway: inner.active.list(now),
            shutting_down: inner.is_closing(),
        };
        snapshot.set_gauges();
        snapshot
    }

    /// The breakers of a plugin that are not closed.
    ///
    /// # Errors
    ///
    /// [`LoadError::NotLoaded`].
    pub fn breakers(&self, plugin: &str) -> Result<Vec<BreakerSnapshot>, LoadError> {
        Ok(self.inner.loaded(plugin)?.breakers(Instant::now()))
    }
}

impl Plugin {
    fn snapshot(&self, now: Instant) -> PluginSnapshot {
        let version = self.now();
        version.idle.trim(now);
        let breakers = self.breakers(now);
        PluginSnapshot {
            name: self.name.to_string(),
            version: version.number,
            digest: version.digest,
            origin: version.program.loading.origin.to_string(),
            calls: self.counts.get(),
            idle: version.idle.len(),
            breaker: breakers.iter().map(|breaker| breaker.state).max().unwrap_or_default(),
            breakers,
        }
    }

    fn breakers(&self, now: Instant) -> Vec<BreakerSnapshot> {
        let not_closed = self.now().breakers.not_closed(now).into_iter();
        not_closed
            .map(|(tenant, state, retry_after)| BreakerSnapshot {
                tenant,
                state,
                retry_after: retry_after.map(|time| time.as_secs_f64()),
            })
            .collect()
    }
}

impl Snapshot {
    fn set_gauges(&self) {
        gauge!("host_plugins_running_calls").set(self.queue.running);
        gauge!("host_plugins_waiting_calls").set(self.queue.waiting as f64);
        gauge!("host_plugins_loaded").set(self.plugins.len() as f64);
        gauge!("host_plugins_memory_bytes").set(self.process.memory.get() as f64);
        if let Some(pool) = &self.pool {
            let of = |what: &'static str| gauge!("host_plugins_pool_in_use", "what" => what);
            of("component-instances").set(pool.component_instances as f64);
            of("core-instances").set(pool.core_instances as f64);
            of("memories").set(pool.memories as f64);
            of("tables").set(pool.tables as f64);
            of("stacks").set(pool.stacks as f64);
        }
        if let Some(cache) = &self.cache {
            let of = |source: &'static str| gauge!("host_plugins_cache_lookups", "source" => source);
            of("memory").set(cache.memory_hits as f64);
            of("disk").set(cache.disk_hits as f64);
            of("miss").set(cache.misses as f64);
        }
        for plugin in &self.plugins {
            gauge!("host_plugins_idle_instances", "plugin" => plugin.name.clone()).set(plugin.idle as f64);
            // 0 is closed, 1 half-open, 2 open.
            let state = f64::from(plugin.breaker as u8);
            gauge!("host_plugins_breaker_state", "plugin" => plugin.name.clone()).set(state);
        }
    }
}
