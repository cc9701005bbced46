//! Modules and components by way of the cache: from disk if they are there, compiled and kept if they are not.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use crate::compile::{compile, kind_of};
use crate::engine::EngineIdentity;
use crate::flight::{Flights, Turn};
use crate::native::Native;
use crate::{Cache, CompileError, Digest, Key, MissReason, PutError, UnsupportedEngine};

/// Compiles for one engine, and keeps what it has compiled in a [`Cache`].
///
/// What is found under a key was compiled from the same bytes, by the same version of Wasmtime, by an engine with the
/// same settings. Engines that differ share a cache without meeting in it.
///
/// Calls for the same thing at one time, of clones of this or of other processes, compile it once: the others wait, for no longer
/// than [`Builder::lock_wait`](crate::Builder::lock_wait), and get the result or the error.
///
/// Compiling blocks for as long as it takes; from async code, call this where blocking is allowed.
#[derive(Clone, Debug)]
pub struct ModuleCache {
    cache: Cache,
    engine: Engine,
    identity: EngineIdentity,
    generation: String,
    /// Shared by all clones.
    flights: Arc<AllFlights>,
}

/// What is being compiled now.
#[derive(Debug, Default)]
pub(crate) struct AllFlights {
    pub(crate) modules: Flights<Made<Module>>,
    pub(crate) components: Flights<Made<Component>>,
}

/// What a call for code gives.
pub(crate) type Made<T> = Result<Loaded<T>, CompileError>;

impl ModuleCache {
    /// A cache of the code of `engine`.
    ///
    /// # Errors
    ///
    /// If the engine's [`ModuleVersionStrategy`](wasmtime::ModuleVersionStrategy) keeps the version of Wasmtime from being
    /// known: code with a mended miscompilation would come back unmended.
    pub fn new(cache: Cache, engine: &Engine) -> Result<Self, UnsupportedEngine> {
        let identity = EngineIdentity::of(engine)?;
        Ok(Self {
            cache,
            engine: engine.clone(),
            identity,
            generation: String::new(),
            flights: Arc::default(),
        })
    }

    /// Puts a word of yours into every key. Changing it leaves everything behind that was compiled before, for
    /// instance after you have learnt something about it. The default is the empty word.
    #[must_use]
    pub fn with_generation(mut self, generation: impl Into<String>) -> Self {
        self.generation = generation.into();
        self
    }

    /// The core module in `wasm`, which must be binary.
    ///
    /// # Errors
    ///
    /// Only if it cannot be compiled. Trouble with the cache stands in the [`Outcome`].
    pub fn module(&self, wasm: &[u8]) -> Result<Loaded<Module>, CompileError> {
        self.load(wasm)
    }

    /// The component in `wasm`, which must be binary.
    ///
    /// # Errors
    ///
    /// Only if it cannot be compiled. Trouble with the cache stands in the [`Outcome`].
    pub fn component(&self, wasm: &[u8]) -> Result<Loaded<Component>, CompileError> {
        self.load(wasm)
    }

    /// The cache behind it.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The engine that it compiles for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    fn load<T: Native>(&self, wasm: &[u8]) -> Made<T> {
        let (kind, found) = (T::KIND, kind_of(wasm)?);
        if found != kind {
            return Err(CompileError::WrongKind { expected: kind, found });
        }
        let key = self.identity.key(kind, &Digest::of(wasm), &self.generation);
        let miss = match self.from_disk::<T>(&key) {
            Ok(loaded) => return Ok(loaded),
            Err(reason) => reason,
        };
        self.cache.count_miss(&key, miss);

        let started = Instant::now();
        match T::flights(&self.flights).join(key, self.cache.inner().settings.lock_wait) {
            Turn::Lead(leader) => {
                let made = self.make(&key, wasm, miss);
                leader.land(made.clone());
                made
            }
            Turn::Joined(made) => {
                self.cache.counters().joined += 1;
                made.map(|loaded| loaded.after(miss, started.elapsed()))
            }
            Turn::Alone => Ok(self.compile::<T>(&key, wasm, miss)?.after(miss, started.elapsed())),
        }
    }

    /// Compiles it, unless another process has done so while this one waited for its turn.
    fn make<T: Native>(&self, key: &Key, wasm: &[u8], miss: MissReason) -> Made<T> {
        let started = Instant::now();
        let lock = self.cache.lock(key);
        let waited = started.elapsed();
        if lock.is_some()
            && let Ok(loaded) = self.from_disk::<T>(key)
        {
            return Ok(loaded.after(miss, waited));
        }
        // Held until the entry is there for the others to find.
        let made = self.compile::<T>(key, wasm, miss)?.after(miss, waited);
        drop(lock);
        Ok(made)
    }

    fn from_disk<T: Native>(&self, key: &Key) -> Result<Loaded<T>, MissReason> {
        let started = Instant::now();
        let artifact = self.cache.find_code(key, T::KIND)?;
        let value = T::load_artifact(&artifact, &self.engine).map_err(|_| MissReason::Refused)?;
        self.cache.count_hit(key, artifact.length());
        let outcome = Outcome {
            source: Source::Disk,
            miss: None,
            publish_failure: None,
            compile_time: artifact.compile_time(),
            load_time: started.elapsed(),
            waited: Duration::ZERO,
        };
        Ok(Loaded { value, outcome })
    }

    fn compile<T: Native>(&self, key: &Key, wasm: &[u8], miss: MissReason) -> Made<T> {
        let (code, compile_time) = compile(&self.engine, T::KIND, wasm)?;
        let trailer = code.trailer(key, &self.identity.version, compile_time);
        let publish_failure = self.cache.store(key, code.bytes(), &trailer).err().map(Arc::new);
        // The bytes at hand, and not the file: it may not be there, or may be of somebody who was faster.
        let started = Instant::now();
        let value = T::load(&code, &self.engine)
            .map_err(|source| CompileError::Load { kind: T::KIND, source: Arc::from(Box::from(source)) })?;
        let outcome = Outcome {
            source: Source::Compiled,
            miss: Some(miss),
            publish_failure,
            compile_time,
            load_time: started.elapsed(),
            waited: Duration::ZERO,
        };
        Ok(Loaded { value, outcome })
    }
}

impl<T> Loaded<T> {
    /// The same, for a call that missed at first, and waited for it.
    fn after(mut self, miss: MissReason, waited: Duration) -> Self {
        self.outcome.miss = Some(miss);
        self.outcome.waited = waited;
        self
    }
}

/// A module or a component, and how it came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded<T> {
    /// Wasmtime's own value, ready to be instantiated.
    pub value: T,
    /// Where it came from and what that took.
    pub outcome: Outcome,
}

impl<T> Deref for Loaded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// How a module or a component came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Where it came from.
    pub source: Source,
    /// Why it did not come from disk at once, if it did not.
    pub miss: Option<MissReason>,
    /// Why what was compiled could not be kept, if it could not. It is loaded all the same.
    pub publish_failure: Option<Arc<PutError>>,
    /// What compiling it took: now, or, if it came from disk, when it was compiled.
    pub compile_time: Duration,
    /// What reading, verifying and loading took; after compiling, loading alone.
    pub load_time: Duration,
    /// How long the call waited for another thread or process that compiled the same thing.
    pub waited: Duration,
}

/// Where code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// It was in the cache.
    Disk,
    /// It was compiled by this call.
    Compiled,
}

impl Source {
    /// `"disk"` or `"compiled"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Compiled => "compiled",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
