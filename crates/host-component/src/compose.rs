//! Components that use each other, put together while the program runs.
//!
//! [`Components`] is the graph: what a component imports, another one exports, or else the linker has it. It is
//! [linked](Components::link) once, which finds everything that does not fit, and then
//! [instantiated](LinkedComponents::instantiate) any number of times, in a store each. All instances of a graph share a
//! store; each has its own memory, and sees of the others what their interfaces let through.
//!
//! A call from one component to another goes through the host, which knows at any time which of them runs:
//! [`Composition::current`]. That is how each can have grants and limits of its own.
//!
//! What passes: all values, and resources. A resource of one component is known to the others by a number that the host
//! keeps; it may be lent, given away and passed on to a third, arrives at the component it is from as what it is, and is
//! destroyed by that component when its last owner drops it. Resources that are left when the store is dropped go with
//! it, and their destructors do not run. What does not pass, and is refused when linking: `async` functions, streams,
//! futures and error contexts.

#[cfg(feature = "compose")]
mod ahead;
mod bridge;
mod error;
mod fit;
mod fuel;
mod instances;
mod linked;
mod linkers;
mod passing;
mod plan;
mod proxies;
mod state;
mod wiring;

use std::collections::BTreeMap;

use wasmtime::component::Component;

#[cfg(feature = "compose")]
pub use self::ahead::AheadError;
pub use self::error::{ComposeError, NodeFailed, Problem};
pub use self::instances::ComponentInstances;
pub use self::linked::LinkedComponents;
pub use self::linkers::Linkers;
pub use self::proxies::TooManyResources;
pub use self::state::{Composition, HasComposition};
use self::wiring::Wiring;

/// The most components one graph may have.
///
/// Calls between them are never nested deeper than there are components, so this also bounds the stack they take.
pub const MOST_COMPONENTS: usize = 64;

/// Components that are linked to each other by the names of their interfaces.
///
/// An interface that a component imports comes from the component that exports it in the same version; else from the one that
/// exports it in a compatible version (`0.2.3` and `0.2.6`); else from the linker. Functions imported without an interface
/// come from the linker. In which order the components are instantiated is found by itself.
///
/// ```
/// use host_component::compose::{Components, Composition, HasComposition};
/// use host_component::find;
/// use wasmtime::component::{Component, Linker, Val};
/// use wasmtime::{Engine, Store};
///
/// struct Host {
///     composition: Composition,
/// }
/// impl HasComposition for Host {
///     fn composition(&mut self) -> &mut Composition {
///         &mut self.composition
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::default();
/// let math = Component::new(
///     &engine,
///     r#"(component
///         (core module $m (func (export "double") (param i32) (result i32)
///             (i32.mul (local.get 0) (i32.const 2))))
///         (core instance $i (instantiate $m))
///         (func $double (param "number" u32) (result u32) (canon lift (core func $i "double")))
///         (instance $api (export "double" (func $double)))
///         (export "my:math/api@1.0.0" (instance $api)))"#,
/// )?;
/// let app = Component::new(
///     &engine,
///     r#"(component
///         (import "my:math/api@1.0.0" (instance $math
///             (export "double" (func (param "number" u32) (result u32)))))
///         (core func $double (canon lower (func $math "double")))
///         (core module $m
///             (import "math" "double" (func $double (param i32) (result i32)))
///             (func (export "run") (result i32) (call $double (i32.const 21))))
///         (core instance $i (instantiate $m
///             (with "math" (instance (export "double" (func $double))))))
///         (func (export "run") (result u32) (canon lift (core func $i "run"))))"#,
/// )?;
/// let run = find(&app, "run")?;
///
/// let components = Components::new().add("app", app)?.add("math", math)?;
/// assert_eq!(components.order()?, ["math", "app"]);
///
/// let linked = components.link(&Linker::new(&engine))?;
/// let mut store = Store::new(&engine, Host { composition: Composition::new() });
/// let instances = linked.instantiate(&mut store)?;
/// assert_eq!(instances.call(&mut store, "app", &run, &[])?, [Val::U32(42)]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Components {
    nodes: BTreeMap<String, Component>,
    /// By importer and interface: the exporter, or `None` for the linker.
    connections: BTreeMap<(String, String), Option<String>>,
}

impl Components {
    /// No components.
    pub fn new() -> Components {
        Components::default()
    }

    /// Adds a component under a name of your choice, by which errors and [`Composition::current`] speak of it.
    ///
    /// A component may be added more than once, under different names: each is an instance of its own.
    ///
    /// # Errors
    ///
    /// [`ComposeError::Duplicate`]; [`ComposeError::TooMany`] from [`MOST_COMPONENTS`] on.
    pub fn add(mut self, name: impl Into<String>, component: Component) -> Result<Components, ComposeError> {
        let name = name.into();
        if self.nodes.contains_key(&name) {
            return Err(ComposeError::Duplicate { name });
        }
        if self.nodes.len() >= MOST_COMPONENTS {
            return Err(ComposeError::TooMany { name });
        }
        self.nodes.insert(name, component);
        Ok(self)
    }

    /// Says where `importer` gets `interface` from, where that is not clear or should be otherwise: from `exporter`.
    ///
    /// The interface may be spelled as the importer or the exporter has it, or without its version. Whether there are such
    /// components is found out when linking, so that it can be said before they are added.
    #[must_use]
    pub fn connect(
        mut self,
        importer: impl Into<String>,
        interface: impl Into<String>,
        exporter: impl Into<String>,
    ) -> Components {
        self.connections.insert((importer.into(), interface.into()), Some(exporter.into()));
        self
    }

    /// Says that `importer` gets `interface` from the linker, although a component exports it.
    #[must_use]
    pub fn connect_to_host(
        mut self,
        importer: impl Into<String>,
        interface: impl Into<String>,
    ) -> Components {
        self.connections.insert((importer.into(), interface.into()), None);
        self
    }

    /// The component that was added under `name`.
    pub fn get(&self, name: &str) -> Option<&Component> {
        self.nodes.get(name)
    }

    /// The names in an order in which every component comes after those it imports from.
    ///
    /// # Errors
    ///
    /// [`ComposeError::Cycle`] if there is none; [`ComposeError::Ambiguous`] if several components export what one imports,
    /// and [`ComposeError::Unknown`], [`ComposeError::NotImported`] or [`ComposeError::NotExported`] for a connection that
    /// cannot be made.
    pub fn order(&self) -> Result<Vec<&str>, ComposeError> {
        Wiring::of(self)?.order()
    }
}
