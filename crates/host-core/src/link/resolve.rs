//! Where each import of a module comes from, and what is wrong with those that come from nowhere.

use wasmtime::{ExternType, FuncType, ImportType, Module, ModuleExport};

use super::offers::Offers;
use super::stub::Stubs;
use crate::imports::ImportProblem;

/// Where an import comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// The linker.
    Host,
    /// An export of another module, which is instantiated at this position.
    Module { position: usize, export: ModuleExport },
    /// A stub, by its position among the stubs of the importing module.
    Stub(usize),
}

pub(super) struct Resolved {
    /// Of each import, in order; of no use if there are problems.
    pub(super) origins: Vec<Origin>,
    pub(super) stubs: Stubs,
    pub(super) problems: Vec<ImportProblem>,
}

/// Where the imports of `module` come from: `origin` tells for what is offered, and what is missing becomes a problem or,
/// if it is a function and `stub` says so, a stub.
pub(super) fn resolve(
    module: &Module,
    offers: &Offers,
    stub: bool,
    origin: impl Fn(&ImportType<'_>) -> Origin,
) -> Resolved {
    let mut resolved = Resolved { origins: Vec::new(), stubs: Stubs::default(), problems: Vec::new() };
    for import in module.imports() {
        match (ImportProblem::find(&import, offers), import.ty()) {
            (None, _) => resolved.origins.push(origin(&import)),
            (Some(problem), ExternType::Func(ty)) if stub && problem.found.is_none() => {
                resolved.stub(&import, ty);
            }
            (Some(problem), _) => resolved.problems.push(problem),
        }
    }
    resolved
}

impl Resolved {
    fn stub(&mut self, import: &ImportType<'_>, ty: FuncType) {
        match self.stubs.add(import, ty) {
            Ok(position) => self.origins.push(Origin::Stub(position)),
            // A module may import one name with two types; a name stands for one function.
            Err(stub) => self.problems.push(ImportProblem::another_type(import, &ExternType::Func(stub))),
        }
    }
}
