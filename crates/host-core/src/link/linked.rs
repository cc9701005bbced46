//! `Linked`: modules whose imports are all found, to be instantiated any number of times.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tracing::Instrument as _;
use wasmtime::{AsContextMut, Engine, Extern, Func, Instance, InstancePre, Linker, Module, StoreContextMut};

use super::instances::Instances;
use super::part::{Part, Way};
use super::resolve::{Origin, Resolved};
use super::role::ModuleRole;
use super::source::{ImportSource, Source};
use crate::imports::LinkError;
use crate::trace;

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
            let span = trace::instantiate(&part.name);
            let done = span.in_scope(|| progress.instantiate(part, &mut store));
            trace::result(&span, &done);
            done?;
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
            let span = trace::instantiate(&part.name);
            let done = progress.instantiate_async(part, &mut store).instrument(span.clone()).await;
            trace::result(&span, &done);
            done?;
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
        Instances::new(Arc::clone(&self.positions), progress.instances)
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
    fn instantiate(&mut self, part: &Part<T>, store: &mut StoreContextMut<'_, T>) -> Result<(), LinkError> {
        let failed = |error| part.failed(error);
        let instance = match self.imports(part, store).map_err(failed)? {
            Imports::Prepared(prepared) => prepared.instantiate(&mut *store),
            Imports::Externs(externs) => Instance::new(&mut *store, &part.module, &externs),
            Imports::Linker(linker) => linker.instantiate(&mut *store, &part.module),
        };
        let instance = instance.map_err(failed)?;
        if let Some(initialize) = part.initializer(store, instance).map_err(failed)? {
            initialize.call(&mut *store, ()).map_err(|error| part.not_initialized(error))?;
        }
        self.add(part, instance, store).map_err(failed)
    }

    async fn instantiate_async(
        &mut self,
        part: &Part<T>,
        store: &mut StoreContextMut<'_, T>,
    ) -> Result<(), LinkError>
    where
        T: Send,
    {
        let failed = |error| part.failed(error);
        let instance = match self.imports(part, store).map_err(failed)? {
            Imports::Prepared(prepared) => prepared.instantiate_async(&mut *store).await,
            Imports::Externs(externs) => Instance::new_async(&mut *store, &part.module, &externs).await,
            Imports::Linker(linker) => linker.instantiate_async(&mut *store, &part.module).await,
        };
        let instance = instance.map_err(failed)?;
        if let Some(initialize) = part.initializer(store, instance).map_err(failed)? {
            initialize.call_async(&mut *store, ()).await.map_err(|error| part.not_initialized(error))?;
        }
        self.add(part, instance, store).map_err(failed)
    }

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

impl<T: 'static> fmt::Debug for Linked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Linked ")?;
        f.debug_map().entries(self.order()).finish()
    }
}
