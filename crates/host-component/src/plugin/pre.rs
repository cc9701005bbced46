//! Which version of the world is a component of, and how does an instance come to be?

use thiserror::Error;
use wasmtime::AsContextMut;
use wasmtime::component::{Component, Instance, InstancePre};

use super::{Api, Plugin, Version};
use crate::bindings::{asynchronous, sync, v0_2};
use crate::names;

/// A plugin of either version, linked: what is looked up once, before any instance.
pub struct PluginPre<T: 'static> {
    pre: InstancePre<T>,
    indices: Indices,
}

#[derive(Clone)]
enum Indices {
    V0_1 { sync: sync::MyPluginIndices, asynchronous: asynchronous::MyPluginIndices },
    V0_2 { sync: v0_2::sync::MyPluginIndices, asynchronous: v0_2::asynchronous::MyPluginIndices },
}

impl<T> Clone for PluginPre<T> {
    fn clone(&self) -> PluginPre<T> {
        PluginPre { pre: self.pre.clone(), indices: self.indices.clone() }
    }
}

impl<T: 'static> PluginPre<T> {
    /// Sees which version a component is of. One that exports both is taken as the newer.
    ///
    /// Versions that are compatible count too: a plugin that exports `plugin-api@0.2.7` is of version 0.2.
    ///
    /// # Errors
    ///
    /// [`PluginError`] if the component exports neither, or lacks a part of the one it exports.
    pub fn new(pre: InstancePre<T>) -> Result<PluginPre<T>, PluginError> {
        let version = version_of(pre.component())?;
        let indices = Indices::new(&pre, version)
            .map_err(|source| PluginError::Incomplete { interface: version.interface(), source })?;
        Ok(PluginPre { pre, indices })
    }

    /// The version of its world.
    pub fn version(&self) -> Version {
        match self.indices {
            Indices::V0_1 { .. } => Version::V0_1,
            Indices::V0_2 { .. } => Version::V0_2,
        }
    }

    /// What Wasmtime knows of it.
    pub fn instance_pre(&self) -> &InstancePre<T> {
        &self.pre
    }

    /// A new instance in `store`.
    ///
    /// # Errors
    ///
    /// Wasmtime's, if the component cannot be instantiated or a function it exports has not the world's type.
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>) -> wasmtime::Result<Plugin> {
        let instance = self.pre.instantiate(&mut store)?;
        self.indices.load(store, &instance)
    }

    /// [`instantiate`](PluginPre::instantiate) for stores whose host functions may wait.
    ///
    /// # Errors
    ///
    /// As [`instantiate`](PluginPre::instantiate).
    pub async fn instantiate_async(&self, mut store: impl AsContextMut<Data = T>) -> wasmtime::Result<Plugin>
    where
        T: Send,
    {
        let instance = self.pre.instantiate_async(&mut store).await?;
        self.indices.load(store, &instance)
    }
}

impl Indices {
    fn new<T>(pre: &InstancePre<T>, version: Version) -> wasmtime::Result<Indices> {
        Ok(match version {
            Version::V0_1 => Indices::V0_1 {
                sync: sync::MyPluginIndices::new(pre)?,
                asynchronous: asynchronous::MyPluginIndices::new(pre)?,
            },
            Version::V0_2 => Indices::V0_2 {
                sync: v0_2::sync::MyPluginIndices::new(pre)?,
                asynchronous: v0_2::asynchronous::MyPluginIndices::new(pre)?,
            },
        })
    }

    fn load(&self, mut store: impl AsContextMut, instance: &Instance) -> wasmtime::Result<Plugin> {
        let api = match self {
            Indices::V0_1 { sync, asynchronous } => Api::V0_1 {
                sync: sync.load(&mut store, instance)?,
                asynchronous: asynchronous.load(&mut store, instance)?,
            },
            Indices::V0_2 { sync, asynchronous } => Api::V0_2 {
                sync: sync.load(&mut store, instance)?,
                asynchronous: asynchronous.load(&mut store, instance)?,
            },
        };
        Ok(Plugin { api })
    }
}

/// Why a component is not a plugin of any version.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PluginError {
    /// It exports the interface of no version.
    #[error(
        "not a plugin: it exports neither `{}` nor `{}`, but {found}; build it for the world `my-org:my-plugin`",
        Version::V0_2.interface(),
        Version::V0_1.interface()
    )]
    OtherWorld {
        /// What it does export: the names of some, quoted.
        found: String,
    },
    /// It exports the interface of a version without all that belongs to it.
    #[error("a plugin that lacks a part of `{interface}`; build it for the world it claims")]
    Incomplete {
        /// The interface.
        interface: &'static str,
        /// Wasmtime's error, which names the part.
        source: wasmtime::Error,
    },
}

fn version_of(component: &Component) -> Result<Version, PluginError> {
    [Version::V0_2, Version::V0_1]
        .into_iter()
        .find(|version| component.get_export_index(None, version.interface()).is_some())
        .ok_or_else(|| {
            let ty = component.component_type();
            let found = names::list(ty.exports(component.engine()).map(|(name, _)| name));
            PluginError::OtherWorld { found }
        })
}
