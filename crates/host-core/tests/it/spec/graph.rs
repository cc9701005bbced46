//! What a script links step by step, as one graph of modules.

use std::collections::BTreeMap;

use host_core::{LinkError, Modules};
use wasmtime::Module;

/// `module` under the name `own`, and all that it imports from of the `registered` ones, directly or not; `None` if it
/// imports from none of them.
pub(super) fn graph(
    own: &str,
    module: &Module,
    registered: &BTreeMap<String, Module>,
) -> Result<Option<Modules>, LinkError> {
    let mut modules = Modules::new().add(own, module.clone())?;
    let mut left = registered.clone();
    let mut importers = vec![module.clone()];
    while let Some(importer) = importers.pop() {
        for import in importer.imports() {
            if let Some((name, module)) = left.remove_entry(import.module()) {
                modules = modules.add(name, module.clone())?;
                importers.push(module);
            }
        }
    }
    Ok((left.len() < registered.len()).then_some(modules))
}
