#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod places;
mod policy;

mod manifest;

mod host;
mod load;
mod plugin;
mod reload;
mod version;
mod watched;

mod bindings;
mod call;
mod caller;
mod instances;
mod reply;

mod breaker;
mod queue;
mod tenants;

mod active;
mod bundle;
mod counts;
mod events;
mod shutdown;
mod snapshot;

mod run;
mod shared_text;
mod state;

pub mod blocking;
#[cfg(feature = "http")]
pub mod http;

mod command;
mod concurrency;
mod config;
mod files;
mod loading;
mod number_hash;
mod program;
mod runtime;
mod watch;

mod error;

pub use crate::active::UnderwayCall;
pub use crate::bindings::Bindings;
pub use crate::breaker::{BreakerScope, BreakerSettings, BreakerState};
pub use crate::bundle::{
    Arguments, ArgumentsKept, BundleError, BundleRecord, CallRecord, CapturedRecord, CoreDumpRecord,
    CrashBundle, CrashBundles, FaultRecord, MadeBy, PluginRecord, Report,
};
pub use crate::caller::Caller;
pub use crate::command::CommandError;
pub use crate::concurrency::needs_concurrency;
pub use crate::config::ConfigValues;
pub use crate::counts::CallCounts;
pub use crate::error::{CallError, LoadError, Stopped};
pub use crate::events::{Event, Events, Heard};
pub use crate::host::PluginHost;
pub use crate::instances::InstancePolicy;
pub use crate::load::{Loaded, Progress};
pub use crate::loading::{Loading, Origin};
pub use crate::manifest::{Asked, Beyond, HealthCheck, Manifest, ManifestError, Terms};
pub use crate::plugin::PluginInfo;
pub use crate::policy::{Place, Policy, PolicyError};
pub use crate::program::{Compiled, Program, compile_ahead_for};
pub use crate::queue::{Busy, BusyReason, QueueSettings, QueueUse};
pub use crate::reply::{CallId, CallInfo, Reply};
pub use crate::run::Outcome;
pub use crate::runtime::{CacheGrantError, Runtime, SetupError, StoreError};
pub use crate::shutdown::Shutdown;
pub use crate::snapshot::{
    BreakerSnapshot, CacheSnapshot, PluginSnapshot, PoolSnapshot, Snapshot, TenantSnapshot,
};
pub use crate::state::{Captured, State};
pub use crate::tenants::{MAX_TENANTS, TenantError, TenantSettings};
pub use crate::version::PluginSource;
pub use crate::watch::{WatchError, WatchSettings};
pub use crate::watched::FollowError;

/// The layers below, so that a program that builds on this crate needs to name no other.
pub use {host_cache, host_component, host_core, host_limits, host_wasi, wasmtime};

/// The program on the front page of the repository.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FrontPage;
