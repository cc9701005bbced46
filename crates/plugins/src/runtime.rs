//! `Runtime`: one engine with its ticker, cache and linkers, shared by everything that runs on it.

use std::io;
use std::path::PathBuf;

use host_cache::{Cache, ModuleCache, UnsupportedEngine};
use host_component::interfaces::{logging, storage};
use host_core::{AllocationStrategy, EngineError, EngineSettings};
use host_limits::{ArmError, Bytes, Limits, Meter, StartError, StaticLimits, Ticker, arm_async};
use host_wasi::{GrantError, Grants, WasiOptions};
use wasmtime::{Engine, Store, component};

use crate::config;
use crate::config::ConfigValues;
use crate::state::State;

/// What the linker of components offers besides WASI.
pub(crate) const INTERFACES: [&str; 4] = ["log", logging::NAME, storage::NAME, config::INTERFACE];

/// One engine with what belongs to it: the ticker, the cache of compiled code, and linkers that offer WASI and what plugins of
/// either version of `my-org:my-plugin` import.
///
/// [`PluginHost`](crate::PluginHost) runs on one. It is public for programs that run guests of their own choosing, such
/// as commands.
pub struct Runtime {
    pub(crate) engine: Engine,
    /// How many guests its pool has room for, if it has one.
    pub(crate) pool: Option<u32>,
    pub(crate) static_limits: StaticLimits,
    wasi: WasiOptions,
    ticker: Ticker,
    pub(crate) cache: Option<ModuleCache>,
    pub(crate) modules: wasmtime::Linker<State>,
    pub(crate) components: component::Linker<State>,
}

impl Runtime {
    /// A runtime whose engine has `settings`, those of a [`Profile`](host_core::Profile) for example, and can hold `limits` and any that are tighter, the stack
    /// excepted: that is the engine's. Compiled code is kept in `cache`, if there is one.
    ///
    /// # Errors
    ///
    /// [`SetupError`]: the settings contradict each other, or the machine refuses.
    pub fn new(
        settings: impl Into<EngineSettings>,
        limits: &Limits,
        cache: Option<Cache>,
    ) -> Result<Runtime, SetupError> {
        if limits.stack > MOST_STACK {
            return Err(SetupError::Stack { asked: limits.stack });
        }
        let settings = settings.into();
        let pool = match &settings.allocation {
            AllocationStrategy::Pool(pool) => Some(pool.guests),
            _ => None,
        };
        let engine = settings.engine(limits)?;
        let ticker = Ticker::start(&engine)?;
        let cache = cache.map(|cache| ModuleCache::new(cache, &engine)).transpose()?;
        let mut modules = wasmtime::Linker::new(&engine);
        host_wasi::p1::add_to_linker_async(&mut modules).map_err(SetupError::linker)?;
        let mut components = component::Linker::new(&engine);
        host_wasi::p2::add_to_linker_async(&mut components).map_err(SetupError::linker)?;
        #[cfg(feature = "p3")]
        if engine.get_concurrency_support() {
            host_wasi::p3::add_to_linker(&mut components).map_err(SetupError::linker)?;
        }
        #[cfg(feature = "http")]
        host_wasi::http::add_to_linker_async(&mut components).map_err(SetupError::linker)?;
        host_component::plugin::add_to_linker(&mut components).map_err(SetupError::linker)?;
        wasmtime_wasi_config::add_to_linker(&mut components, |state: &mut State| state.config().view())
            .map_err(SetupError::linker)?;
        let (static_limits, wasi) = (StaticLimits::default(), WasiOptions::new());
        Ok(Runtime { engine, pool, static_limits, wasi, ticker, cache, modules, components })
    }

    /// Bounds the code that this runtime compiles. It is looked at before the compiler is, also if it comes from the cache.
    /// Default: [`StaticLimits::default`].
    #[must_use]
    pub fn with_static_limits(self, static_limits: StaticLimits) -> Runtime {
        Runtime { static_limits, ..self }
    }

    /// Sets what is a matter of the host in WASI, and no grant: who is given a guest's lines, who finds the addresses of
    /// names, how requests are sent. What [`Limits`] say (random bytes, resources, output) goes over it. Default:
    /// [`WasiOptions::new`].
    #[must_use]
    pub fn with_wasi_options(self, wasi: WasiOptions) -> Runtime {
        Runtime { wasi, ..self }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The linker of core modules: WASI 0.1. Add host functions of your own before anything is prepared.
    pub fn module_linker(&mut self) -> &mut wasmtime::Linker<State> {
        &mut self.modules
    }

    /// The linker of components: WASI 0.2, WASI 0.3 if the feature `p3` is on and the engine supports concurrency,
    /// `wasi:config/store`, and `log`, `logging` and `storage` of `my-org:my-plugin`. Add interfaces of your own before anything
    /// is prepared.
    pub fn component_linker(&mut self) -> &mut component::Linker<State> {
        &mut self.components
    }

    /// A store for one run of a guest, with its grants opened and its limits armed.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: a grant that cannot be given, a directory that has the cache of compiled code in it or is in it, or limits
    /// that this engine cannot hold.
    pub fn store(&self, limits: &Limits, grants: &Grants) -> Result<Store<State>, StoreError> {
        self.store_of(Meter::new(limits.clone()), grants, &ConfigValues::new())
    }
}

impl Runtime {
    /// A store for one run, under the limits of `meter`, with `config` for the guest to look up.
    pub(crate) fn store_of(
        &self,
        meter: Meter,
        grants: &Grants,
        config: &ConfigValues,
    ) -> Result<Store<State>, StoreError> {
        #[cfg(feature = "p3")]
        let resources = meter.limits().resources;
        let mut state = State::new(&self.wasi, meter, grants)?;
        state.set_config(config);
        self.check_grants(grants)?;
        let mut store = Store::new(&self.engine, state);
        #[cfg(feature = "p3")]
        if let Some(table) = store.concurrent_resource_table() {
            // Tasks, streams and futures: what a guest has of them is memory of ours.
            table.set_max_capacity(resources as usize);
        }
        self.arm(&mut store)?;
        Ok(store)
    }

    /// Whether the engine can hold these limits: its stack is one for all, and it meters fuel for all or none.
    pub(crate) fn can_hold(&self, limits: &Limits) -> Result<(), ArmError> {
        arm_async(&mut Store::new(&self.engine, Meter::new(limits.clone())), &self.ticker)
    }

    /// Arms a store for its next call.
    pub(crate) fn arm(&self, store: &mut Store<State>) -> Result<(), ArmError> {
        arm_async(store, &self.ticker)
    }

    /// Looks whether a guest with these grants would reach the cache of compiled code: what it writes there would run as we do.
    pub(crate) fn check_grants(&self, grants: &Grants) -> Result<(), CacheGrantError> {
        let Some(cache) = self.cache.as_ref().map(ModuleCache::cache) else { return Ok(()) };
        for directory in &grants.directories {
            let directory = &directory.host;
            match cache.overlaps(directory) {
                Ok(false) => {}
                Ok(true) => {
                    let (directory, cache) = (directory.clone(), cache.root().to_owned());
                    return Err(CacheGrantError::Reached { directory, cache });
                }
                Err(source) => {
                    return Err(CacheGrantError::Unknown { directory: directory.clone(), source });
                }
            }
        }
        Ok(())
    }
}

/// The largest stack for guests. Every call gets one of its own, so it must be far less than the address space; no
/// program known needs more than a few MiB.
const MOST_STACK: Bytes = Bytes::gibi(1);

/// A runtime that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The limits give guests more stack than a call can be given.
    #[error("a stack of {asked} is more than any call can be given; set `stack` to {MOST_STACK} or less")]
    Stack {
        /// What the limits say.
        asked: Bytes,
    },
    /// The engine cannot be built: its settings contradict each other or the limits, or the machine refuses.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Two of the interfaces that are offered by default have one name.
    #[error("the interfaces that are offered to every guest do not fit together")]
    Linker(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There can be no ticker.
    #[error(transparent)]
    Ticker(#[from] StartError),
    /// The policy grants every guest a directory that must not be granted.
    #[error(transparent)]
    CacheGrant(#[from] CacheGrantError),
    /// The engine's code cannot be cached.
    #[error(transparent)]
    Cache(#[from] UnsupportedEngine),
}

impl SetupError {
    fn linker(error: wasmtime::Error) -> SetupError {
        SetupError::Linker(error.into())
    }
}

/// A directory that guests must not have, because of the cache of compiled code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheGrantError {
    /// A guest could change what is compiled for others, or read the key that protects it.
    #[error(
        "the directory `{}` that is granted reaches the cache of compiled code in `{}`, or its host key, where a guest could \
         have code of its own run outside of all limits; grant another, or keep cache and key elsewhere",
        directory.display(), cache.display()
    )]
    Reached {
        /// The directory.
        directory: PathBuf,
        /// The directory of the cache.
        cache: PathBuf,
    },
    /// Whether it does cannot be told.
    #[error("cannot tell whether the directory `{}` that is granted reaches the cache of compiled code", directory.display())]
    Unknown {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A store that cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A grant cannot be given, such as a directory that is not there.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// A directory that must not be granted.
    #[error(transparent)]
    CacheGrant(#[from] CacheGrantError),
    /// The engine cannot hold the limits.
    #[error(transparent)]
    Limits(#[from] ArmError),
}
