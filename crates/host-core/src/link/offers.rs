//! What guests can import by name: from a linker, and from modules that are linked to each other.

use std::collections::BTreeMap;

use wasmtime::{AsContextMut, Extern, ExternType, Linker, Module};

/// The types of what is offered: by module, and by name.
pub(crate) struct Offers {
    modules: BTreeMap<String, BTreeMap<String, ExternType>>,
}

impl Offers {
    /// What `linker` offers in `store`, of its own engine.
    pub(crate) fn of_linker<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        linker: &Linker<T>,
    ) -> Offers {
        let found: Vec<(&str, &str, Extern)> = linker.iter(&mut store).collect();
        let store = store.as_context_mut();
        let mut offers = Offers { modules: BTreeMap::new() };
        for (module, name, item) in found {
            offers.module(module).insert(name.to_owned(), item.ty(&store));
        }
        offers
    }

    /// Adds what `module` exports, which goes before what was offered under the same name.
    pub(crate) fn add_module(&mut self, name: &str, module: &Module) {
        let exports = module.exports().map(|export| (export.name().to_owned(), export.ty()));
        self.module(name).extend(exports);
    }

    pub(crate) fn get(&self, module: &str, name: &str) -> Option<&ExternType> {
        self.modules.get(module)?.get(name)
    }

    /// The module and the name of each offer, in alphabetical order.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.modules
            .iter()
            .flat_map(|(module, names)| names.keys().map(|name| (module.as_str(), name.as_str())))
    }

    fn module(&mut self, name: &str) -> &mut BTreeMap<String, ExternType> {
        if !self.modules.contains_key(name) {
            self.modules.insert(name.to_owned(), BTreeMap::new());
        }
        self.modules.get_mut(name).expect("it was just made")
    }
}
