//! What does a store keep of the components composed in it, and which of them runs?

use std::fmt;
use std::sync::{Arc, Weak};

use wasmtime::component::{Func, ResourceType};
use wasmtime::{AsContextMut, StoreContextMut, Trap, bail, format_err};

use super::fuel::{self, Shares};
use super::plan::{Kind, Plan};
use super::proxies::{DEFAULT_LIMIT, Proxies};
use super::{ComposeError, NodeFailed};

/// What a store keeps of the components composed in it: their instances, whose resources went where, and which component
/// runs.
///
/// A store holds one graph. The state that the components share with the host is the embedder's, and so are grants and limits;
/// [`current`](Composition::current) is how to tell them apart:
///
/// ```
/// use std::collections::BTreeMap;
///
/// use host_component::compose::{Composition, HasComposition};
///
/// struct Host {
///     composition: Composition,
///     logs: BTreeMap<String, Vec<String>>,
/// }
/// impl HasComposition for Host {
///     fn composition(&mut self) -> &mut Composition {
///         &mut self.composition
///     }
/// }
/// impl Host {
///     /// The log of the component that runs.
///     fn log(&mut self) -> &mut Vec<String> {
///         let name = self.composition.current().unwrap_or("the host");
///         self.logs.entry(name.to_owned()).or_default()
///     }
/// }
/// # let mut host = Host { composition: Composition::new(), logs: BTreeMap::new() };
/// # host.log().push("a".to_owned());
/// # assert_eq!(host.logs["the host"], ["a"]);
/// ```
pub struct Composition {
    pub(super) plan: Option<Arc<Plan>>,
    /// By position.
    pub(super) running: Vec<Running>,
    pub(super) proxies: Proxies,
    /// The components that have been entered, each with a sign that it has not been abandoned: the future of an async call
    /// can be dropped at any place where it waits, and then nobody leaves.
    entered: Vec<(usize, Weak<()>)>,
    failed: Option<usize>,
    pub(super) shares: Shares,
}

/// One component's instance.
pub(super) struct Running {
    /// What other components call of it.
    pub(super) functions: Vec<Func>,
    /// Its own resources that pass to others.
    pub(super) resources: Vec<(ResourceType, Kind)>,
}

/// Finds the [`Composition`] in a store's data.
pub trait HasComposition: 'static {
    /// The store's.
    fn composition(&mut self) -> &mut Composition;
}

impl HasComposition for Composition {
    fn composition(&mut self) -> &mut Composition {
        self
    }
}

impl Composition {
    /// No components yet. They may hold 1,000 resources of each other at a time.
    pub fn new() -> Composition {
        Composition {
            plan: None,
            running: Vec::new(),
            proxies: Proxies::with_limit(DEFAULT_LIMIT),
            entered: Vec::new(),
            failed: None,
            shares: Shares::default(),
        }
    }

    /// Lets the components hold `limit` resources of each other at a time. One more ends the call with
    /// [`TooManyResources`](super::TooManyResources).
    #[must_use]
    pub fn with_resource_limit(mut self, limit: usize) -> Composition {
        self.proxies = Proxies::with_limit(limit);
        self
    }

    /// Gives the component `name` no more than `units` of the store's fuel, for all it does itself; what it calls other components
    /// for, they pay. When the share is spent, the call ends with `Trap::OutOfFuel`, though the store has more. The engine
    /// must meter fuel.
    #[must_use]
    pub fn with_fuel_share(mut self, name: impl Into<String>, units: u64) -> Composition {
        self.shares.set(name.into(), units);
        self
    }

    /// What is left of a component's share of the fuel; none if it has no share.
    pub fn fuel_share(&self, name: &str) -> Option<u64> {
        self.shares.left(name)
    }

    /// The name of the component that runs, or whose memory the host is reading and writing: `None` outside of calls.
    ///
    /// It is known in calls from component to component, in [`ComponentInstances::call`](super::ComponentInstances::call) and
    /// [`enter`](super::ComponentInstances::enter), and during instantiation, but not where an instance is called directly:
    /// grant nothing to `None`.
    pub fn current(&self) -> Option<&str> {
        self.name(self.top())
    }

    /// The name of the component in which the last call failed: of several on the stack, the one that failed first. It
    /// tells whose limits to ask what happened. The store must not be used for another call then.
    pub fn failed(&self) -> Option<&str> {
        self.name(self.failed)
    }

    /// How many resources the components hold of each other.
    pub fn resources(&self) -> usize {
        self.proxies.len()
    }

    /// The position of the component that was entered last and not left.
    fn last(&self) -> Option<usize> {
        self.entered.last().map(|(position, _)| *position)
    }

    /// The position of the component that runs.
    fn top(&self) -> Option<usize> {
        let mut entered = self.entered.iter().rev();
        entered.find(|(_, alive)| alive.strong_count() > 0).map(|(position, _)| *position)
    }

    fn name(&self, position: Option<usize>) -> Option<&str> {
        Some(self.plan.as_ref()?.nodes.get(position?)?.name.as_str())
    }

    /// Makes room for the components of `plan`.
    pub(super) fn begin(&mut self, plan: &Arc<Plan>) -> Result<(), ComposeError> {
        if self.plan.is_some() {
            return Err(ComposeError::Occupied);
        }
        if let Some(name) = self.shares.names().find(|name| !plan.positions.contains_key(*name)) {
            let known = plan.positions.keys().cloned().collect();
            return Err(ComposeError::Unknown { name: name.to_owned(), known });
        }
        self.plan = Some(Arc::clone(plan));
        Ok(())
    }

    /// The state, if it is that of the components of `plan`.
    pub(super) fn of(&mut self, plan: &Arc<Plan>) -> wasmtime::Result<&mut Composition> {
        if self.plan.as_ref().is_some_and(|held| Arc::ptr_eq(held, plan)) {
            return Ok(self);
        }
        bail!(
            "the store does not hold these composed components; `HasComposition` must always find the same state"
        )
    }

    /// The instance at `position`.
    pub(super) fn instance(&self, position: usize) -> wasmtime::Result<&Running> {
        let instance = self.running.get(position);
        instance.ok_or_else(|| format_err!("a composed component was called before all were instantiated"))
    }
}

impl Default for Composition {
    fn default() -> Composition {
        Composition::new()
    }
}

impl fmt::Debug for Composition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Composition")
            .field("current", &self.current())
            .field("failed", &self.failed())
            .field("resources", &self.resources())
            .finish_non_exhaustive()
    }
}

/// A component has been entered, and must be left.
#[must_use]
pub(super) struct Entered {
    position: usize,
    /// How many were entered before.
    depth: usize,
    before: Option<usize>,
    _alive: Arc<()>,
}

/// Notes that the component at `position` runs from here on, on its share of the fuel.
pub(super) fn enter<T: HasComposition>(
    store: &mut StoreContextMut<'_, T>,
    plan: &Arc<Plan>,
    position: usize,
) -> wasmtime::Result<Entered> {
    let composition = store.data_mut().composition().of(plan)?;
    // Who went on last burnt the fuel, abandoned or not.
    let last = composition.last();
    composition.entered.retain(|(_, alive)| alive.strong_count() > 0);
    let depth = composition.entered.len();
    let before = composition.last();
    fuel::turn(store, last.map(|last| plan.name(last)), Some(plan.name(position)))?;
    let alive = Arc::new(());
    let composition = store.data_mut().composition();
    composition.entered.push((position, Arc::downgrade(&alive)));
    if before.is_none() {
        composition.failed = None;
    }
    Ok(Entered { position, depth, before, _alive: alive })
}

impl Entered {
    /// Notes that the component has been left, and names it and its `function` in the error if it is the one that failed.
    pub(super) fn leave<T: HasComposition, R>(
        self,
        store: &mut StoreContextMut<'_, T>,
        plan: &Plan,
        function: impl FnOnce() -> Option<String>,
        result: wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        let name = plan.name(self.position);
        let last = store.data_mut().composition().last().unwrap_or(self.position);
        let spent = fuel::turn(store, Some(plan.name(last)), self.before.map(|before| plan.name(before)))?;
        let composition = store.data_mut().composition();
        composition.entered.truncate(self.depth);
        result.map_err(|error| {
            if error.is::<NodeFailed>() {
                return error;
            }
            composition.failed = Some(self.position);
            let fuel_share = spent.filter(|_| error.downcast_ref() == Some(&Trap::OutOfFuel));
            error.context(NodeFailed { node: name.to_owned(), function: function(), fuel_share })
        })
    }
}

/// Does `work` as the component at `position`.
pub(super) fn within<T: HasComposition, R>(
    mut store: impl AsContextMut<Data = T>,
    plan: &Arc<Plan>,
    position: usize,
    function: Option<&str>,
    work: impl FnOnce(&mut StoreContextMut<'_, T>) -> wasmtime::Result<R>,
) -> wasmtime::Result<R> {
    let mut store = store.as_context_mut();
    let entered = enter(&mut store, plan, position)?;
    let result = work(&mut store);
    entered.leave(&mut store, plan, || function.map(str::to_owned), result)
}

/// As [`within`], for work that may wait.
pub(super) async fn within_async<T: HasComposition + Send, R>(
    mut store: impl AsContextMut<Data = T>,
    plan: &Arc<Plan>,
    position: usize,
    function: Option<&str>,
    work: impl AsyncFnOnce(&mut StoreContextMut<'_, T>) -> wasmtime::Result<R>,
) -> wasmtime::Result<R> {
    let mut store = store.as_context_mut();
    let entered = enter(&mut store, plan, position)?;
    let result = work(&mut store).await;
    entered.leave(&mut store, plan, || function.map(str::to_owned), result)
}
