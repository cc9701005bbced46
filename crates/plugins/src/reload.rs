//! How does a plugin get a new version while it is called? Made and checked beside the old one, and then put in its place.

use std::sync::{Arc, PoisonError};
use std::thread;

use tokio::runtime::Builder;

use crate::counts;
use crate::error::{LoadError, chain};
use crate::events::Event;
use crate::host::{Inner, PluginHost};
use crate::load::Material;
use crate::plugin::{Plugin, PluginInfo};
use crate::version::Version;

impl PluginHost {
    /// Reads a plugin again from where it came, and puts what is there now in its place: the next call has it, those under way
    /// finish on the old one. Compiled, linked and checked beforehand, by the manifest's health check too: if any of that fails,
    /// the old version stays, and nobody notices but who asked.
    ///
    /// Does nothing, and gives what is loaded, if the bytes and the manifest are as they were. Blocks while it compiles.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: why the new version cannot take the place.
    pub fn reload(&self, name: &str) -> Result<PluginInfo, LoadError> {
        let plugin = self.inner.loaded(name)?;
        self.inner.change(&plugin, |now| Material::again(name, now))
    }

    /// As [`reload`](PluginHost::reload), with these bytes, under the policy as it is.
    ///
    /// The plugin goes by no file from then on, not even in a directory that is [watched](PluginHost::watch), until it is
    /// [rolled back](PluginHost::roll_back) to a version that did.
    ///
    /// # Errors
    ///
    /// As [`reload`](PluginHost::reload).
    pub fn reload_bytes(&self, name: &str, wasm: &[u8]) -> Result<PluginInfo, LoadError> {
        let plugin = self.inner.loaded(name)?;
        self.inner.change(&plugin, |_| Ok(Material::of_bytes(name, wasm)))
    }

    /// Goes back to the version that a plugin had before the last change; once more, and it is undone. At once: nothing is
    /// compiled.
    ///
    /// # Errors
    ///
    /// [`LoadError::NotLoaded`] or [`LoadError::NoVersionBefore`].
    pub fn roll_back(&self, name: &str) -> Result<PluginInfo, LoadError> {
        let plugin = self.inner.loaded(name)?;
        let _one_at_a_time = plugin.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let no_version = || LoadError::NoVersionBefore { name: name.to_owned() };
        let (now, before) = plugin.roll_back().ok_or_else(no_version)?;
        self.inner.teller.tell(|| Event::RolledBack {
            plugin: Arc::clone(&plugin.name),
            version: now.number,
            before: before.number,
        });
        Ok(plugin.info())
    }
}

impl Inner {
    pub(crate) fn loaded(&self, name: &str) -> Result<Arc<Plugin>, LoadError> {
        self.read().get(name).cloned().ok_or_else(|| LoadError::NotLoaded { name: name.to_owned() })
    }

    /// Puts a new version in the place of the one of now, if it is another, and good.
    pub(crate) fn change(
        &self,
        plugin: &Plugin,
        material: impl FnOnce(&Version) -> Result<Material, LoadError>,
    ) -> Result<PluginInfo, LoadError> {
        let _one_at_a_time = plugin.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = plugin.now();
        let result = material(&now).and_then(|material| self.replace(plugin, &now, material));
        if let Err(error) = &result {
            self.teller.tell(|| Event::NotReloaded {
                plugin: Arc::clone(&plugin.name),
                version: now.number,
                reason: chain(error),
            });
        }
        result
    }

    fn replace(&self, plugin: &Plugin, now: &Version, material: Material) -> Result<PluginInfo, LoadError> {
        if *material.name() != *plugin.name {
            let (name, found) = (plugin.name.to_string(), material.name().to_owned());
            return Err(LoadError::Renamed { name, found });
        }
        if material.is_of(now) {
            return Ok(plugin.info());
        }
        let version = self.build(plugin.next_number(), material)?;
        let version = Arc::new(version);
        self.check_health(&plugin.name, &version)?;
        let old = plugin.replace(version);
        let info = plugin.info();
        counts::loaded(info.loading.origin);
        self.teller.tell(|| Event::Reloaded {
            plugin: Arc::clone(&plugin.name),
            version: info.version,
            before: old.number,
            origin: info.loading.origin.to_string(),
        });
        Ok(info)
    }

    /// Makes the health check of a version that is not in use yet, if its manifest has one.
    pub(crate) fn check_health(&self, name: &str, version: &Arc<Version>) -> Result<(), LoadError> {
        let Some(check) = version.manifest.as_ref().and_then(|manifest| manifest.health.as_ref()) else {
            return Ok(());
        };
        // On a thread of its own: this may be one of an async runtime, which must not wait for another.
        let result = thread::scope(|scope| {
            let check = || {
                let runtime = Builder::new_current_thread().enable_all().build()?;
                Ok(runtime.block_on(self.call_version(name, version, check)))
            };
            let thread = thread::Builder::new().name("health check".to_owned()).spawn_scoped(scope, check)?;
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        // Its instance has seen the check, and the runtime on which that ran is gone.
        version.idle.clear();
        match result {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => {
                Err(LoadError::Health { export: check.export.clone(), source: Box::new(source) })
            }
            Err(error) => Err(LoadError::NoHealthCheck(error)),
        }
    }
}
