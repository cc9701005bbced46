//! Where a guest's memory is found: by the name of an export, of a calling guest or of an instance.

use wasmtime::{AsContext, AsContextMut, Caller, Extern, Instance, Memory, StoreContext};

use crate::memory::MemoryError;
use crate::text::one_line;
use crate::type_text;

/// The memory that the calling guest exports as `name`; most toolchains call it `memory`.
///
/// # Errors
///
/// [`MemoryError::NoExport`] if the guest exports nothing of that name, [`MemoryError::NotMemory`] if it is something
/// else, [`MemoryError::Shared`] if it is shared between threads.
pub fn exported_memory<T: 'static>(caller: &mut Caller<'_, T>, name: &str) -> Result<Memory, MemoryError> {
    memory(caller, name)
}

/// The memory that `instance` exports as `name`; most toolchains call it `memory`.
///
/// # Errors
///
/// As [`exported_memory`].
///
/// # Panics
///
/// If the instance is of another store.
///
/// ```
/// use host_core::{MemoryAccess, MemoryError, instance_memory};
/// use wasmtime::{Engine, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// let module = Module::new(&engine, r#"(module (memory (export "memory") 1) (func (export "run")))"#)?;
/// let instance = Instance::new(&mut store, &module, &[])?;
///
/// let memory = instance_memory(&mut store, &instance, "memory")?;
/// memory.write_number(&mut store, 16u32, 1.5f64)?;
/// assert_eq!(memory.read_number::<f64>(&store, 16u32)?, 1.5);
///
/// let error = instance_memory(&mut store, &instance, "run").unwrap_err();
/// assert_eq!(error.to_string(), "the guest's export `run` is not a memory but func()");
/// # Ok::<(), wasmtime::Error>(())
/// ```
pub fn instance_memory(
    store: impl AsContextMut,
    instance: &Instance,
    name: &str,
) -> Result<Memory, MemoryError> {
    memory(&mut InstanceExports { store, instance }, name)
}

/// A guest's exports, and the store they are in.
pub(super) trait Exports: AsContext {
    fn export(&mut self, name: &str) -> Option<Extern>;
}

impl<T: 'static> Exports for Caller<'_, T> {
    fn export(&mut self, name: &str) -> Option<Extern> {
        self.get_export(name)
    }
}

pub(super) struct InstanceExports<'a, C> {
    pub(super) store: C,
    pub(super) instance: &'a Instance,
}

impl<C: AsContext> AsContext for InstanceExports<'_, C> {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        self.store.as_context()
    }
}

impl<C: AsContextMut> Exports for InstanceExports<'_, C> {
    fn export(&mut self, name: &str) -> Option<Extern> {
        self.instance.get_export(&mut self.store, name)
    }
}

pub(super) fn memory(exports: &mut impl Exports, name: &str) -> Result<Memory, MemoryError> {
    match exports.export(name) {
        Some(Extern::Memory(memory)) => Ok(memory),
        Some(Extern::SharedMemory(_)) => Err(MemoryError::Shared { name: name.into() }),
        Some(other) => Err(MemoryError::NotMemory { name: name.into(), found: found(&other, exports) }),
        None => Err(MemoryError::NoExport { name: name.into() }),
    }
}

/// The type of something that was not looked for; a guest's function may have a thousand parameters.
pub(super) fn found(export: &Extern, store: &impl AsContext) -> String {
    one_line(&type_text(&export.ty(store)))
}
