//! `PluginHost`: loads components under one policy, and calls them, each call in a store of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use host_cache::Cache;
use host_component::{ExportedFunction, exports};
use host_core::InputKind;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, Val};

use crate::error::{CallError, LoadError};
use crate::loading::Loading;
use crate::policy::Policy;
use crate::program::Guest;
use crate::run::Outcome;
use crate::runtime::{CacheGrantError, Runtime, SetupError};
use crate::state::State;

/// Loads components under one policy, and calls them.
///
/// Each call gets a store of its own, with the policy's limits and grants: no plugin sees what another left behind, nor
/// what it left behind itself, and what stops one call stops no other. All methods take `&self`; share the host by
/// `Arc` or by reference.
///
/// Calls are async; [`blocking::PluginHost`](crate::blocking::PluginHost) is for programs that are not.
pub struct PluginHost {
    runtime: Runtime,
    policy: Policy,
    plugins: RwLock<BTreeMap<String, Arc<Plugin>>>,
}

struct Plugin {
    instance: InstancePre<State>,
    loading: Loading,
    path: Option<PathBuf>,
}

/// A loaded plugin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PluginInfo {
    /// The name it is called by.
    pub name: String,
    /// The file it came from, if it came from one.
    pub path: Option<PathBuf>,
    /// How its code was had.
    pub loading: Loading,
    /// What it exports.
    pub exports: Vec<ExportedFunction>,
}

/// What became of the files of a directory.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// The plugins that were loaded, by name.
    pub plugins: Vec<PluginInfo>,
    /// The files that were not, and why. The others are loaded all the same.
    pub failed: Vec<(PathBuf, LoadError)>,
}

impl PluginHost {
    /// A host without plugins. Compiled code is kept in `cache`, if there is one.
    ///
    /// # Errors
    ///
    /// [`SetupError`]: the policy's limits and profile contradict each other, it grants a directory from which guests reach the
    /// cache, or the machine refuses.
    pub fn new(policy: Policy, cache: Option<Cache>) -> Result<PluginHost, SetupError> {
        let runtime = Runtime::new(policy.profile.clone(), &policy.limits, cache)?;
        match runtime.check_grants(&policy.grants) {
            // One that is not there yet may come before the first call, which looks again.
            Ok(()) | Err(CacheGrantError::Unknown { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(PluginHost::on(runtime, policy))
    }

    /// A host on a runtime of your making, for example one whose linker offers interfaces of your own.
    ///
    /// The runtime's engine must be able to hold the policy's limits; a call fails if it cannot. What the runtime compiles is
    /// under the policy's static limits from now on.
    pub fn on(runtime: Runtime, policy: Policy) -> PluginHost {
        let runtime = runtime.with_static_limits(policy.static_limits.clone());
        PluginHost { runtime, policy, plugins: RwLock::default() }
    }

    /// The policy that all plugins are under.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The runtime that they run on.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Loads every `*.wasm` file of a directory as a plugin of the file's name, in order of their names. A file that
    /// cannot be loaded is reported and keeps no other from being loaded.
    ///
    /// Blocks while it compiles.
    ///
    /// # Errors
    ///
    /// [`LoadError::Read`] if the directory itself cannot be read.
    pub fn load_directory(&self, directory: impl AsRef<Path>) -> Result<Loaded, LoadError> {
        let directory = directory.as_ref();
        let unreadable = |source| LoadError::Read { path: directory.into(), source };
        let mut paths = fs::read_dir(directory)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
            .map_err(unreadable)?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
        paths.sort();
        let mut loaded = Loaded::default();
        for path in paths {
            match self.load_file(&path) {
                Ok(plugin) => loaded.plugins.push(plugin),
                Err(error) => loaded.failed.push((path, error)),
            }
        }
        Ok(loaded)
    }

    /// Loads one file as a plugin of the file's name without `.wasm`.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: the file cannot be read, is no component, has imports that nobody satisfies, or its name is taken.
    pub fn load_file(&self, path: impl AsRef<Path>) -> Result<PluginInfo, LoadError> {
        let path = path.as_ref();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .ok_or_else(|| LoadError::Unnamed { path: path.into() })?;
        let wasm = read_regular(path).map_err(|source| LoadError::Read { path: path.into(), source })?;
        self.load(name, &wasm, Some(path.into()))
    }

    /// Loads a component from its bytes, as a plugin named `name`.
    ///
    /// # Errors
    ///
    /// As [`load_file`](PluginHost::load_file).
    pub fn load_bytes(&self, name: &str, wasm: &[u8]) -> Result<PluginInfo, LoadError> {
        self.load(name, wasm, None)
    }

    /// Unloads a plugin; calls in flight finish. `false` if no plugin of that name was loaded.
    pub fn unload(&self, name: &str) -> bool {
        self.plugins.write().unwrap_or_else(PoisonError::into_inner).remove(name).is_some()
    }

    /// The loaded plugins, by name.
    pub fn list(&self) -> Vec<PluginInfo> {
        self.read().iter().map(|(name, plugin)| plugin.info(name)).collect()
    }

    /// Calls an export of a plugin by name: `process`, or in full `my-org:my-plugin/plugin-api@0.1.0#process`.
    ///
    /// The arguments are checked against the export's type before it is entered.
    ///
    /// # Errors
    ///
    /// [`CallError`]; a guest that was stopped is [`CallError::Fault`], which says why.
    pub async fn call(
        &self,
        plugin: &str,
        export: &str,
        arguments: &[Val],
    ) -> Result<Outcome<Vec<Val>>, CallError> {
        let plugin = self.plugin(plugin)?;
        let Policy { limits, grants, .. } = &self.policy;
        self.runtime.call_export(&plugin.instance, export, arguments, limits, grants).await
    }

    /// Does `work` with a fresh instance of a plugin: the way to calls through your own `bindgen!`, and to several calls
    /// of one instance. All of it is under the policy's limits together.
    ///
    /// ```no_run
    /// # async fn example(host: &host_plugins::PluginHost) -> Result<(), host_plugins::CallError> {
    /// use host_plugins::host_component::bindings::asynchronous::MyPlugin;
    ///
    /// let greeting = host
    ///     .call_with("greeter", async |store, instance| {
    ///         let plugin = MyPlugin::new(&mut *store, &instance)?;
    ///         plugin.my_org_my_plugin_plugin_api().call_process(store, "Ada").await
    ///     })
    ///     .await?;
    /// assert_eq!(greeting.value, Ok("Hello, Ada!".to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`call`](PluginHost::call).
    pub async fn call_with<R>(
        &self,
        plugin: &str,
        work: impl AsyncFnOnce(&mut Store<State>, Instance) -> wasmtime::Result<R>,
    ) -> Result<Outcome<R>, CallError> {
        let plugin = self.plugin(plugin)?;
        let Policy { limits, grants, .. } = &self.policy;
        Ok(self.runtime.run_instance(&plugin.instance, limits, grants, work).await?)
    }

    fn load(&self, name: &str, wasm: &[u8], path: Option<PathBuf>) -> Result<PluginInfo, LoadError> {
        InputKind::of(wasm)?.expect(InputKind::Component)?;
        let program = self.runtime.prepare(wasm)?;
        let Guest::Component(instance) = program.guest else {
            unreachable!("a component is prepared as a component");
        };
        let plugin = Plugin { instance, loading: program.loading, path };
        let info = plugin.info(name);
        let mut plugins = self.plugins.write().unwrap_or_else(PoisonError::into_inner);
        if plugins.contains_key(name) {
            return Err(LoadError::Loaded { name: name.to_owned() });
        }
        plugins.insert(name.to_owned(), Arc::new(plugin));
        Ok(info)
    }

    fn plugin(&self, name: &str) -> Result<Arc<Plugin>, CallError> {
        let plugins = self.read();
        plugins.get(name).cloned().ok_or_else(|| CallError::UnknownPlugin {
            name: name.to_owned(),
            loaded: plugins.keys().cloned().collect(),
        })
    }

    /// The map is whole at every moment, so a panic elsewhere is no reason to distrust it.
    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<Plugin>>> {
        self.plugins.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads `path` if it is a regular file. It is looked at before it is opened, because opening a pipe waits for its other end.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.is_file() {
        fs::read(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
    }
}

impl Plugin {
    fn info(&self, name: &str) -> PluginInfo {
        PluginInfo {
            name: name.to_owned(),
            path: self.path.clone(),
            loading: self.loading.clone(),
            exports: exports(self.instance.component()),
        }
    }
}
