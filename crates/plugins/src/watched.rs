//! How does a host follow a directory? What comes there is loaded, what changes is reloaded, what goes is unloaded.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, Weak};

use crate::error::LoadError;
use crate::events::Event;
use crate::host::{Inner, PluginHost};
use crate::load::{Loaded, Material, Progress, is_manifest, list};
use crate::manifest::Manifest;
use crate::plugin::Plugin;
use crate::version::PluginSource;
use crate::watch::{Change, WatchError, WatchSettings, Watcher};

/// A directory that cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// It cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// It is watched already.
    #[error("the directory `{}` is watched already", directory.display())]
    Watched {
        /// The directory.
        directory: PathBuf,
    },
}

impl PluginHost {
    /// Loads a directory as [`load_directory`](PluginHost::load_directory) does, and follows it from then on: a file that comes is
    /// loaded, one that changes is [reloaded](PluginHost::reload), and the plugin of one that goes is unloaded. What comes of
    /// it is told by [events](PluginHost::events). A version that cannot take the place of the old one is told there too, and the
    /// old one stays.
    ///
    /// If the directory itself goes, all plugins stay as they are, and it is followed again when it is back. Whoever writes a
    /// plugin does best to write it under another name, `.tmp` at the end for example, and to rename it.
    ///
    /// # Errors
    ///
    /// [`FollowError`]: no such directory, or it is followed already.
    pub fn watch(&self, directory: impl AsRef<Path>, settings: WatchSettings) -> Result<Loaded, FollowError> {
        self.watch_with(directory, settings, |_| {})
    }

    /// As [`watch`](PluginHost::watch), and tells `on_progress` of each file that is loaded at first.
    ///
    /// # Errors
    ///
    /// As [`watch`](PluginHost::watch).
    pub fn watch_with(
        &self,
        directory: impl AsRef<Path>,
        settings: WatchSettings,
        on_progress: impl FnMut(Progress<'_>) + Send,
    ) -> Result<Loaded, FollowError> {
        let directory = directory.as_ref().to_owned();
        let mut watchers = self.inner.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        if self.inner.is_closing() {
            return Err(LoadError::ShuttingDown.into());
        }
        if watchers.contains_key(&directory) {
            return Err(FollowError::Watched { directory });
        }
        let listing = list(&directory)?;
        let loaded = self.inner.load_listed(&listing, on_progress);
        let mut follower = Follower::new(Arc::downgrade(&self.inner), &directory);
        follower.manifests = listing.files.keys().filter(|path| is_manifest(path)).count();
        follower.failed =
            loaded.failed.iter().map(|(path, _)| path.clone()).filter(|path| is_manifest(path)).collect();
        let watcher = Watcher::start(listing, settings, move |change| follower.follow(change))?;
        watchers.insert(directory, watcher);
        Ok(loaded)
    }

    /// Follows a directory no longer; its plugins stay. `false` if it was not followed.
    pub fn unwatch(&self, directory: impl AsRef<Path>) -> bool {
        let mut watchers = self.inner.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let watcher = watchers.remove(directory.as_ref());
        drop(watchers);
        watcher.is_some()
    }

    pub(crate) fn stop_watching(&self) {
        let mut watchers = self.inner.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut *watchers);
        drop(watchers);
        // Waits for what they are doing.
        drop(all);
    }
}

/// Does what a change of a directory asks for.
struct Follower {
    /// It must not keep the host alive, which would never end then.
    host: Weak<Inner>,
    directory: PathBuf,
    /// How many manifests are there: beside one, files are loaded by manifests only.
    manifests: usize,
    /// The manifests that could not be loaded as they are: they may name a file that is still to come.
    failed: BTreeSet<PathBuf>,
}

impl Follower {
    fn new(host: Weak<Inner>, directory: &Path) -> Follower {
        Follower { host, directory: directory.to_owned(), manifests: 0, failed: BTreeSet::new() }
    }

    fn follow(&mut self, change: Change) {
        let Some(host) = self.host.upgrade() else { return };
        match change {
            Change::Added(path) if is_manifest(&path) => {
                self.manifests += 1;
                self.manifest_came(&host, path);
            }
            Change::Changed(path) if is_manifest(&path) => self.manifest_came(&host, path),
            Change::Added(path) | Change::Changed(path) => {
                host.file_came(&path, self.manifests > 0);
                let names_it = |manifest: &&PathBuf| {
                    Manifest::read(manifest).is_ok_and(|manifest| manifest.source == path)
                };
                let again: Vec<_> = self.failed.iter().filter(names_it).cloned().collect();
                for manifest in again {
                    self.manifest_came(&host, manifest);
                }
            }
            Change::Removed(path) => {
                if is_manifest(&path) {
                    self.manifests = self.manifests.saturating_sub(1);
                    self.failed.remove(&path);
                }
                if let Some(plugin) = host.of_source(|source| source.path() == Some(&path)) {
                    host.unload(&plugin.name);
                }
            }
            Change::DirectoryGone(path) => host.teller.tell(|| Event::DirectoryGone { path }),
            Change::DirectoryBack => {
                let path = self.directory.clone();
                host.teller.tell(|| Event::DirectoryBack { path });
            }
            Change::Trouble(trouble) => {
                tracing::warn!(directory = %self.directory.display(), %trouble, "watching has trouble");
                let path = self.directory.clone();
                host.teller.tell(|| Event::WatchTrouble { path, reason: trouble.to_string() });
            }
        }
    }
}

impl Follower {
    fn manifest_came(&mut self, host: &Inner, path: PathBuf) {
        if host.manifest_came(&path, &self.directory) {
            self.failed.remove(&path);
        } else {
            self.failed.insert(path);
        }
    }
}

impl Inner {
    /// A manifest is new, or another one: whether it is good. What becomes of it is told by events.
    fn manifest_came(&self, path: &Path, directory: &Path) -> bool {
        let source = PluginSource::Manifest(path.to_owned());
        let known = self.of_source(|known| *known == source).or_else(|| {
            // What was loaded from a file of this directory goes by the manifest from now on.
            let name = Manifest::read(path).ok()?.name;
            let plugin = self.read().get(&name).cloned()?;
            let is_here = plugin.now().origin.path().and_then(Path::parent) == Some(directory);
            is_here.then_some(plugin)
        });
        let result = match known {
            Some(plugin) => self.change(&plugin, |_| Material::read(&source)),
            None => self.load(&source),
        };
        result.is_ok()
    }

    /// A file is new, or another one.
    fn file_came(&self, path: &Path, beside_manifests: bool) {
        let source = PluginSource::File(path.to_owned());
        if let Some(plugin) = self.of_source(|known| *known == source) {
            let _ = self.change(&plugin, |now| Material::again(&plugin.name, now));
            return;
        }
        for plugin in self.plugins_of_file(path) {
            // It may have other bytes by now, and go by this file no longer.
            let _ = self.change(&plugin, |now| Material::again(&plugin.name, now));
        }
        if !beside_manifests {
            let _ = self.load(&source);
        }
    }

    fn of_source(&self, is: impl Fn(&PluginSource) -> bool) -> Option<Arc<Plugin>> {
        self.read().values().find(|plugin| is(&plugin.now().origin)).cloned()
    }

    /// The plugins whose manifests name a file.
    fn plugins_of_file(&self, path: &Path) -> Vec<Arc<Plugin>> {
        let names = |plugin: &&Arc<Plugin>| {
            plugin.now().manifest.as_ref().is_some_and(|manifest| manifest.source == path)
        };
        self.read().values().filter(names).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, thread};

    use super::*;
    use crate::policy::Policy;

    #[test]
    fn a_file_that_comes_just_when_the_plugin_gets_other_bytes_is_left_aside() {
        let directory = tempfile::tempdir().unwrap();
        let [file, manifest] = ["a.wasm", "a.toml"].map(|name| directory.path().join(name));
        fs::write(&file, wat::parse_str("(module)").unwrap()).unwrap();
        fs::write(&manifest, "source = 'a.wasm'").unwrap();
        let host = PluginHost::new(Policy::default(), None).unwrap();
        host.load_manifest(&manifest).unwrap();

        let plugin = host.inner.loaded("a").unwrap();
        let (known, changing) = (Arc::strong_count(&plugin), plugin.changing.lock().unwrap());
        thread::scope(|scope| {
            let came = scope.spawn(|| host.inner.file_came(&file, true));
            // It has found the plugin by its file, and waits for its turn to change it.
            while Arc::strong_count(&plugin) == known {
                thread::yield_now();
            }
            let other = Material::of_bytes("a", &wat::parse_str("(module (memory 1))").unwrap());
            plugin.replace(Arc::new(host.inner.build(2, other).unwrap()));
            drop(changing);
            came.join().unwrap();
        });
        let now = host.get("a").unwrap();
        assert_eq!((now.version, now.source), (2, PluginSource::Bytes));
    }
}
