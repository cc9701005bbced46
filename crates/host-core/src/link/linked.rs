//! `Linked`: modules whose imports are all found, to be instantiated any number of times.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Index;
use std::sync::Arc;

use wasmtime::{
    AsContextMut, Engine, Extern, ExternType, Func, ImportType, Instance, InstancePre, Linker, Module,
    ModuleExport, StoreContextMut, TypedFunc,
};

use super::resolve::{Origin, Resolved};
use super::role::{INITIALIZE, ModuleRole};
use super::stub::Stubs;
use crate::imports::LinkError;
use crate::text::one_line;
use crate::type_text::type_text;

/// [`Modules`](crate::Modules) whose imports are all found, to be instantiated any number of times, in as many stores.
///
/// Made by [`Modules::link`](crate::Modules::link), which checks everything once. A module that imports from the host
/// only is held as Wasmtime's [`InstancePre`], and exports of other modules by their place, not their name.
///
/// ```
/// use host_core::{Modules, Source};
/// use wasmtime::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let mut linker = Linker::<u32>::new(&engine);
/// linker.func_wrap("env", "log", |_: i32| ())?;
/// let math = Module::new(&engine, r#"(module (func (export "double") (param i32) (result i32)
///     (i32.mul (local.get 0) (i32.const 2))))"#)?;
/// let app = Module::new(&engine, r#"(module (import "env" "log" (func $log (param i32)))
///     (import "math" "double" (func $double (param i32) (result i32)))
///     (func (export "run") (result i32) (call $double (i32.const 21))))"#)?;
///
/// let modules = Modules::new().add("math", math)?.add("app", app)?;
/// let linked = modules.link(Store::new(&engine, 0), &linker)?;
/// let sources: Vec<String> = linked.sources().map(|import| import.to_string()).collect();
/// assert_eq!(sources, [
///     "`app` imports `env.log`, func(i32), from the host",
///     "`app` imports `math.double`, func(i32) -> i32, from module `math`",
/// ]);
///
/// for request in 0..3 {
///     let mut store = Store::new(&engine, request);
///     let instances = linked.instantiate(&mut store)?;
///     let run = instances["app"].get_typed_func::<(), i32>(&mut store, "run")?;
///     assert_eq!(run.call(&mut store, ())?, 42);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Linked<T: 'static> {
    /// In the order in which they are instantiated.
    parts: Vec<Part<T>>,
    positions: Arc<BTreeMap<String, usize>>,
    /// What the host offers.
    linker: Linker<T>,
}

/// One module.
struct Part<T: 'static> {
    name: String,
    module: Module,
    role: ModuleRole,
    /// `_initialize` of a reactor.
    initialize: Option<ModuleExport>,
    origins: Vec<Origin>,
    stubs: Stubs,
    way: Way<T>,
    /// Exports that others import by way of a linker.
    shared: BTreeMap<String, ModuleExport>,
}

/// How a module gets its imports.
enum Way<T: 'static> {
    /// The host provides all of them, or stubs do.
    Prepared(InstancePre<T>),
    /// Other modules provide all of them, or stubs do.
    Exports,
    /// By name, through a linker of the store's own, where some are the host's and some are other modules': only so does
    /// Wasmtime take notice of host functions that are async. And where the host provides a memory or a table: only so
    /// is it asked how large that is by then.
    Linker,
}

/// An import of one of the [`Linked`] modules, and where it comes from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportSource<'a> {
    /// The name of the module that imports it.
    pub importer: &'a str,
    /// What it imports: module, name and type.
    pub import: ImportType<'a>,
    /// Where it comes from.
    pub source: Source<'a>,
}

/// Where an import comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source<'a> {
    /// From the host: the linker holds it.
    Host,
    /// From the module of this name.
    Module(&'a str),
    /// From nobody: it is a function that stops the guest if it is called; see
    /// [`Modules::stub_missing`](crate::Modules::stub_missing).
    Stub,
}

/// The instances of linked modules in one store, by the names under which the modules were added: `instances["app"]`.
#[derive(Clone, Debug)]
pub struct Instances {
    positions: Arc<BTreeMap<String, usize>>,
    instances: Vec<Instance>,
}

impl<T: 'static> Linked<T> {
    /// `modules` in their order, each with what was found for it.
    pub(super) fn new<'a>(
        linker: &Linker<T>,
        modules: impl Iterator<Item = (&'a str, &'a Module, Resolved)>,
    ) -> Result<Linked<T>, LinkError> {
        let mut linker = linker.clone();
        // A module goes before what the linker offers under the same name.
        linker.allow_shadowing(true);
        let mut parts: Vec<Part<T>> = Vec::new();
        for (name, module, found) in modules {
            let part = Part::new(name, module, found, &mut linker)?;
            if matches!(part.way, Way::Linker) {
                for (import, origin) in part.module.imports().zip(&part.origins) {
                    if let Origin::Module { position, export } = *origin {
                        parts[position].shared.entry(import.name().to_owned()).or_insert(export);
                    }
                }
            }
            parts.push(part);
        }
        let positions =
            parts.iter().enumerate().map(|(position, part)| (part.name.clone(), position)).collect();
        Ok(Linked { parts, positions: Arc::new(positions), linker })
    }

    /// Instantiates all modules in `store`: runs their start functions, and `_initialize` of each reactor before any
    /// other module can use it.
    ///
    /// # Errors
    ///
    /// [`LinkError::Instantiate`] or [`LinkError::Initialize`] if one of these functions traps, a limit is exceeded, or a
    /// memory or table turns out to be too small for another module; [`LinkError::OtherEngine`]. The store must not be
    /// used again then.
    ///
    /// # Panics
    ///
    /// As [`Linker::instantiate`], if the linker holds a memory or table of another store.
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>) -> Result<Instances, LinkError> {
        let mut store = store.as_context_mut();
        let mut progress = self.begin(&store)?;
        for part in &self.parts {
            let failed = |error| part.failed(error);
            let instance = match progress.imports(part, &mut store).map_err(failed)? {
                Imports::Prepared(prepared) => prepared.instantiate(&mut store),
                Imports::Externs(externs) => Instance::new(&mut store, &part.module, &externs),
                Imports::Linker(linker) => linker.instantiate(&mut store, &part.module),
            };
            let instance = instance.map_err(failed)?;
            if let Some(initialize) = part.initializer(&mut store, instance).map_err(failed)? {
                initialize.call(&mut store, ()).map_err(|error| part.not_initialized(error))?;
            }
            progress.add(part, instance, &mut store).map_err(failed)?;
        }
        Ok(self.end(progress))
    }

    /// As [`instantiate`](Linked::instantiate), in a store of async calls.
    ///
    /// # Errors
    ///
    /// As [`instantiate`](Linked::instantiate).
    pub async fn instantiate_async(
        &self,
        mut store: impl AsContextMut<Data = T>,
    ) -> Result<Instances, LinkError>
    where
        T: Send,
    {
        let mut store = store.as_context_mut();
        let mut progress = self.begin(&store)?;
        for part in &self.parts {
            let failed = |error| part.failed(error);
            let instance = match progress.imports(part, &mut store).map_err(failed)? {
                Imports::Prepared(prepared) => prepared.instantiate_async(&mut store).await,
                Imports::Externs(externs) => Instance::new_async(&mut store, &part.module, &externs).await,
                Imports::Linker(linker) => linker.instantiate_async(&mut store, &part.module).await,
            };
            let instance = instance.map_err(failed)?;
            if let Some(initialize) = part.initializer(&mut store, instance).map_err(failed)? {
                initialize.call_async(&mut store, ()).await.map_err(|error| part.not_initialized(error))?;
            }
            progress.add(part, instance, &mut store).map_err(failed)?;
        }
        Ok(self.end(progress))
    }

    /// The names in the order in which the modules are instantiated, and the role of each.
    pub fn order(&self) -> impl ExactSizeIterator<Item = (&str, ModuleRole)> {
        self.parts.iter().map(|part| (part.name.as_str(), part.role))
    }

    /// Where each import of each module comes from, for reports.
    pub fn sources(&self) -> impl Iterator<Item = ImportSource<'_>> {
        self.parts.iter().flat_map(move |part| {
            part.module.imports().zip(&part.origins).map(move |(import, origin)| {
                let source = match origin {
                    Origin::Host => Source::Host,
                    Origin::Module { position, .. } => Source::Module(&self.parts[*position].name),
                    Origin::Stub(_) => Source::Stub,
                };
                ImportSource { importer: &part.name, import, source }
            })
        })
    }

    /// The imports that nobody provides and that are stubbed.
    pub fn stubs(&self) -> impl Iterator<Item = ImportSource<'_>> {
        self.sources().filter(|import| import.source == Source::Stub)
    }

    fn begin(&self, store: &StoreContextMut<'_, T>) -> Result<Progress<T>, LinkError> {
        if !Engine::same(store.engine(), self.linker.engine()) {
            return Err(LinkError::OtherEngine { what: "the store".to_owned() });
        }
        let by_linker = self.parts.iter().any(|part| matches!(part.way, Way::Linker));
        Ok(Progress {
            instances: Vec::with_capacity(self.parts.len()),
            linker: by_linker.then(|| self.linker.clone()),
        })
    }

    fn end(&self, progress: Progress<T>) -> Instances {
        Instances { positions: Arc::clone(&self.positions), instances: progress.instances }
    }
}

/// What there is of a graph that is being instantiated.
struct Progress<T: 'static> {
    instances: Vec<Instance>,
    /// The store's own, if any module goes by it.
    linker: Option<Linker<T>>,
}

/// What a module is instantiated with.
enum Imports<'a, T: 'static> {
    Prepared(&'a InstancePre<T>),
    Externs(Vec<Extern>),
    Linker(&'a Linker<T>),
}

impl<T: 'static> Progress<T> {
    fn imports<'a>(
        &'a mut self,
        part: &'a Part<T>,
        store: &mut StoreContextMut<'_, T>,
    ) -> wasmtime::Result<Imports<'a, T>> {
        match (&part.way, &mut self.linker) {
            (Way::Prepared(prepared), _) => Ok(Imports::Prepared(prepared)),
            (Way::Linker, Some(linker)) => {
                part.stubs.define(linker)?;
                Ok(Imports::Linker(linker))
            }
            (Way::Linker | Way::Exports, _) => {
                let externs = part.origins.iter().filter_map(|origin| match *origin {
                    Origin::Module { position, export } => {
                        self.instances[position].get_module_export(&mut *store, &export)
                    }
                    Origin::Stub(position) => {
                        let stub = &part.stubs.list()[position];
                        Some(Func::new(&mut *store, stub.ty.clone(), stub.function()).into())
                    }
                    // Such a module goes by a linker.
                    Origin::Host => None,
                });
                Ok(Imports::Externs(externs.collect()))
            }
        }
    }

    fn add(
        &mut self,
        part: &Part<T>,
        instance: Instance,
        store: &mut StoreContextMut<'_, T>,
    ) -> wasmtime::Result<()> {
        if let Some(linker) = &mut self.linker {
            for (name, export) in &part.shared {
                if let Some(item) = instance.get_module_export(&mut *store, export) {
                    linker.define(&*store, &part.name, name, item)?;
                }
            }
        }
        self.instances.push(instance);
        Ok(())
    }
}

impl<T: 'static> Part<T> {
    fn new(
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

    fn initializer(
        &self,
        store: &mut StoreContextMut<'_, T>,
        instance: Instance,
    ) -> wasmtime::Result<Option<TypedFunc<(), ()>>> {
        let export = self.initialize.and_then(|export| instance.get_module_export(&mut *store, &export));
        export.and_then(Extern::into_func).map(|func| func.typed(&*store)).transpose()
    }

    fn failed(&self, error: wasmtime::Error) -> LinkError {
        LinkError::Instantiate { name: self.name.clone(), error }
    }

    fn not_initialized(&self, error: wasmtime::Error) -> LinkError {
        LinkError::Initialize { name: self.name.clone(), error }
    }
}

/// Whether the host provides a memory or a table.
fn grows(module: &Module, origins: &[Origin]) -> bool {
    module.imports().zip(origins).any(|(import, origin)| {
        matches!(origin, Origin::Host) && matches!(import.ty(), ExternType::Memory(_) | ExternType::Table(_))
    })
}

impl<T: 'static> fmt::Debug for Linked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Linked ")?;
        f.debug_map().entries(self.order()).finish()
    }
}

impl fmt::Display for ImportSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (module, name) = (one_line(self.import.module()), one_line(self.import.name()));
        let (importer, ty) = (one_line(self.importer), type_text(&self.import.ty()));
        write!(f, "`{importer}` imports `{module}.{name}`, {ty}, ")?;
        match self.source {
            Source::Host => f.write_str("from the host"),
            Source::Module(module) => write!(f, "from module `{}`", one_line(module)),
            Source::Stub => f.write_str("from nobody: it is stubbed"),
        }
    }
}

impl Instances {
    /// The instance of the module that was added under `name`.
    pub fn get(&self, name: &str) -> Option<Instance> {
        self.positions.get(name).map(|position| self.instances[*position])
    }

    /// All of them, by their names in alphabetical order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Instance)> {
        self.positions.iter().map(|(name, position)| (name.as_str(), self.instances[*position]))
    }
}

/// # Panics
///
/// If no module was added under this name.
impl Index<&str> for Instances {
    type Output = Instance;

    fn index(&self, name: &str) -> &Instance {
        match self.positions.get(name) {
            Some(position) => &self.instances[*position],
            None => panic!("no module named `{}` was linked", one_line(name)),
        }
    }
}
