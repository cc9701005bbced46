//! Linking by name: core modules, the host functions they need, and each other.

use std::collections::{BTreeMap, BTreeSet};

use wasmtime::{AsContextMut, Extern, ExternType, Instance, Linker, Module, StoreContextMut};

use crate::imports::{ImportProblem, LinkError};

/// Core modules that are linked to each other by name.
///
/// A module's imports name where they come from: `(import "logger" "log" ...)` is satisfied by the module added as
/// `logger`, or else by the linker. In which order they are instantiated is found by itself.
///
/// ```
/// use host_core::Modules;
/// use wasmtime::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let logger = Module::new(&engine, r#"(module (func (export "log") (param i32)))"#)?;
/// let app = Module::new(&engine, r#"(module
///     (import "logger" "log" (func $log (param i32)))
///     (func (export "run") (call $log (i32.const 1))))"#)?;
///
/// let modules = Modules::new().add("app", app)?.add("logger", logger)?;
/// let mut store = Store::new(&engine, ());
/// let instances = modules.instantiate(&mut store, &Linker::new(&engine))?;
/// instances["app"].get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Modules {
    modules: BTreeMap<String, Module>,
}

impl Modules {
    /// No modules.
    pub fn new() -> Modules {
        Modules::default()
    }

    /// Adds a module under the name by which others import from it.
    ///
    /// # Errors
    ///
    /// [`LinkError::Duplicate`] if there is a module of that name.
    pub fn add(mut self, name: impl Into<String>, module: Module) -> Result<Modules, LinkError> {
        let name = name.into();
        if self.modules.contains_key(&name) {
            return Err(LinkError::Duplicate { name });
        }
        self.modules.insert(name, module);
        Ok(self)
    }

    /// The names in an order in which every module comes after those it imports from.
    ///
    /// # Errors
    ///
    /// [`LinkError::Cycle`] if there is none.
    pub fn order(&self) -> Result<Vec<&str>, LinkError> {
        // Which modules each still waits for, and who waits for it.
        let mut waits: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut waiting: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in self.modules.keys().map(String::as_str) {
            let others: BTreeSet<&str> = self.imported_modules(name).collect();
            for other in &others {
                waiting.entry(other).or_default().push(name);
            }
            waits.insert(name, others);
        }
        let mut order: Vec<&str> =
            waits.iter().filter(|(_, on)| on.is_empty()).map(|(name, _)| *name).collect();
        let mut next = 0;
        while let Some(name) = order.get(next).copied() {
            next += 1;
            waits.remove(name);
            for other in waiting.remove(name).unwrap_or_default() {
                let Some(on) = waits.get_mut(other) else { continue };
                on.remove(name);
                if on.is_empty() {
                    order.push(other);
                }
            }
        }
        if waits.is_empty() { Ok(order) } else { Err(LinkError::Cycle { names: cycle(&waits) }) }
    }

    /// Instantiates all modules in one store, each linked to `linker` and to the modules it imports from.
    ///
    /// Runs the modules' start functions. Nothing runs if any import of any module cannot be satisfied. Only whether a
    /// memory or table has grown large enough for another module is not known before.
    ///
    /// # Errors
    ///
    /// [`LinkError::Cycle`]; [`LinkError::Imports`] with every import that is missing or has another type;
    /// [`LinkError::Instantiate`] if a start function traps or a limit is exceeded.
    pub fn instantiate<T: 'static>(
        &self,
        mut store: impl AsContextMut<Data = T>,
        linker: &Linker<T>,
    ) -> Result<BTreeMap<String, Instance>, LinkError> {
        let order = self.order()?;
        self.check(&mut store, linker)?;
        let mut linker = linker.clone();
        // A module goes before what the linker offers under the same name.
        linker.allow_shadowing(true);
        let mut instances = BTreeMap::new();
        for name in order {
            let instantiate = |error| LinkError::Instantiate { name: name.to_owned(), error };
            let instance = linker.instantiate(&mut store, &self.modules[name]).map_err(instantiate)?;
            linker.instance(&mut store, name, instance).map_err(instantiate)?;
            instances.insert(name.to_owned(), instance);
        }
        Ok(instances)
    }

    /// Which of the modules added here `name` imports from.
    fn imported_modules<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.modules[name]
            .imports()
            .filter_map(|import| self.modules.get_key_value(import.module()))
            .map(|(other, _)| other.as_str())
    }

    fn check<T: 'static>(
        &self,
        mut store: impl AsContextMut<Data = T>,
        linker: &Linker<T>,
    ) -> Result<(), LinkError> {
        let mut offered = offers(&mut store, linker);
        for (name, module) in &self.modules {
            for export in module.exports() {
                offered.insert((name.clone(), export.name().to_owned()), export.ty());
            }
        }
        let problems = self.modules.values().flat_map(|module| problems(module, &offered)).collect();
        LinkError::from_problems(problems, &offered)
    }
}

/// One cycle among modules that all wait for another of them, each importing from the next and the last from the first.
fn cycle(waits: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let mut path: Vec<&str> = Vec::new();
    let mut at = waits.keys().next().copied();
    while let Some(name) = at {
        if let Some(start) = path.iter().position(|seen| *seen == name) {
            path.drain(..start);
            break;
        }
        path.push(name);
        at = waits.get(name).and_then(|on| on.first().copied());
    }
    path.into_iter().map(str::to_owned).collect()
}

/// Whether `linker` offers everything that `module` imports, with the right types.
///
/// # Errors
///
/// [`LinkError::Imports`] with every import that is missing or has another type, what is offered, and near names.
pub fn check_imports<T: 'static>(
    mut store: impl AsContextMut<Data = T>,
    linker: &Linker<T>,
    module: &Module,
) -> Result<(), LinkError> {
    let offered = offers(&mut store, linker);
    LinkError::from_problems(problems(module, &offered), &offered)
}

/// What a linker or a module offers: by module and name.
pub(crate) type Offers = BTreeMap<(String, String), ExternType>;

fn offers<T: 'static>(mut store: impl AsContextMut<Data = T>, linker: &Linker<T>) -> Offers {
    let found: Vec<(String, String, Extern)> = linker
        .iter(&mut store)
        .map(|(module, name, item)| (module.to_owned(), name.to_owned(), item))
        .collect();
    let store: StoreContextMut<'_, T> = store.as_context_mut();
    found.into_iter().map(|(module, name, item)| ((module, name), item.ty(&store))).collect()
}

fn problems(module: &Module, offered: &Offers) -> Vec<ImportProblem> {
    module
        .imports()
        .filter_map(|import| {
            let key = (import.module().to_owned(), import.name().to_owned());
            ImportProblem::find(&key, &import.ty(), offered)
        })
        .collect()
}
