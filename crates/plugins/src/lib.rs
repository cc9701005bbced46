#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod places;
mod policy;

mod breaker;
mod digest;
mod instances;
mod manifest;

mod host;
mod run;
mod state;

pub mod blocking;
#[cfg(feature = "http")]
pub mod http;

mod command;
mod concurrency;
mod loading;
mod program;
mod runtime;

mod error;

pub use crate::breaker::{BreakerScope, BreakerSettings};
pub use crate::command::CommandError;
pub use crate::concurrency::needs_concurrency;
pub use crate::digest::{Digest, DigestError};
pub use crate::error::{CallError, LoadError, Stopped};
pub use crate::host::{Loaded, PluginHost, PluginInfo};
pub use crate::instances::InstancePolicy;
pub use crate::loading::{Loading, Origin};
pub use crate::manifest::{Asked, Beyond, HealthCheck, Manifest, ManifestError, Terms};
pub use crate::policy::{Place, Policy, PolicyError};
pub use crate::program::{Compiled, Program, compile_ahead_for};
pub use crate::run::Outcome;
pub use crate::runtime::{CacheGrantError, Runtime, SetupError, StoreError};
pub use crate::state::{Captured, State};

/// The layers below, so that a program that builds on this crate needs to name no other.
pub use {host_cache, host_component, host_core, host_limits, host_wasi, wasmtime};

/// The program on the front page of the repository.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FrontPage;
