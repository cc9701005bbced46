//! `Live`: a store with the instance that runs in it.

use std::any::Any;
use std::time::Instant;

use host_core::{AllocDealloc, Allocator};
use wasmtime::{Store, TypedFunc, component};

use crate::program::Guest;
use crate::state::State;

/// A store, and the instance in it from its first call on.
pub(crate) struct Live {
    pub(crate) store: Store<State>,
    pub(crate) running: Option<Running>,
    pub(crate) born: Instant,
    /// Calls that it has done.
    pub(crate) calls: u64,
    /// Since when it has waited for its next call.
    pub(crate) idle_since: Instant,
}

/// An instance of either kind.
pub(crate) enum Running {
    Module {
        instance: wasmtime::Instance,
        /// What it was called with bytes by last.
        bytes: Option<BytesExport>,
    },
    Component {
        instance: component::Instance,
        /// The bindings by which it was called last.
        bindings: Option<Box<dyn Any + Send + Sync>>,
    },
}

/// An export of a core module that takes bytes and gives bytes, and the allocator of what it takes.
pub(crate) struct BytesExport {
    name: Box<str>,
    pub(crate) function: TypedFunc<(u32, u32), u64>,
    pub(crate) allocator: Allocator,
}

impl Live {
    pub(crate) fn new(store: Store<State>, now: Instant) -> Live {
        Live { store, running: None, born: now, calls: 0, idle_since: now }
    }
}

impl Running {
    /// The instance of a component.
    ///
    /// # Panics
    ///
    /// If it is one of a core module: what is called is looked at before there is an instance.
    pub(crate) fn component(&self) -> &component::Instance {
        match self {
            Running::Component { instance, .. } => instance,
            Running::Module { .. } => unreachable!("a core module was looked at as a component"),
        }
    }

    /// The instance of a core module.
    ///
    /// # Panics
    ///
    /// If it is one of a component.
    pub(crate) fn module(&self) -> &wasmtime::Instance {
        match self {
            Running::Module { instance, .. } => instance,
            Running::Component { .. } => unreachable!("a component was looked at as a core module"),
        }
    }

    /// The export of a core module that takes bytes: looked up once in each instance, if it is always the same one.
    ///
    /// # Panics
    ///
    /// If it is an instance of a component.
    pub(crate) fn bytes(&mut self, store: &mut Store<State>, name: &str) -> wasmtime::Result<&BytesExport> {
        let Running::Module { instance, bytes } = self else {
            unreachable!("a component was looked at as a core module")
        };
        Ok(match bytes.take_if(|known| *known.name == *name) {
            Some(known) => bytes.insert(known),
            None => bytes.insert(BytesExport {
                name: name.into(),
                function: instance.get_typed_func(&mut *store, name)?,
                allocator: Allocator::find(store, instance, AllocDealloc::default())?,
            }),
        })
    }

    /// Instantiates a program; a module that is a reactor is initialised.
    pub(crate) async fn start(guest: &Guest, store: &mut Store<State>) -> wasmtime::Result<Running> {
        match guest {
            Guest::Component(pre) => {
                let instance = pre.instantiate_async(store).await?;
                Ok(Running::Component { instance, bindings: None })
            }
            Guest::Module(pre) => {
                let instance = pre.instantiate_async(&mut *store).await?;
                if pre.module().get_export("_initialize").is_some()
                    && let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize")
                {
                    initialize.call_async(store, ()).await?;
                }
                Ok(Running::Module { instance, bytes: None })
            }
        }
    }
}
