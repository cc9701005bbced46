//! `Program`: a guest that is compiled, checked and linked; and how a runtime makes one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use host_cache::{AheadError, AheadFile, CompileError, Kind, Loaded, ModuleCache, compile_ahead};
use host_component::World;
use host_component::doctor::Doctor;
use host_core::{InputKind, check_imports};
use host_limits::{Limits, Meter, Proposals, Rejected, StaticLimits};
use host_wasi::{Grants, WasiOptions};
use wasmtime::component::Component;
use wasmtime::{Engine, Module, Store, component};

use crate::error::LoadError;
use crate::loading::{Loading, Origin};
use crate::policy::Policy;
use crate::runtime::{INTERFACES, Runtime};
use crate::state::State;

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

impl Compiled {
    /// Whether it is a component; a core module otherwise.
    pub fn is_component(&self) -> bool {
        matches!(self.code, Code::Component(_))
    }
}

impl Runtime {
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
    /// [`LoadError`]: not WebAssembly, not valid, or more than the static limits allow.
    pub fn compile(&self, wasm: &[u8]) -> Result<Compiled, LoadError> {
        let kind = InputKind::of(wasm)?;
        admit(&self.engine, &self.static_limits, wasm)?;
        let (code, loading) = catch_panic(|| match kind {
            InputKind::Module => {
                let (module, loading) =
                    self.code(wasm, |cache, wasm| cache.module(wasm), Module::from_binary)?;
                Ok((Code::Module(module), loading))
            }
            InputKind::Component => {
                let (component, loading) =
                    self.code(wasm, |cache, wasm| cache.component(wasm), Component::from_binary)?;
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

    /// Says everything that keeps what this runtime has compiled from being linked; no code of it runs. With a `world`, a
    /// component must also be of that world: imports that the world has are looked for there, and all others in the linker.
    /// A core module has no world, and `world` is left aside for it.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: what is wrong, all of it.
    pub fn diagnose(&self, compiled: &Compiled, world: Option<World>) -> Result<(), LoadError> {
        match (&compiled.code, world) {
            (Code::Component(component), Some(world)) => self
                .doctor()
                .world(world)
                .check_world_and(component, &self.components)
                .map_err(LoadError::Imports),
            _ => self.link(compiled).map(drop),
        }
    }

    /// Makes a component of `wasm`, a core module of WASI 0.1, for [`prepare`](Runtime::prepare) and the others to take:
    /// [`component_from_module`](host_wasi::adapt::component_from_module) under this runtime's static limits.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: not WebAssembly, more than the static limits allow, or no module that can be a component.
    #[cfg(feature = "adapt")]
    pub fn adapt(&self, wasm: &[u8]) -> Result<Vec<u8>, LoadError> {
        InputKind::of(wasm)?;
        admit(&self.engine, &self.static_limits, wasm)?;
        Ok(host_wasi::adapt::component_from_module(wasm)?)
    }

    /// Compiles `wasm`, a core module or a component in binary form, to the contents of a file for
    /// [`prepare_ahead`](Runtime::prepare_ahead) of a runtime with the same settings. The cache has no part in it.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: not WebAssembly, or not valid.
    pub fn compile_ahead(&self, wasm: &[u8]) -> Result<Vec<u8>, LoadError> {
        precompile(&self.engine, &self.static_limits, wasm)
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
        let code = match file.kind() {
            Kind::Module => Code::Module(file.module(&self.engine)?),
            Kind::Component => Code::Component(file.component(&self.engine)?),
            other => return Err(LoadError::UnknownKind { kind: other.to_string() }),
        };
        let loading = Loading { origin: Origin::Ahead, elapsed: started.elapsed(), publish_failure: None };
        self.link(&Compiled { code, loading })
    }

    /// The code of `wasm`: by way of the cache if there is one, else by compiling it.
    fn code<T>(
        &self,
        wasm: &[u8],
        cached: fn(&ModuleCache, &[u8]) -> Result<Loaded<T>, CompileError>,
        compiled: fn(&Engine, &[u8]) -> wasmtime::Result<T>,
    ) -> Result<(T, Loading), LoadError> {
        if let Some(cache) = &self.cache {
            let loaded = cached(cache, wasm)?;
            return Ok((loaded.value, Loading::from_cache(&loaded.outcome)));
        }
        let started = Instant::now();
        let value = compiled(&self.engine, wasm).map_err(LoadError::invalid)?;
        Ok((value, Loading::compiled(started.elapsed())))
    }

    fn link_module(&self, module: &Module, loading: Loading) -> Result<Program, LoadError> {
        // Looking through what a linker offers takes a store; no code runs in it.
        let nothing = State::new(&WasiOptions::new(), Meter::new(Limits::untrusted()), &Grants::default())?;
        check_imports(Store::new(&self.engine, nothing), &self.modules, module)?;
        let instance = self.modules.instantiate_pre(module).map_err(LoadError::invalid)?;
        Ok(Program { guest: Guest::Module(instance), loading })
    }

    /// Knows what the linker of components has, for hints when an import is missing.
    fn doctor(&self) -> Doctor {
        let doctor = Doctor::new().offers(host_wasi::p2::INTERFACES.iter().copied()).offers(INTERFACES);
        #[cfg(feature = "http")]
        let doctor = doctor.offers(host_wasi::http::INTERFACES.iter().copied());
        #[cfg(feature = "p3")]
        if self.engine.get_concurrency_support() {
            return doctor.offers(host_wasi::p3::INTERFACES.iter().copied());
        }
        doctor
    }

    fn link_component(&self, component: &Component, loading: Loading) -> Result<Program, LoadError> {
        match self.components.instantiate_pre(component) {
            Ok(instance) => Ok(Program { guest: Guest::Component(instance), loading }),
            // Only now, because looking for all reasons takes many trials.
            Err(error) => match self.doctor().check(component, &self.components) {
                Err(report) => Err(LoadError::Imports(report)),
                Ok(()) => Err(LoadError::invalid(error)),
            },
        }
    }
}

/// Compiles `wasm` as [`Runtime::compile_ahead`] does, but for the platform `target`, a triple such as `aarch64-unknown-linux-gnu`, and
/// under the limits of `policy`. Neither a cache nor a runtime is needed.
///
/// Code for the platform of this machine uses no feature of its processor that not all of the kind have, so it runs on all of them.
/// The feature `all-arch` has the code generators for other processors than that of this machine.
///
/// # Errors
///
/// [`LoadError`]: no such target, not WebAssembly, not valid, or more than the static limits allow.
pub fn compile_ahead_for(target: &str, policy: &Policy, wasm: &[u8]) -> Result<Vec<u8>, LoadError> {
    let engine = policy.profile.engine_for_target(&policy.limits, target)?;
    precompile(&engine, &policy.static_limits, wasm)
}

fn precompile(engine: &Engine, limits: &StaticLimits, wasm: &[u8]) -> Result<Vec<u8>, LoadError> {
    InputKind::of(wasm)?;
    admit(engine, limits, wasm)?;
    catch_panic(|| {
        compile_ahead(engine, wasm).map_err(|error| match error {
            AheadError::Compile(error) => error.into(),
            other => other.into(),
        })
    })
}

/// Looks at code before the compiler does: at what it declares, and whether the engine supports what it uses.
fn admit(engine: &Engine, limits: &StaticLimits, wasm: &[u8]) -> Result<(), LoadError> {
    let supported = Proposals::of(engine);
    let limits = StaticLimits { proposals: limits.proposals.intersect(supported), ..limits.clone() };
    match limits.check(wasm) {
        Ok(_) => Ok(()),
        // The words for what Wasmtime would refuse, only sooner.
        Err(Rejected::Malformed { message, offset }) => {
            Err(LoadError::Invalid { reason: format!("{message} (at offset {offset:#x})") })
        }
        Err(Rejected::Proposal { proposal, offset }) if !supported.contains(proposal) => {
            Err(LoadError::Invalid { reason: format!("it uses `{proposal}` (at offset {offset:#x})") })
        }
        Err(rejected) => Err(rejected.into()),
    }
}

/// Does `work` on a guest that is not valid for certain: the validator panics at some, such as a component whose types are
/// nested 150 deep.
fn catch_panic<R>(work: impl FnOnce() -> Result<R, LoadError>) -> Result<R, LoadError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(LoadError::CompilerPanicked))
}

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
