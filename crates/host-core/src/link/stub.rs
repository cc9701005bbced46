//! Stubs: functions that stand where a guest imports one that nobody provides, and trap by name if they are called.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::{Caller, FuncType, ImportType, Linker, Val};

use crate::text::one_line;

/// A guest called a function that it imports and that nobody provides, and that was stubbed; see
/// [`stub_missing_imports`](crate::stub_missing_imports).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the import `{}.{}` was called, which nothing provides", one_line(.module), one_line(.name))]
#[non_exhaustive]
pub struct MissingImport {
    /// The module it is imported from.
    pub module: String,
    /// Its name.
    pub name: String,
}

/// The stubs of one module.
#[derive(Default)]
pub(super) struct Stubs {
    list: Vec<Stub>,
    positions: BTreeMap<String, BTreeMap<String, usize>>,
}

pub(super) struct Stub {
    pub(super) ty: FuncType,
    missing: Arc<MissingImport>,
}

impl Stubs {
    /// The position of the stub for `import`, a function of type `ty`.
    ///
    /// # Errors
    ///
    /// The type of the stub that stands under this name already, if it is another one.
    pub(super) fn add(&mut self, import: &ImportType<'_>, ty: FuncType) -> Result<usize, FuncType> {
        let names = self.positions.entry(import.module().to_owned()).or_default();
        let position = *names.entry(import.name().to_owned()).or_insert(self.list.len());
        match self.list.get(position) {
            Some(stub) if FuncType::eq(&stub.ty, &ty) => {}
            Some(stub) => return Err(stub.ty.clone()),
            None => {
                let missing =
                    MissingImport { module: import.module().to_owned(), name: import.name().to_owned() };
                self.list.push(Stub { ty, missing: Arc::new(missing) });
            }
        }
        Ok(position)
    }

    pub(super) fn list(&self) -> &[Stub] {
        &self.list
    }

    /// Defines the stubs by their names.
    pub(super) fn define<T: 'static>(&self, linker: &mut Linker<T>) -> wasmtime::Result<()> {
        for stub in &self.list {
            let MissingImport { module, name } = &*stub.missing;
            linker.func_new(module, name, stub.ty.clone(), stub.function())?;
        }
        Ok(())
    }
}

impl Stub {
    /// What the stub does.
    pub(super) fn function<T: 'static>(
        &self,
    ) -> impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> wasmtime::Result<()> + Send + Sync + use<T> {
        let missing = Arc::clone(&self.missing);
        move |_, _, _| Err(MissingImport::clone(&missing).into())
    }
}
