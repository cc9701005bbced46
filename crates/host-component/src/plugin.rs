//! How does a host work with plugins of either version of their world, without asking which it has?
//!
//! [`PluginPre`] sees from a component's exports which version it is of, [`Plugin`] is an instance of it. Both have the shape
//! of version 0.2; what a plugin of 0.1 lacks is made up for here, and [`Version::lacks`] says what that cannot do. The host
//! offers the imports of both in one linker, [`add_to_linker`]: their names differ, so that they do not meet.

mod pre;
mod session;
mod version;

use wasmtime::AsContextMut;
use wasmtime::component::Linker;

use crate::bindings::{asynchronous, sync, v0_2};
use crate::interfaces::{logging, storage};
use crate::log::{self, HasLog};

pub use pre::{PluginError, PluginPre};
pub use session::{Config, Session};
pub use version::Version;

/// Defines what plugins of either version import from a host: `log` of 0.1, `logging` and `storage` of 0.2.
///
/// Plugins that are made with a standard library also import WASI, which is not added here.
///
/// # Errors
///
/// When the linker already has one of them and does not allow shadowing.
pub fn add_to_linker<T: HasLog + storage::HasStorage>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    log::add_to_linker(linker)?;
    logging::add_to_linker(linker)?;
    storage::add_to_linker(linker)
}

/// Why a plugin gives no answer. The plugin itself is well, and can be asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The input is not one that the plugin takes; in the plugin's words.
    InvalidInput(String),
    /// The host keeps nothing more for the plugin.
    NoRoom,
    /// Anything else, in the plugin's words. All that a plugin of 0.1 can say.
    Other(String),
}

/// An instance of a plugin of either version.
///
/// An error of one of its methods is Wasmtime's: a trap, a budget, a host function that failed. After it the store must not
/// be used for another call of a component. What the plugin itself says is the inner result.
pub struct Plugin {
    api: Api,
}

/// For each version the bindings of both kinds; a store may be called either way until it is async.
#[expect(clippy::large_enum_variant, reason = "there is one for an instance, which takes far more")]
enum Api {
    V0_1 { sync: sync::MyPlugin, asynchronous: asynchronous::MyPlugin },
    V0_2 { sync: v0_2::sync::MyPlugin, asynchronous: v0_2::asynchronous::MyPlugin },
}

impl Plugin {
    /// The version of its world.
    pub fn version(&self) -> Version {
        match self.api {
            Api::V0_1 { .. } => Version::V0_1,
            Api::V0_2 { .. } => Version::V0_2,
        }
    }

    /// Has the plugin do its work on `input`.
    ///
    /// # Errors
    ///
    /// Wasmtime's, if the call failed.
    pub fn process(
        &self,
        store: impl AsContextMut,
        input: &str,
    ) -> wasmtime::Result<Result<String, Failure>> {
        Ok(match &self.api {
            Api::V0_1 { sync, .. } => {
                let api = sync.my_org_my_plugin_plugin_api();
                api.call_process(store, input)?.map_err(Failure::Other)
            }
            Api::V0_2 { sync, .. } => {
                let api = sync.my_org_my_plugin_plugin_api();
                api.call_process(store, input)?.map_err(Failure::from)
            }
        })
    }

    /// [`process`](Plugin::process) for stores whose host functions may wait.
    ///
    /// # Errors
    ///
    /// As [`process`](Plugin::process).
    pub async fn process_async(
        &self,
        store: impl AsContextMut<Data: Send>,
        input: &str,
    ) -> wasmtime::Result<Result<String, Failure>> {
        Ok(match &self.api {
            Api::V0_1 { asynchronous, .. } => {
                let api = asynchronous.my_org_my_plugin_plugin_api();
                api.call_process(store, input).await?.map_err(Failure::Other)
            }
            Api::V0_2 { asynchronous, .. } => {
                let api = asynchronous.my_org_my_plugin_plugin_api();
                api.call_process(store, input).await?.map_err(Failure::from)
            }
        })
    }

    /// The plugin's own version, such as `2.3.1`; [`version`](Plugin::version) is its world's.
    ///
    /// # Errors
    ///
    /// Wasmtime's, if the call failed.
    pub fn get_version(&self, store: impl AsContextMut) -> wasmtime::Result<String> {
        match &self.api {
            Api::V0_1 { sync, .. } => sync.my_org_my_plugin_plugin_api().call_get_version(store),
            Api::V0_2 { sync, .. } => sync.my_org_my_plugin_plugin_api().call_get_version(store),
        }
    }

    /// [`get_version`](Plugin::get_version) for stores whose host functions may wait.
    ///
    /// # Errors
    ///
    /// As [`get_version`](Plugin::get_version).
    pub async fn get_version_async(&self, store: impl AsContextMut<Data: Send>) -> wasmtime::Result<String> {
        match &self.api {
            Api::V0_1 { asynchronous, .. } => {
                asynchronous.my_org_my_plugin_plugin_api().call_get_version(store).await
            }
            Api::V0_2 { asynchronous, .. } => {
                asynchronous.my_org_my_plugin_plugin_api().call_get_version(store).await
            }
        }
    }
}

/// Both kinds of bindings have a type of their own for the same thing.
macro_rules! failure_from {
    ($($kind:ident),*) => {$(
        impl From<v0_2::$kind::exports::my_org::my_plugin::plugin_api::Failure> for Failure {
            fn from(failure: v0_2::$kind::exports::my_org::my_plugin::plugin_api::Failure) -> Failure {
                use v0_2::$kind::exports::my_org::my_plugin::plugin_api::Failure as Given;
                match failure {
                    Given::InvalidInput(words) => Failure::InvalidInput(words),
                    Given::NoRoom => Failure::NoRoom,
                    Given::Other(words) => Failure::Other(words),
                }
            }
        }
    )*};
}

failure_from!(sync, asynchronous);
