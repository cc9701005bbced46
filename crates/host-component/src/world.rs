//! What is a component expected to import and to export?

#[cfg(feature = "wit")]
mod text;

use std::fmt;

use wasmtime::component::Component;

use crate::inspect::{Description, describe};

#[cfg(feature = "wit")]
pub use text::WorldError;

/// What a component may import and must export: the contract between a host and its guests.
///
/// A world is taken from a component that has it ([`World::of`]), or, with the feature `wit`, from WIT text
/// ([`World::parse`], [`World::read`]). The [`Doctor`](crate::doctor::Doctor) compares components with it.
#[derive(Clone)]
pub struct World {
    name: String,
    /// A component of this world.
    component: Component,
}

impl World {
    /// The world of `component`: its imports and exports as they are.
    pub fn of(component: &Component) -> World {
        World { name: "the given component".to_owned(), component: component.clone() }
    }

    /// What it is called: `my-org:my-plugin/plugin@0.1.0`, or `the given component`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A component with this world's imports and exports. One of a world that comes from WIT text does nothing but trap.
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// The world's imports and exports, as data and as text.
    pub fn describe(&self) -> Description {
        describe(&self.component)
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("name", &self.name).finish_non_exhaustive()
    }
}
