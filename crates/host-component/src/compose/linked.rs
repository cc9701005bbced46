//! Components whose imports are all found, to be instantiated any number of times.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::{Component, Func, Instance, InstancePre, Linker};
use wasmtime::{AsContextMut, Engine, StoreContextMut, format_err};

use super::bridge::{Bridge, Definer, Destructor};
use super::plan::{Bridged, Node, Plan};
use super::state::{Running, enter, within};
use super::{ComponentInstances, Components, ComposeError, HasComposition, Linkers, Problem};
use crate::doctor::{self, Doctor};

/// [`Components`] whose imports are all found, to be instantiated any number of times, in as many stores.
///
/// Each is held as Wasmtime's [`InstancePre`], so that instantiating looks nothing up by name.
pub struct LinkedComponents<T: 'static> {
    plan: Arc<Plan>,
    /// By position.
    prepared: Vec<InstancePre<T>>,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Sync,
    Async,
}

impl Components {
    /// Finds where every import of every component comes from, once and for all sync stores. Nothing runs.
    ///
    /// `linkers` is a [`&Linker`](Linker), or [`Linkers`] if components are offered different things.
    ///
    /// # Errors
    ///
    /// Those of [`order`](Components::order); [`ComposeError::OtherEngine`]; [`ComposeError::Imports`] with everything that is
    /// missing or has another type.
    pub fn link<'a, T: HasComposition>(
        &self,
        linkers: impl Into<Linkers<'a, T>>,
    ) -> Result<LinkedComponents<T>, ComposeError> {
        self.link_as(&linkers.into(), &Definer::sync(), Mode::Sync)
    }

    /// As [`link`](Components::link), for stores of async calls: components may wait in host functions, and in each other.
    ///
    /// # Errors
    ///
    /// As [`link`](Components::link).
    pub fn link_async<'a, T: HasComposition + Send>(
        &self,
        linkers: impl Into<Linkers<'a, T>>,
    ) -> Result<LinkedComponents<T>, ComposeError> {
        self.link_as(&linkers.into(), &Definer::asynchronous(), Mode::Async)
    }

    fn link_as<T: HasComposition>(
        &self,
        linkers: &Linkers<'_, T>,
        definer: &Definer<T>,
        mode: Mode,
    ) -> Result<LinkedComponents<T>, ComposeError> {
        linkers.check(self)?;
        let (plan, mut problems) = Plan::of(self, linkers.engine())?;
        let plan = Arc::new(plan);
        let mut prepared = Vec::new();
        for node in &plan.nodes {
            let mut linker = linkers.of(&node.name).clone();
            let found = define(&plan, node, &mut linker, definer)
                .and_then(|()| linker.instantiate_pre(&node.component));
            match found {
                Ok(found) => prepared.push(found),
                Err(error) => problems.extend(host_problem(node, &linker, &error, &problems)),
            }
        }
        if problems.is_empty() {
            Ok(LinkedComponents { plan, prepared, mode })
        } else {
            Err(ComposeError::Imports { problems })
        }
    }
}

/// Adds to a component's linker what it imports from others, which goes before what the host has under the same name.
fn define<T: HasComposition>(
    plan: &Arc<Plan>,
    node: &Node,
    linker: &mut Linker<T>,
    definer: &Definer<T>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    for import in &node.imports {
        let mut interface = linker.instance(&import.interface)?;
        for (name, item) in &import.items {
            let plan = Arc::clone(plan);
            match *item {
                Bridged::Function { slot, has_resources } => {
                    let bridge = Bridge { plan, provider: import.provider, slot, has_resources };
                    (definer.function)(&mut interface, name, bridge)?;
                }
                Bridged::Resource(kind) => {
                    (definer.resource)(&mut interface, name, Destructor { plan, kind })?;
                }
            }
        }
    }
    Ok(())
}

/// What the linker lacks for a component, besides what was found wrong between components.
fn host_problem<T: HasComposition>(
    node: &Node,
    linker: &Linker<T>,
    refusal: &wasmtime::Error,
    known: &[Problem],
) -> Option<Problem> {
    let from_others = |name: &str| node.imports.iter().any(|import| import.interface == name);
    let mut problems = match Doctor::new().check(&node.component, linker) {
        Ok(()) => Vec::new(),
        Err(report) => report.problems,
    };
    problems.retain(|problem| match problem {
        doctor::Problem::Missing { import, .. }
        | doctor::Problem::Differs { import, .. }
        | doctor::Problem::Unchecked { import, .. } => !from_others(import),
        _ => true,
    });
    if problems.is_empty() {
        let is_known = known.iter().any(|problem| match problem {
            Problem::Lacks { importer, .. }
            | Problem::Differs { importer, .. }
            | Problem::Unsupported { importer, .. } => *importer == node.name,
            Problem::Host { .. } => false,
        });
        if is_known {
            return None;
        }
        let reason = format!("{refusal:#}");
        problems.push(doctor::Problem::Unchecked { import: "all imports".to_owned(), reason });
    }
    Some(Problem::Host { importer: node.name.clone(), report: doctor::Report { problems } })
}

impl<T: HasComposition> LinkedComponents<T> {
    /// Instantiates all components in `store`, each after those it imports from.
    ///
    /// # Errors
    ///
    /// [`ComposeError::Instantiate`] if a component fails while it is instantiated; the store must not be used again then.
    /// [`ComposeError::Occupied`], [`ComposeError::OtherEngine`], [`ComposeError::OtherMode`] and, for a share of the fuel that no
    /// component has, [`ComposeError::Unknown`] before anything runs.
    pub fn instantiate(
        &self,
        mut store: impl AsContextMut<Data = T>,
    ) -> Result<ComponentInstances, ComposeError> {
        let mut store = store.as_context_mut();
        self.begin(&mut store, Mode::Sync)?;
        let mut instances = Vec::with_capacity(self.prepared.len());
        for (position, prepared) in self.prepared.iter().enumerate() {
            let instance =
                within(&mut store, &self.plan, position, None, |store| prepared.instantiate(&mut *store));
            self.ready(&mut store, &mut instances, instance)?;
        }
        Ok(ComponentInstances::new(Arc::clone(&self.plan), instances))
    }

    /// As [`instantiate`](LinkedComponents::instantiate), in a store of async calls.
    ///
    /// # Errors
    ///
    /// As [`instantiate`](LinkedComponents::instantiate).
    pub async fn instantiate_async(
        &self,
        mut store: impl AsContextMut<Data = T>,
    ) -> Result<ComponentInstances, ComposeError>
    where
        T: Send,
    {
        let mut store = store.as_context_mut();
        self.begin(&mut store, Mode::Async)?;
        let mut instances = Vec::with_capacity(self.prepared.len());
        for (position, prepared) in self.prepared.iter().enumerate() {
            let instance = match enter(&mut store, &self.plan, position) {
                Err(error) => Err(error),
                Ok(entered) => {
                    let instance = prepared.instantiate_async(&mut store).await;
                    entered.leave(&mut store, &self.plan, || None, instance)
                }
            };
            self.ready(&mut store, &mut instances, instance)?;
        }
        Ok(ComponentInstances::new(Arc::clone(&self.plan), instances))
    }

    /// The names, in the order in which the components are instantiated.
    pub fn order(&self) -> impl ExactSizeIterator<Item = &str> {
        self.plan.nodes.iter().map(|node| node.name.as_str())
    }

    /// The component that was added under `name`.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.plan.positions.get(name).map(|position| &self.plan.nodes[*position].component)
    }

    fn begin(&self, store: &mut StoreContextMut<'_, T>, mode: Mode) -> Result<(), ComposeError> {
        if mode != self.mode {
            let (linked, instantiate) = match self.mode {
                Mode::Sync => ("link", "instantiate"),
                Mode::Async => ("link_async", "instantiate_async"),
            };
            return Err(ComposeError::OtherMode { linked, instantiate });
        }
        let engine = self.prepared.first().map(InstancePre::engine);
        if engine.is_some_and(|engine| !Engine::same(engine, store.engine())) {
            return Err(ComposeError::OtherEngine { what: "the store".to_owned() });
        }
        store.data_mut().composition().begin(&self.plan)
    }

    /// Takes from a new instance what others call and own of it.
    fn ready(
        &self,
        store: &mut StoreContextMut<'_, T>,
        instances: &mut Vec<Instance>,
        instance: wasmtime::Result<Instance>,
    ) -> Result<(), ComposeError> {
        let node = &self.plan.nodes[instances.len()];
        let instance =
            instance.map_err(|source| ComposeError::Instantiate { node: node.name.clone(), source })?;
        let functions = node.functions.iter().map(|function| instance.get_func(&mut *store, function.index));
        let functions: Option<Vec<Func>> = functions.collect();
        let resources = node
            .resources
            .iter()
            .map(|resource| Some((instance.get_resource(&mut *store, resource.index)?, resource.kind)));
        let resources: Option<Vec<_>> = resources.collect();
        let (Some(functions), Some(resources)) = (functions, resources) else {
            let source = format_err!("an export that its component's type has is not in the instance");
            return Err(ComposeError::Instantiate { node: node.name.clone(), source });
        };
        store.data_mut().composition().running.push(Running { functions, resources });
        instances.push(instance);
        Ok(())
    }
}

impl<T: HasComposition> fmt::Debug for LinkedComponents<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkedComponents ")?;
        f.debug_list().entries(self.order()).finish()
    }
}
