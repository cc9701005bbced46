//! `Plugin`: what stands behind a name, for as long as it is loaded.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use host_cache::Digest;
use host_component::{ExportedFunction, exports};
use host_core::InputKind;

use crate::counts::Counts;
use crate::loading::Loading;
use crate::program::Guest;
use crate::version::{PluginSource, Version};

/// A name, its version of now, and the one before.
pub(crate) struct Plugin {
    pub(crate) name: Arc<str>,
    pub(crate) counts: Counts,
    versions: RwLock<Versions>,
    /// Held by whoever makes a new version, so that one is made at a time.
    pub(crate) changing: Mutex<()>,
}

struct Versions {
    now: Arc<Version>,
    before: Option<Arc<Version>>,
    /// The highest number that a version of this plugin has had.
    last: u64,
}

/// A loaded plugin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PluginInfo {
    /// The name it is called by.
    pub name: String,
    /// Its version: 1 for what was loaded first, and one more with each change.
    pub version: u64,
    /// The version that its manifest names, which is for people.
    pub named_version: Option<String>,
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// What it is: a component, or a core module.
    pub kind: InputKind,
    /// Where it came from.
    pub source: PluginSource,
    /// How its code was had.
    pub loading: Loading,
    /// What it exports that can be called by name; nothing of a core module, which is called with bytes.
    pub exports: Vec<ExportedFunction>,
}

impl Plugin {
    pub(crate) fn new(name: &str, version: Arc<Version>) -> Plugin {
        let versions = Versions { last: version.number, now: version, before: None };
        Plugin {
            name: name.into(),
            counts: Counts::new(name),
            versions: RwLock::new(versions),
            changing: Mutex::default(),
        }
    }

    /// The version that the next call has.
    pub(crate) fn now(&self) -> Arc<Version> {
        Arc::clone(&self.read().now)
    }

    /// The number for the next version.
    pub(crate) fn next_number(&self) -> u64 {
        self.read().last + 1
    }

    /// Puts `version` in the place of the one of now, which it gives.
    pub(crate) fn replace(&self, version: Arc<Version>) -> Arc<Version> {
        let mut versions = self.write();
        versions.last = versions.last.max(version.number);
        let old = std::mem::replace(&mut versions.now, version);
        let forgotten = versions.before.replace(Arc::clone(&old));
        drop(versions);
        old.idle.close();
        drop(forgotten);
        old
    }

    /// Goes back to the version before, and gives that and the one that it replaces; `None` if there is none.
    pub(crate) fn roll_back(&self) -> Option<(Arc<Version>, Arc<Version>)> {
        let mut versions = self.write();
        let before = versions.before.take()?;
        before.idle.open();
        let old = std::mem::replace(&mut versions.now, Arc::clone(&before));
        versions.before = Some(Arc::clone(&old));
        drop(versions);
        old.idle.close();
        Some((before, old))
    }

    pub(crate) fn info(&self) -> PluginInfo {
        let version = self.now();
        let (kind, exports) = match &version.program.guest {
            Guest::Component(instance) => (InputKind::Component, exports(instance.component())),
            Guest::Module(_) => (InputKind::Module, Vec::new()),
        };
        PluginInfo {
            name: self.name.to_string(),
            version: version.number,
            named_version: version.manifest.as_ref().and_then(|manifest| manifest.version.clone()),
            digest: version.digest,
            kind,
            source: version.origin.clone(),
            loading: version.program.loading.clone(),
            exports,
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Versions> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Versions> {
        self.versions.write().unwrap_or_else(PoisonError::into_inner)
    }
}
