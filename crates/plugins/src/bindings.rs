//! `Bindings`: what `bindgen!` makes of a world, so that plugins can be called by it.

use wasmtime::Store;
use wasmtime::component::Instance;

use crate::state::State;

/// A world's bindings, as [`bindgen!`](wasmtime::component::bindgen) makes them, for
/// [`PluginHost::call_typed`](crate::PluginHost::call_typed). Looked up in an instance once, and kept with it.
///
/// ```
/// use host_plugins::wasmtime::component::Instance;
/// use host_plugins::wasmtime::{self, Store};
/// use host_plugins::{Bindings, State};
///
/// wasmtime::component::bindgen!({
///     inline: "package my:rules; world rule { export check: func(order: string) -> bool; }",
///     exports: { default: async },
/// });
///
/// impl Bindings for Rule {
///     fn new(store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Rule> {
///         Rule::new(store, instance)
///     }
/// }
/// ```
pub trait Bindings: Send + Sync + Sized + 'static {
    /// Looks the world's exports up in an instance: `bindgen!`'s own `new`.
    ///
    /// # Errors
    ///
    /// Wasmtime's, if the instance lacks one of them, or has it with another type.
    fn new(store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self>;
}

impl Bindings for host_component::bindings::asynchronous::MyPlugin {
    fn new(store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self> {
        host_component::bindings::asynchronous::MyPlugin::new(store, instance)
    }
}

impl Bindings for host_component::bindings::v0_2::asynchronous::MyPlugin {
    fn new(store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self> {
        host_component::bindings::v0_2::asynchronous::MyPlugin::new(store, instance)
    }
}
