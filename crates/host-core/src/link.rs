//! Linking by name: core modules, the host functions they need, and each other.

mod instances;
mod linked;
mod offers;
mod order;
mod part;
mod resolve;
mod role;
mod source;
mod stub;

use std::collections::BTreeMap;

use wasmtime::{AsContext, AsContextMut, Engine, ImportType, Linker, Module};

pub use self::instances::Instances;
pub use self::linked::Linked;
pub(crate) use self::offers::Offers;
use self::resolve::{Origin, resolve};
pub use self::role::{ModuleRole, RoleError, initialize, initialize_async, run_command, run_command_async};
pub use self::source::{ImportSource, Source};
pub use self::stub::MissingImport;
use crate::imports::LinkError;
use crate::text::one_line;
use crate::trace;

/// Core modules that are linked to each other by name.
///
/// A module's imports name where they come from: `(import "logger" "log" ...)` is satisfied by the module added as
/// `logger`, or else by the linker. In which order they are instantiated is found by itself. A reactor is initialised
/// (see [`ModuleRole`]) before any other module uses it; a command is run only by [`run_command`].
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
///
/// To instantiate them many times, [`link`](Modules::link) them once.
#[derive(Clone, Debug, Default)]
pub struct Modules {
    modules: BTreeMap<String, Module>,
    stub: bool,
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

    /// Lets a function that nobody provides be imported all the same: whoever calls it is stopped with
    /// [`MissingImport`]. Other things that are missing, and functions offered with another type, are reported as ever.
    /// [`Linked::stubs`] tells which these are.
    #[must_use]
    pub fn stub_missing(mut self) -> Modules {
        self.stub = true;
        self
    }

    /// The names in an order in which every module comes after those it imports from.
    ///
    /// # Errors
    ///
    /// [`LinkError::Cycle`] if there is none.
    pub fn order(&self) -> Result<Vec<&str>, LinkError> {
        order::order(&self.modules)
    }

    /// Finds where every import of every module comes from, once and for all stores. Nothing runs.
    ///
    /// The `store` is only asked for types, and must own what `linker` holds, if that belongs to a store at all; else any
    /// store of the same data will do.
    ///
    /// # Errors
    ///
    /// [`LinkError::OtherEngine`]; [`LinkError::Role`] if a module is both a command and a reactor or neither of them
    /// properly; [`LinkError::Cycle`]; [`LinkError::Imports`] with every import that is missing or has another type.
    pub fn link<T: 'static>(
        &self,
        store: impl AsContextMut<Data = T>,
        linker: &Linker<T>,
    ) -> Result<Linked<T>, LinkError> {
        let span = trace::link(self.modules.len());
        let linked = span.in_scope(|| self.find_imports(store, linker));
        trace::result(&span, &linked);
        linked
    }

    fn find_imports<T: 'static>(
        &self,
        mut store: impl AsContextMut<Data = T>,
        linker: &Linker<T>,
    ) -> Result<Linked<T>, LinkError> {
        same_engine(&store, linker)?;
        for (name, module) in &self.modules {
            module_of_engine(name, module, linker.engine())?;
        }
        let order = self.order()?;
        let mut offers = Offers::of_linker(&mut store, linker);
        for (name, module) in &self.modules {
            offers.add_module(name, module);
        }
        let positions: BTreeMap<&str, usize> =
            order.iter().enumerate().map(|(position, name)| (*name, position)).collect();
        let origin = |import: &ImportType<'_>| {
            let exported = self.modules.get_key_value(import.module()).and_then(|(name, module)| {
                let export = module.get_export_index(import.name())?;
                Some(Origin::Module { position: *positions.get(name.as_str())?, export })
            });
            exported.unwrap_or(Origin::Host)
        };
        let mut problems = Vec::new();
        let mut resolved = BTreeMap::new();
        // By name, so that problems are told in the same order however the modules depend on each other.
        for (name, module) in &self.modules {
            let mut found = resolve(module, &offers, self.stub, origin);
            problems.append(&mut found.problems);
            resolved.insert(name.as_str(), found);
        }
        LinkError::from_problems(problems, &offers)?;
        let in_order = order.into_iter().filter_map(|name| {
            let found = resolved.remove(name)?;
            Some((name, &self.modules[name], found))
        });
        Linked::new(linker, in_order)
    }

    /// Instantiates all modules in one store, each linked to `linker` and to the modules it imports from.
    ///
    /// Runs the modules' start functions, and `_initialize` of reactors. Nothing runs if any import of any module cannot
    /// be satisfied. Only whether a memory or table has grown large enough for another module is not known before.
    ///
    /// # Errors
    ///
    /// As [`link`](Modules::link) and [`Linked::instantiate`].
    pub fn instantiate<T: 'static>(
        &self,
        mut store: impl AsContextMut<Data = T>,
        linker: &Linker<T>,
    ) -> Result<Instances, LinkError> {
        self.link(&mut store, linker)?.instantiate(store)
    }

    /// As [`instantiate`](Modules::instantiate), in a store of async calls.
    ///
    /// # Errors
    ///
    /// As [`instantiate`](Modules::instantiate).
    pub async fn instantiate_async<T: Send + 'static>(
        &self,
        mut store: impl AsContextMut<Data = T>,
        linker: &Linker<T>,
    ) -> Result<Instances, LinkError> {
        let linked = self.link(&mut store, linker)?;
        linked.instantiate_async(store).await
    }
}

/// Whether `linker` offers everything that `module` imports, with the right types.
///
/// A module that passes can be [prepared](wasmtime::Linker::instantiate_pre) once and instantiated any number of times,
/// in a fresh store each:
///
/// ```
/// use host_core::check_imports;
/// use wasmtime::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let mut linker = Linker::<u32>::new(&engine);
/// linker.func_wrap("env", "seven", || 7)?;
/// let module = Module::new(&engine, r#"(module (import "env" "seven" (func $seven (result i32)))
///     (func (export "run") (result i32) (call $seven)))"#)?;
///
/// check_imports(Store::new(&engine, 0), &linker, &module)?;
/// let prepared = linker.instantiate_pre(&module)?;
/// for request in 0..3 {
///     let mut store = Store::new(&engine, request);
///     let instance = prepared.instantiate(&mut store)?;
///     assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "run")?.call(&mut store, ())?, 7);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`LinkError::Imports`] with every import that is missing or has another type, what is offered, and near names;
/// [`LinkError::OtherEngine`].
pub fn check_imports<T: 'static>(
    mut store: impl AsContextMut<Data = T>,
    linker: &Linker<T>,
    module: &Module,
) -> Result<(), LinkError> {
    same_engine(&store, linker)?;
    module_of_engine(module.name().unwrap_or_default(), module, linker.engine())?;
    let offers = Offers::of_linker(&mut store, linker);
    let found = resolve(module, &offers, false, |_| Origin::Host);
    LinkError::from_problems(found.problems, &offers)
}

/// Adds to `linker` a stub for each function that `module` imports and that is missing: whoever calls it is stopped with
/// [`MissingImport`]. Gives the imports that were stubbed.
///
/// ```
/// use host_core::{MissingImport, stub_missing_imports};
/// use wasmtime::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (import "env" "log" (func $log))
///     (func (export "run") (call $log)))"#)?;
/// let (mut store, mut linker) = (Store::new(&engine, ()), Linker::new(&engine));
/// let stubbed = stub_missing_imports(&mut store, &mut linker, &module)?;
/// assert_eq!((stubbed[0].module(), stubbed[0].name()), ("env", "log"));
///
/// let run = linker.instantiate(&mut store, &module)?.get_typed_func::<(), ()>(&mut store, "run")?;
/// let error = run.call(&mut store, ()).unwrap_err();
/// let missing: &MissingImport = error.downcast_ref().unwrap();
/// assert_eq!(missing.to_string(), "the import `env.log` was called, which nothing provides");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`check_imports`], for whatever a stub cannot stand for: things that are not functions, and functions offered with
/// another type. The linker is as it was then.
pub fn stub_missing_imports<'module, T: 'static>(
    mut store: impl AsContextMut<Data = T>,
    linker: &mut Linker<T>,
    module: &'module Module,
) -> Result<Vec<ImportType<'module>>, LinkError> {
    same_engine(&store, linker)?;
    let name = module.name().unwrap_or_default();
    module_of_engine(name, module, linker.engine())?;
    let offers = Offers::of_linker(&mut store, linker);
    let found = resolve(module, &offers, true, |_| Origin::Host);
    LinkError::from_problems(found.problems, &offers)?;
    let failed = |error| LinkError::Instantiate { name: name.to_owned(), error };
    found.stubs.define(linker).map_err(failed)?;
    let stubbed = module.imports().zip(&found.origins);
    Ok(stubbed.filter(|(_, origin)| matches!(origin, Origin::Stub(_))).map(|(import, _)| import).collect())
}

fn same_engine<T: 'static>(store: &impl AsContext<Data = T>, linker: &Linker<T>) -> Result<(), LinkError> {
    if Engine::same(store.as_context().engine(), linker.engine()) {
        return Ok(());
    }
    Err(LinkError::OtherEngine { what: "the store".to_owned() })
}

fn module_of_engine(name: &str, module: &Module, engine: &Engine) -> Result<(), LinkError> {
    if Engine::same(module.engine(), engine) {
        return Ok(());
    }
    Err(LinkError::OtherEngine { what: format!("module `{}`", one_line(name)) })
}
