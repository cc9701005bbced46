//! One of several linked modules: how it gets its imports, and what is done once it is instantiated.

use std::collections::BTreeMap;

use wasmtime::{
    Extern, ExternType, Instance, InstancePre, Linker, Module, ModuleExport, StoreContextMut, TypedFunc,
};

use super::resolve::{Origin, Resolved};
use super::role::{INITIALIZE, ModuleRole};
use super::stub::Stubs;
use crate::imports::LinkError;

/// One module.
pub(super) struct Part<T: 'static> {
    pub(super) name: String,
    pub(super) module: Module,
    pub(super) role: ModuleRole,
    /// `_initialize` of a reactor.
    initialize: Option<ModuleExport>,
    pub(super) origins: Vec<Origin>,
    pub(super) stubs: Stubs,
    pub(super) way: Way<T>,
    /// Exports that others import by way of a linker.
    pub(super) shared: BTreeMap<String, ModuleExport>,
}

/// How a module gets its imports.
pub(super) enum Way<T: 'static> {
    /// The host provides all of them, or stubs do.
    Prepared(InstancePre<T>),
    /// Other modules provide all of them, or stubs do.
    Exports,
    /// By name, through a linker of the store's own, where some are the host's and some are other modules': only so does
    /// Wasmtime take notice of host functions that are async. And where the host provides a memory or a table: only so
    /// is it asked how large that is by then.
    Linker,
}

impl<T: 'static> Part<T> {
    pub(super) fn new(
        name: &str,
        module: &Module,
        found: Resolved,
        linker: &mut Linker<T>,
    ) -> Result<Part<T>, LinkError> {
        let role =
            ModuleRole::of(module).map_err(|error| LinkError::Role { name: name.to_owned(), error })?;
        let Resolved { origins, stubs, .. } = found;
        let of_host = origins.iter().any(|origin| matches!(origin, Origin::Host));
        let of_modules = origins.iter().any(|origin| matches!(origin, Origin::Module { .. }));
        let way = if of_host && (of_modules || grows(module, &origins)) {
            Way::Linker
        } else if of_modules {
            Way::Exports
        } else {
            // Stubs of other modules under the same names are part of what was prepared for them.
            let prepared = stubs.define(linker).and_then(|()| linker.instantiate_pre(module));
            Way::Prepared(prepared.map_err(|error| LinkError::Instantiate { name: name.to_owned(), error })?)
        };
        let initialize = (role == ModuleRole::Reactor).then(|| module.get_export_index(INITIALIZE)).flatten();
        let (name, module, shared) = (name.to_owned(), module.clone(), BTreeMap::new());
        Ok(Part { name, module, role, initialize, origins, stubs, way, shared })
    }

    pub(super) fn initializer(
        &self,
        store: &mut StoreContextMut<'_, T>,
        instance: Instance,
    ) -> wasmtime::Result<Option<TypedFunc<(), ()>>> {
        let export = self.initialize.and_then(|export| instance.get_module_export(&mut *store, &export));
        export.and_then(Extern::into_func).map(|func| func.typed(&*store)).transpose()
    }

    pub(super) fn failed(&self, error: wasmtime::Error) -> LinkError {
        LinkError::Instantiate { name: self.name.clone(), error }
    }

    pub(super) fn not_initialized(&self, error: wasmtime::Error) -> LinkError {
        LinkError::Initialize { name: self.name.clone(), error }
    }
}

/// Whether the host provides a memory or a table.
fn grows(module: &Module, origins: &[Origin]) -> bool {
    module.imports().zip(origins).any(|(import, origin)| {
        matches!(origin, Origin::Host) && matches!(import.ty(), ExternType::Memory(_) | ExternType::Table(_))
    })
}
