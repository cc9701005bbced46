//! `Runtime`: one engine with its ticker, cache and linkers, shared by everything that runs on it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use host_cache::{AheadError, AheadFile, Cache, Kind, ModuleCache, UnsupportedEngine, compile_ahead};
use host_component::doctor::Doctor;
use host_core::{InputKind, Profile, check_imports};
use host_limits::{ArmError, Bytes, Limits, StartError, Ticker, arm_async};
use host_wasi::{GrantError, Grants};
use wasmtime::component::Component;
use wasmtime::{Engine, Module, Store, component};

use crate::error::LoadError;
use crate::loading::{Loading, Origin};
use crate::state::State;

/// One engine with what belongs to it: the ticker, the cache of compiled code, and linkers that offer WASI and `log`.
///
/// [`PluginHost`](crate::PluginHost) runs on one. It is public for programs that run guests of their own choosing, such
/// as commands.
pub struct Runtime {
    engine: Engine,
    ticker: Ticker,
    cache: Option<ModuleCache>,
    modules: wasmtime::Linker<State>,
    components: component::Linker<State>,
}

/// A guest that is compiled, but linked to nothing: its imports and exports can be looked at, and no code of it has run.
#[derive(Clone)]
pub struct Compiled {
    code: Code,
    loading: Loading,
}

#[derive(Clone)]
enum Code {
    Module(Module),
    Component(Component),
}

/// A guest that is compiled, checked and linked, ready to be instantiated any number of times.
#[derive(Clone)]
pub struct Program {
    pub(crate) guest: Guest,
    pub(crate) loading: Loading,
}

#[derive(Clone)]
pub(crate) enum Guest {
    Module(wasmtime::InstancePre<State>),
    Component(component::InstancePre<State>),
}

impl Runtime {
    /// A runtime whose engine has the settings of `profile`, and can hold `limits` and any that are tighter, the stack
    /// excepted: that is the engine's. Compiled code is kept in `cache`, if there is one.
    ///
    /// # Errors
    ///
    /// [`SetupError`]: the settings contradict each other, or the machine refuses.
    pub fn new(profile: Profile, limits: &Limits, cache: Option<Cache>) -> Result<Runtime, SetupError> {
        if limits.stack > MOST_STACK {
            return Err(SetupError::Stack { asked: limits.stack });
        }
        let mut config = profile.config();
        limits.configure(&mut config);
        let engine = Engine::new(&config).map_err(SetupError::engine)?;
        let ticker = Ticker::start(&engine)?;
        let cache = cache.map(|cache| ModuleCache::new(cache, &engine)).transpose()?;
        let mut modules = wasmtime::Linker::new(&engine);
        host_wasi::p1::add_to_linker_async(&mut modules).map_err(SetupError::engine)?;
        let mut components = component::Linker::new(&engine);
        host_wasi::p2::add_to_linker_async(&mut components).map_err(SetupError::engine)?;
        host_component::log::add_to_linker(&mut components).map_err(SetupError::engine)?;
        Ok(Runtime { engine, ticker, cache, modules, components })
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The linker of core modules: WASI 0.1. Add host functions of your own before anything is prepared.
    pub fn module_linker(&mut self) -> &mut wasmtime::Linker<State> {
        &mut self.modules
    }

    /// The linker of components: WASI 0.2 and `log`. Add interfaces of your own before anything is prepared.
    pub fn component_linker(&mut self) -> &mut component::Linker<State> {
        &mut self.components
    }

    /// Compiles `wasm`, a core module or a component in binary form, or takes it from the cache, and links it.
    ///
    /// Blocks for as long as that takes; from async code, call it where blocking is allowed.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: not WebAssembly, not valid, or imports that nobody satisfies, all of them named.
    pub fn prepare(&self, wasm: &[u8]) -> Result<Program, LoadError> {
        self.link(&self.compile(wasm)?)
    }

    /// The first half of [`prepare`](Runtime::prepare): compiles `wasm`, or takes it from the cache. What nobody links can
    /// still be looked at.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: not WebAssembly, or not valid.
    pub fn compile(&self, wasm: &[u8]) -> Result<Compiled, LoadError> {
        let kind = InputKind::of(wasm)?;
        let (code, loading) = catch_panic(|| match kind {
            InputKind::Module => {
                let (module, loading) = self.module(wasm)?;
                Ok((Code::Module(module), loading))
            }
            InputKind::Component => {
                let (component, loading) = self.component(wasm)?;
                Ok((Code::Component(component), loading))
            }
            other => Err(LoadError::UnknownKind { kind: other.to_string() }),
        })?;
        Ok(Compiled { code, loading })
    }

    /// The second half of [`prepare`](Runtime::prepare): links what this runtime has compiled. No code of it runs.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: imports that nobody satisfies, all of them named.
    pub fn link(&self, compiled: &Compiled) -> Result<Program, LoadError> {
        let loading = compiled.loading.clone();
        catch_panic(|| match &compiled.code {
            Code::Module(module) => self.link_module(module, loading),
            Code::Component(component) => self.link_component(component, loading),
        })
    }

    /// Compiles `wasm`, a core module or a component in binary form, to the contents of a file for
    /// [`prepare_ahead`](Runtime::prepare_ahead) of a runtime with the same settings. The cache has no part in it.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: not WebAssembly, or not valid.
    pub fn compile_ahead(&self, wasm: &[u8]) -> Result<Vec<u8>, LoadError> {
        InputKind::of(wasm)?;
        catch_panic(|| {
            compile_ahead(&self.engine, wasm).map_err(|error| match error {
                AheadError::Compile(error) => error.into(),
                other => other.into(),
            })
        })
    }

    /// Loads a file that was compiled ahead of time, and links it.
    ///
    /// The caller vouches for the file: it is native code, and damage is noticed, but malice is not.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: no such file, another engine, damaged, or imports that nobody satisfies.
    pub fn prepare_ahead(&self, path: &Path) -> Result<Program, LoadError> {
        let file = AheadFile::open_vouched(path)?;
        let started = Instant::now();
        let loading = |elapsed| Loading { origin: Origin::Ahead, elapsed, publish_failure: None };
        match file.kind() {
            Kind::Module => {
                let module = file.module(&self.engine)?;
                self.link_module(&module, loading(started.elapsed()))
            }
            Kind::Component => {
                let component = file.component(&self.engine)?;
                self.link_component(&component, loading(started.elapsed()))
            }
            other => Err(LoadError::UnknownKind { kind: format!("{other:?}") }),
        }
    }

    /// A store for one run of a guest, with its grants opened and its limits armed.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: a grant that cannot be given, or limits that this engine cannot hold.
    pub fn store(&self, limits: &Limits, grants: &Grants) -> Result<Store<State>, StoreError> {
        let mut store = Store::new(&self.engine, State::new(limits, grants)?);
        arm_async(&mut store, &self.ticker)?;
        Ok(store)
    }

    fn module(&self, wasm: &[u8]) -> Result<(Module, Loading), LoadError> {
        if let Some(cache) = &self.cache {
            let loaded = cache.module(wasm)?;
            return Ok((loaded.value, Loading::from_cache(&loaded.outcome)));
        }
        let started = Instant::now();
        let module = Module::from_binary(&self.engine, wasm).map_err(LoadError::invalid)?;
        Ok((module, Loading::compiled(started.elapsed())))
    }

    fn component(&self, wasm: &[u8]) -> Result<(Component, Loading), LoadError> {
        if let Some(cache) = &self.cache {
            let loaded = cache.component(wasm)?;
            return Ok((loaded.value, Loading::from_cache(&loaded.outcome)));
        }
        let started = Instant::now();
        let component = Component::from_binary(&self.engine, wasm).map_err(LoadError::invalid)?;
        Ok((component, Loading::compiled(started.elapsed())))
    }

    fn link_module(&self, module: &Module, loading: Loading) -> Result<Program, LoadError> {
        // Looking through what a linker offers takes a store; no code runs in it.
        let nothing = State::new(&Limits::untrusted(), &Grants::default())?;
        check_imports(Store::new(&self.engine, nothing), &self.modules, module)?;
        let instance = self.modules.instantiate_pre(module).map_err(LoadError::invalid)?;
        Ok(Program { guest: Guest::Module(instance), loading })
    }

    fn link_component(&self, component: &Component, loading: Loading) -> Result<Program, LoadError> {
        match self.components.instantiate_pre(component) {
            Ok(instance) => Ok(Program { guest: Guest::Component(instance), loading }),
            // Only now, because looking for all reasons takes many trials.
            Err(error) => match Doctor::new().offers(OFFERS).check(component, &self.components) {
                Err(report) => Err(LoadError::Imports(report)),
                Ok(()) => Err(LoadError::invalid(error)),
            },
        }
    }
}

/// The largest stack for guests. Every call gets one of its own, so it must be far less than the address space; no
/// program known needs more than a few MiB.
const MOST_STACK: Bytes = Bytes::gibi(1);

/// Does `work` on a guest that is not valid for certain: the validator panics at some, such as a component whose types are
/// nested 150 deep.
fn catch_panic<R>(work: impl FnOnce() -> Result<R, LoadError>) -> Result<R, LoadError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(LoadError::CompilerPanicked))
}

/// What the linker of components has, for hints when an import is missing.
const OFFERS: [&str; 26] = [
    "log",
    "wasi:cli/environment@0.2.12",
    "wasi:cli/exit@0.2.12",
    "wasi:cli/stderr@0.2.12",
    "wasi:cli/stdin@0.2.12",
    "wasi:cli/stdout@0.2.12",
    "wasi:cli/terminal-input@0.2.12",
    "wasi:cli/terminal-output@0.2.12",
    "wasi:cli/terminal-stderr@0.2.12",
    "wasi:cli/terminal-stdin@0.2.12",
    "wasi:cli/terminal-stdout@0.2.12",
    "wasi:clocks/monotonic-clock@0.2.12",
    "wasi:clocks/wall-clock@0.2.12",
    "wasi:filesystem/preopens@0.2.12",
    "wasi:filesystem/types@0.2.12",
    "wasi:io/error@0.2.12",
    "wasi:io/poll@0.2.12",
    "wasi:io/streams@0.2.12",
    "wasi:random/insecure@0.2.12",
    "wasi:random/insecure-seed@0.2.12",
    "wasi:random/random@0.2.12",
    "wasi:sockets/instance-network@0.2.12",
    "wasi:sockets/ip-name-lookup@0.2.12",
    "wasi:sockets/network@0.2.12",
    "wasi:sockets/tcp@0.2.12",
    "wasi:sockets/udp@0.2.12",
];

impl Compiled {
    /// How the code was had.
    pub fn loading(&self) -> &Loading {
        &self.loading
    }

    /// The component, or `None` for a core module.
    pub fn component(&self) -> Option<&Component> {
        match &self.code {
            Code::Module(_) => None,
            Code::Component(component) => Some(component),
        }
    }

    /// The core module, or `None` for a component.
    pub fn module(&self) -> Option<&Module> {
        match &self.code {
            Code::Module(module) => Some(module),
            Code::Component(_) => None,
        }
    }
}

impl Program {
    /// How the program's code was had.
    pub fn loading(&self) -> &Loading {
        &self.loading
    }

    /// The component, or `None` for a core module.
    pub fn component(&self) -> Option<&Component> {
        match &self.guest {
            Guest::Module(_) => None,
            Guest::Component(instance) => Some(instance.component()),
        }
    }

    /// The core module, or `None` for a component.
    pub fn module(&self) -> Option<&Module> {
        match &self.guest {
            Guest::Module(instance) => Some(instance.module()),
            Guest::Component(_) => None,
        }
    }
}

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
    /// Wasmtime refuses the settings.
    #[error("wasmtime refuses the engine's settings")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There can be no ticker.
    #[error(transparent)]
    Ticker(#[from] StartError),
    /// The engine's code cannot be cached.
    #[error(transparent)]
    Cache(#[from] UnsupportedEngine),
}

impl SetupError {
    fn engine(error: wasmtime::Error) -> SetupError {
        SetupError::Engine(error.into())
    }
}

/// A store that cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A grant cannot be given, such as a directory that is not there.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// The engine cannot hold the limits.
    #[error(transparent)]
    Limits(#[from] ArmError),
}
