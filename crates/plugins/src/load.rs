//! How is a plugin loaded: from bytes, a file, a manifest, or with all others of a directory?

use std::collections::btree_map::Entry;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use host_cache::Digest;

use crate::counts;
use crate::error::{LoadError, chain};
use crate::events::Event;
use crate::files::{self, ListError, Listing, Skipped, read_whole};
use crate::host::{Inner, PluginHost};
use crate::manifest::{Manifest, Terms};
use crate::plugin::{Plugin, PluginInfo};
use crate::version::{PluginSource, Version};

/// What became of the files of a directory.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// The plugins that were loaded, by name.
    pub plugins: Vec<PluginInfo>,
    /// The files that were not, and why. The others are loaded all the same.
    pub failed: Vec<(PathBuf, LoadError)>,
}

/// How far the loading of many has come.
#[derive(Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// How many are done, this one included.
    pub done: usize,
    /// How many there are.
    pub of: usize,
    /// The file that is done.
    pub path: &'a Path,
    /// Whether it was loaded.
    pub result: Result<&'a PluginInfo, &'a LoadError>,
}

/// What a version is made of.
pub(crate) struct Material {
    name: String,
    wasm: Vec<u8>,
    digest: Digest,
    origin: PluginSource,
    manifest: Option<Manifest>,
}

impl PluginHost {
    /// Loads every plugin of a directory: each manifest `*.toml`; or, where there is no manifest, each file `*.wasm` as a plugin of
    /// the file's name. So what stands beside manifests is never loaded with more than one of them says. One that cannot be loaded
    /// is reported, and keeps no other from being loaded. Files whose names begin with a dot are left aside.
    ///
    /// Blocks while it compiles, on as many threads as there are processors.
    ///
    /// # Errors
    ///
    /// [`LoadError::Read`] if the directory itself cannot be read.
    pub fn load_directory(&self, directory: impl AsRef<Path>) -> Result<Loaded, LoadError> {
        self.load_directory_with(directory, |_| {})
    }

    /// As [`load_directory`](PluginHost::load_directory), and tells `on_progress` of each file that is done, one at a time but from
    /// several threads and in no order.
    ///
    /// # Errors
    ///
    /// As [`load_directory`](PluginHost::load_directory).
    pub fn load_directory_with(
        &self,
        directory: impl AsRef<Path>,
        on_progress: impl FnMut(Progress<'_>) + Send,
    ) -> Result<Loaded, LoadError> {
        Ok(self.inner.load_listed(&list(directory.as_ref())?, on_progress))
    }

    /// Loads one file as a plugin of the file's name without `.wasm`, under the policy as it is.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: the file cannot be read, is no WebAssembly, has imports that nobody satisfies, or its name is taken.
    pub fn load_file(&self, path: impl AsRef<Path>) -> Result<PluginInfo, LoadError> {
        self.inner.load(&PluginSource::File(path.as_ref().into()))
    }

    /// Loads the plugin that a [`Manifest`] names, under the manifest's terms.
    ///
    /// # Errors
    ///
    /// [`LoadError`], as for [`load_file`](PluginHost::load_file); and where the manifest cannot be read, asks for more than the
    /// policy allows, or is about other bytes.
    pub fn load_manifest(&self, path: impl AsRef<Path>) -> Result<PluginInfo, LoadError> {
        self.inner.load(&PluginSource::Manifest(path.as_ref().into()))
    }

    /// Loads a component or a core module from its bytes, as a plugin named `name`, under the policy as it is.
    ///
    /// # Errors
    ///
    /// As [`load_file`](PluginHost::load_file).
    pub fn load_bytes(&self, name: &str, wasm: &[u8]) -> Result<PluginInfo, LoadError> {
        self.inner.insert(Material::of_bytes(name, wasm))
    }
}

impl Material {
    fn new(name: String, wasm: Vec<u8>, origin: PluginSource, manifest: Option<Manifest>) -> Material {
        Material { name, digest: Digest::of(&wasm), wasm, origin, manifest }
    }

    pub(crate) fn of_bytes(name: &str, wasm: &[u8]) -> Material {
        Material::new(name.to_owned(), wasm.to_vec(), PluginSource::Bytes, None)
    }

    /// Reads what a source has now.
    pub(crate) fn read(source: &PluginSource) -> Result<Material, LoadError> {
        match source {
            PluginSource::File(path) => {
                let name = name_of(path)?;
                let wasm =
                    read_whole(path).map_err(|source| LoadError::Read { path: path.clone(), source })?;
                Ok(Material::new(name, wasm, source.clone(), None))
            }
            PluginSource::Manifest(path) => {
                let manifest = Manifest::read(path)?;
                let wasm = manifest.read_source()?;
                Ok(Material::new(manifest.name.clone(), wasm, source.clone(), Some(manifest)))
            }
            PluginSource::Bytes => unreachable!("bytes are not read again"),
        }
    }

    /// Reads again what a version of the plugin `name` came from.
    pub(crate) fn again(name: &str, version: &Version) -> Result<Material, LoadError> {
        match &version.origin {
            PluginSource::Bytes => Err(LoadError::NoSource { name: name.to_owned() }),
            source => Material::read(source),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a version was made of the same.
    pub(crate) fn is_of(&self, version: &Version) -> bool {
        let same_manifest = match (&self.manifest, &version.manifest) {
            (Some(one), Some(other)) => one.says_the_same(other),
            (None, None) => true,
            _ => false,
        };
        same_manifest && self.digest == version.digest
    }
}

impl Inner {
    pub(crate) fn load(&self, source: &PluginSource) -> Result<PluginInfo, LoadError> {
        let result = Material::read(source).and_then(|material| self.insert(material));
        if let Err(error) = &result {
            self.teller
                .tell(|| Event::NotLoaded { path: source.path().map(Path::to_owned), reason: chain(error) });
        }
        result
    }

    /// Makes the first version of a plugin.
    fn insert(&self, material: Material) -> Result<PluginInfo, LoadError> {
        let name = material.name.clone();
        let taken = || LoadError::Loaded { name: name.clone() };
        // Looked at twice, so that nothing is compiled in vain.
        if self.read().contains_key(&name) {
            return Err(taken());
        }
        let version = Arc::new(self.build(1, material)?);
        self.check_health(&name, &version)?;
        let plugin = Arc::new(Plugin::new(&name, version));
        let info = plugin.info();
        let mut plugins = self.write();
        // Looked at under the lock: whoever shuts the host down empties the map afterwards.
        if self.is_closing() {
            return Err(LoadError::ShuttingDown);
        }
        match plugins.entry(name.clone()) {
            Entry::Occupied(_) => return Err(taken()),
            Entry::Vacant(place) => place.insert(Arc::clone(&plugin)),
        };
        drop(plugins);
        counts::loaded(info.loading.origin);
        self.teller.tell(|| Event::Loaded {
            plugin: Arc::clone(&plugin.name),
            version: info.version,
            origin: info.loading.origin.to_string(),
        });
        Ok(info)
    }

    /// Compiles, checks and links. Nothing of the plugin runs.
    pub(crate) fn build(&self, number: u64, material: Material) -> Result<Version, LoadError> {
        if self.is_closing() {
            return Err(LoadError::ShuttingDown);
        }
        let Material { wasm, digest, origin, manifest, .. } = material;
        let terms = match &manifest {
            Some(manifest) => manifest.terms(&self.policy)?,
            None => Terms::from(&self.policy),
        };
        self.runtime.can_hold(&terms.limits)?;
        let compiled = self.runtime.compile(&wasm)?;
        if let Some(name) = manifest.as_ref().and_then(|manifest| manifest.world.as_deref()) {
            let worlds = self.worlds.read().unwrap_or_else(PoisonError::into_inner);
            let world = worlds.get(name).cloned().ok_or_else(|| LoadError::UnknownWorld {
                name: name.to_owned(),
                known: worlds.keys().cloned().collect(),
            })?;
            drop(worlds);
            if !compiled.is_component() {
                return Err(LoadError::ModuleWithWorld);
            }
            self.runtime.diagnose(&compiled, Some(world))?;
        }
        let program = self.runtime.link(&compiled)?;
        Ok(Version::new(number, digest, program, terms, origin, manifest))
    }

    /// Loads what a directory has.
    pub(crate) fn load_listed(
        &self,
        listing: &Listing,
        on_progress: impl FnMut(Progress<'_>) + Send,
    ) -> Loaded {
        let mut failed: Vec<_> = listing
            .skipped
            .iter()
            .map(|Skipped { path, why }| {
                let source = io::Error::new(io::ErrorKind::InvalidInput, why.to_string());
                (path.clone(), LoadError::Read { path: path.clone(), source })
            })
            .collect();
        let results = self.load_all(&sources(listing), failed.len(), on_progress);
        let mut plugins = Vec::new();
        for (source, result) in results {
            match result {
                Ok(plugin) => plugins.push(plugin),
                Err(error) => failed.push((source.path().map(Path::to_owned).unwrap_or_default(), error)),
            }
        }
        plugins.sort_by(|one, other| one.name.cmp(&other.name));
        failed.sort_by(|(one, _), (other, _)| one.cmp(other));
        Loaded { plugins, failed }
    }

    /// Loads all of `sources`, on several threads.
    fn load_all(
        &self,
        sources: &[PluginSource],
        done: usize,
        on_progress: impl FnMut(Progress<'_>) + Send,
    ) -> Vec<(PluginSource, Result<PluginInfo, LoadError>)> {
        let of = sources.len() + done;
        let next = AtomicUsize::new(0);
        let state = Mutex::new((done, on_progress, Vec::with_capacity(sources.len())));
        let work = || {
            while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
                let result = self.load(source);
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                let (done, on_progress, results) = &mut *state;
                *done += 1;
                let path = source.path().unwrap_or(Path::new(""));
                on_progress(Progress { done: *done, of, path, result: result.as_ref() });
                results.push((source.clone(), result));
            }
        };
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(sources.len());
        thread::scope(|scope| {
            for _ in 1..threads {
                // One that cannot be had is one that does not help.
                let _ = thread::Builder::new().name("load plugins".to_owned()).spawn_scoped(scope, work);
            }
            work();
        });
        state.into_inner().unwrap_or_else(PoisonError::into_inner).2
    }
}

/// The plugins of a directory: its manifests, or where there is none its files.
fn sources(listing: &Listing) -> Vec<PluginSource> {
    let manifests: Vec<_> = listing.files.keys().filter(|path| is_manifest(path)).collect();
    if !manifests.is_empty() {
        return manifests.into_iter().cloned().map(PluginSource::Manifest).collect();
    }
    listing.files.keys().cloned().map(PluginSource::File).collect()
}

/// Whether a file of a directory of plugins is a manifest; it is WebAssembly otherwise.
pub(crate) fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

/// What a directory has.
pub(crate) fn list(directory: &Path) -> Result<Listing, LoadError> {
    files::list(directory, files::MOST_ENTRIES).map_err(|error| match error {
        ListError::Io { path, source } => LoadError::Read { path, source },
        ListError::TooMany { path, most } => LoadError::TooManyEntries { path, most },
    })
}

/// The name of the file without `.wasm`.
fn name_of(path: &Path) -> Result<String, LoadError> {
    let name = path.file_stem().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| LoadError::Unnamed { path: path.into() })
}
