//! Modules and components by way of the cache: from disk if they are there, compiled and kept if they are not.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use crate::compile::{compile, kind_of};
use crate::engine::EngineIdentity;
use crate::flight::Turn;
use crate::known::Known;
use crate::native::{Native, io_error};
use crate::{
    Cache, CompileError, Digest, Input, Key, Kind, Loaded, MissReason, Outcome, Source, UnsupportedEngine,
    memo,
};

/// Compiles for one engine, and keeps what it has compiled in a [`Cache`].
///
/// What is found under a key was compiled from the same bytes, by the same version of Wasmtime, by an engine with the
/// same settings. Engines that differ share a cache without meeting in it.
///
/// Calls for the same thing at one time, of clones of this or of other processes, compile it once: the others wait, for no longer
/// than [`CacheBuilder::lock_wait`](crate::CacheBuilder::lock_wait), and get the result or the error.
///
/// Compiling blocks for as long as it takes; from async code, call this where blocking is allowed, or
/// the calls that end in `_async`.
#[derive(Clone, Debug)]
pub struct ModuleCache {
    cache: Cache,
    engine: Engine,
    identity: EngineIdentity,
    generation: String,
    /// Shared by all clones.
    modules: Arc<Known<Module>>,
    components: Arc<Known<Component>>,
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
            modules: Known::new(None),
            components: Known::new(None),
        })
    }

    /// Puts a word of yours into every key. Changing it leaves everything behind that was compiled before, for
    /// instance after you have learnt something about it. The default is the empty word.
    #[must_use]
    pub fn with_generation(mut self, generation: impl Into<String>) -> Self {
        self.generation = generation.into();
        // What is in memory is of the generation before.
        let most = self.modules.most();
        Self { modules: Known::new(most), components: Known::new(most), ..self }
    }

    /// Keeps what was loaded in memory, so that the next call need not load it: modules and components, of `most` bytes of
    /// compiled code each, the ones used longest ago going first. What is in use somewhere stays there, whatever goes here.
    /// The default is to keep nothing.
    #[must_use]
    pub fn with_memory(self, most: u64) -> Self {
        Self { modules: Known::new(Some(most)), components: Known::new(Some(most)), ..self }
    }

    /// The core module in `wasm`, which must be binary.
    ///
    /// # Errors
    ///
    /// Only if it cannot be compiled. Trouble with the cache stands in the [`Outcome`].
    pub fn module<'a>(&self, input: impl Into<Input<'a>>) -> Result<Loaded<Module>, CompileError> {
        self.load(input.into())
    }

    /// The component in `wasm`, which must be binary.
    ///
    /// # Errors
    ///
    /// Only if it cannot be compiled. Trouble with the cache stands in the [`Outcome`].
    pub fn component<'a>(&self, input: impl Into<Input<'a>>) -> Result<Loaded<Component>, CompileError> {
        self.load(input.into())
    }

    /// The core module in the file at `path`. While the file does not change, neither is it read again nor hashed, where the file
    /// system and the kernel tell reliably that it did not: on local ones, and once it is two seconds old.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or compiled.
    pub fn module_file(&self, path: impl AsRef<Path>) -> Result<Loaded<Module>, CompileError> {
        self.load_file(path.as_ref())
    }

    /// The component in the file at `path`; see [`module_file`](Self::module_file).
    ///
    /// # Errors
    ///
    /// If the file cannot be read or compiled.
    pub fn component_file(&self, path: impl AsRef<Path>) -> Result<Loaded<Component>, CompileError> {
        self.load_file(path.as_ref())
    }

    /// Compiles modules and components before they are asked for, one after the other, and says of each as it is done how it went:
    /// its number, and its outcome or error.
    pub fn prewarm<'a>(
        &self,
        inputs: impl IntoIterator<Item = &'a [u8]>,
        mut progress: impl FnMut(usize, Result<Outcome, CompileError>),
    ) {
        for (number, wasm) in inputs.into_iter().enumerate() {
            let outcome = kind_of(wasm).and_then(|kind| match kind {
                Kind::Component => self.component(wasm).map(|loaded| loaded.outcome),
                _ => self.module(wasm).map(|loaded| loaded.outcome),
            });
            progress(number, outcome);
        }
    }

    /// The cache behind it.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The engine that it compiles for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn key(&self, kind: Kind, input: &Digest) -> Key {
        self.identity.key(kind, input, &self.generation)
    }

    pub(crate) fn share_modules(&self) -> Arc<Known<Module>> {
        Arc::clone(&self.modules)
    }

    pub(crate) fn share_components(&self) -> Arc<Known<Component>> {
        Arc::clone(&self.components)
    }

    pub(crate) fn known_modules(&self) -> &Known<Module> {
        &self.modules
    }

    pub(crate) fn known_components(&self) -> &Known<Component> {
        &self.components
    }

    fn load_file<T: Native>(&self, path: &Path) -> Made<T> {
        let read = |source| CompileError::Read { path: path.to_owned(), source: Arc::new(source) };
        let (file, before) = memo::open(path).map_err(read)?;
        if let Some(digest) = self.cache.known_digest(&before)
            && let Some(loaded) = self.load_known(&digest)
        {
            return Ok(loaded);
        }
        let (wasm, after) = memo::read(file).map_err(read)?;
        let digest = Digest::of(&wasm);
        self.cache.counters().input_bytes_hashed += wasm.len() as u64;
        let loaded = self.load(Input::hashed(&wasm, digest))?;
        self.cache.note_digest(path, &before, &after, &digest);
        Ok(loaded)
    }

    /// What is in memory or on disk for an input, without a look at the input.
    fn load_known<T: Native>(&self, digest: &Digest) -> Option<Loaded<T>> {
        let key = self.key(T::KIND, digest);
        self.load_from_memory(digest).or_else(|| self.load_from_disk(&key, digest).ok())
    }

    fn load_from_memory<T: Native>(&self, digest: &Digest) -> Option<Loaded<T>> {
        let started = Instant::now();
        let (value, compile_time) = T::known(self).memory()?.get(digest)?;
        self.cache.counters().memory_hits += 1;
        let outcome = Outcome { source: Source::Memory, ..Outcome::loaded(compile_time, started) };
        Some(Loaded { value, outcome })
    }

    fn load<T: Native>(&self, input: Input<'_>) -> Made<T> {
        let (kind, found) = (T::KIND, kind_of(input.wasm())?);
        if found != kind {
            return Err(CompileError::WrongKind { expected: kind, found });
        }
        let digest = input.digest();
        if let Some(loaded) = self.load_from_memory(&digest) {
            return Ok(loaded);
        }
        let key = self.key(kind, &digest);
        let miss = match self.load_from_disk::<T>(&key, &digest) {
            Ok(loaded) => return Ok(loaded),
            Err(reason) => reason,
        };
        self.cache.count_miss(&key, miss);
        // Before others may wait for it: what is wrong with this input is not wrong with theirs.
        input.check()?;

        let started = Instant::now();
        match T::known(self).flights.join(key, self.cache.inner().settings.lock_wait) {
            Turn::Lead(leader) => {
                let made = self.make(&key, input, miss);
                leader.land(made.clone());
                made
            }
            Turn::Joined(made) => {
                self.cache.counters().joined += 1;
                made.map(|loaded| loaded.after(miss, started.elapsed()))
            }
            Turn::Alone => {
                let waited = started.elapsed();
                Ok(self.compile::<T>(&key, input, miss)?.after(miss, waited))
            }
        }
    }

    /// Compiles it, unless another process has done so while this one waited for its turn.
    fn make<T: Native>(&self, key: &Key, input: Input<'_>, miss: MissReason) -> Made<T> {
        let started = Instant::now();
        let lock = self.cache.lock(key);
        let waited = started.elapsed();
        // Also without a lock: another thread may have led meanwhile.
        if let Ok(loaded) = self.load_from_disk::<T>(key, &input.digest()) {
            return Ok(loaded.after(miss, waited));
        }
        // Held until the entry is there for the others to find.
        let made = self.compile::<T>(key, input, miss)?.after(miss, waited);
        drop(lock);
        Ok(made)
    }

    fn load_from_disk<T: Native>(&self, key: &Key, input: &Digest) -> Result<Loaded<T>, MissReason> {
        let started = Instant::now();
        let (value, compile_time, length) = self.load_verified::<T>(key)?;
        self.cache.count_hit(key, length);
        if let Some(mut memory) = T::known(self).memory() {
            memory.insert(*input, value.clone(), compile_time, length);
        }
        Ok(Loaded { value, outcome: Outcome::loaded(compile_time, started) })
    }

    /// What is in the entry of `key`, what compiling it took, and its length.
    fn load_verified<T: Native>(&self, key: &Key) -> Result<(T, Duration, u64), MissReason> {
        let artifact = self.cache.find_code(key, T::KIND)?;
        let (compile_time, length) = (artifact.compile_time(), artifact.length());
        let value = T::load_artifact(artifact, &self.engine).map_err(|error| match io_error(&error) {
            // A lack of memory or of open files, say, for which the entry is not to blame.
            Some(kind) => MissReason::Io(kind),
            None => MissReason::Refused,
        })?;
        Ok((value, compile_time, length))
    }

    fn compile<T: Native>(&self, key: &Key, input: Input<'_>, miss: MissReason) -> Made<T> {
        let (code, compile_time) = compile(&self.engine, T::KIND, input.wasm())?;
        let trailer = code.trailer(key, &self.identity.version, compile_time);
        let put = self.cache.store(key, code.bytes(), &trailer);
        let started = Instant::now();
        // From what was published, so that this call runs what the next one will; or else from the bytes at hand.
        let value = match put.as_ref().ok().and_then(|_| self.load_published::<T>(key)) {
            Some(value) => value,
            None => T::load(&code, &self.engine).map_err(|source| CompileError::Load {
                kind: T::KIND,
                source: Arc::from(Box::from(source)),
            })?,
        };
        let publish_failure = put.err().map(Arc::new);
        if let Some(mut memory) = T::known(self).memory() {
            memory.insert(input.digest(), value.clone(), compile_time, code.bytes().len() as u64);
        }
        let outcome = Outcome {
            source: Source::Compiled,
            miss: Some(miss),
            publish_failure,
            ..Outcome::loaded(compile_time, started)
        };
        Ok(Loaded { value, outcome })
    }

    /// What has just been published. If it cannot be loaded, that is a miss like any other.
    fn load_published<T: Native>(&self, key: &Key) -> Option<T> {
        let loaded = self.load_verified::<T>(key);
        if let Err(reason) = loaded {
            self.cache.count_miss(key, reason);
        }
        loaded.ok().map(|(value, ..)| value)
    }
}
