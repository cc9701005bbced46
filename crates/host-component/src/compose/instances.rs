//! What do composed components become in a store, and how are they called?

use std::fmt;
use std::ops::Index;
use std::sync::Arc;

use wasmtime::component::{Instance, Val};
use wasmtime::{AsContextMut, StoreContextMut};

use super::HasComposition;
use super::plan::Plan;
use super::state::{enter, within, within_async};
use crate::call::{self, CallError};
use crate::exports::ExportedFunction;
use crate::names::printable;

/// The instances of composed components in one store, by the names under which the components were added:
/// `instances["app"]`.
#[derive(Clone)]
pub struct ComponentInstances {
    plan: Arc<Plan>,
    /// By position.
    instances: Vec<Instance>,
}

impl ComponentInstances {
    pub(super) fn new(plan: Arc<Plan>, instances: Vec<Instance>) -> ComponentInstances {
        ComponentInstances { plan, instances }
    }

    /// The instance of the component that was added under `name`.
    ///
    /// Where components have grants or limits of their own, call it through [`enter`](ComponentInstances::enter) or
    /// [`call`](ComponentInstances::call), so that the host knows that it is this one that runs.
    pub fn get(&self, name: &str) -> Option<Instance> {
        self.plan.positions.get(name).map(|position| self.instances[*position])
    }

    /// All of them, by their names in alphabetical order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Instance)> {
        self.plan.positions.iter().map(|(name, position)| (name.as_str(), self.instances[*position]))
    }

    /// As [`call`](crate::call()), of the component `name`.
    ///
    /// # Errors
    ///
    /// As [`call`](crate::call()). In the source of a [`CallError::Failed`] there is a [`NodeFailed`](super::NodeFailed).
    ///
    /// # Panics
    ///
    /// If no component was added under this name, or the instances are not `store`'s.
    pub fn call<T: HasComposition>(
        &self,
        mut store: impl AsContextMut<Data = T>,
        name: &str,
        function: &ExportedFunction,
        arguments: &[Val],
    ) -> Result<Vec<Val>, CallError> {
        let (position, instance) = self.expect(name);
        let mut store = store.as_context_mut();
        let failed = |source| CallError::Failed { function: printable(&function.full_name()), source };
        let entered = enter(&mut store, &self.plan, position).map_err(failed)?;
        let result = call::call(&mut store, &instance, function, arguments);
        let (result, refused) = apart(result);
        let result =
            entered.leave(&mut store, &self.plan, || Some(function.full_name()), result).map_err(failed)?;
        refused.map_or(Ok(result), Err)
    }

    /// As [`call`](ComponentInstances::call), for stores of async calls.
    ///
    /// # Errors
    ///
    /// As [`call`](ComponentInstances::call).
    ///
    /// # Panics
    ///
    /// As [`call`](ComponentInstances::call).
    pub async fn call_async<T: HasComposition + Send>(
        &self,
        mut store: impl AsContextMut<Data = T>,
        name: &str,
        function: &ExportedFunction,
        arguments: &[Val],
    ) -> Result<Vec<Val>, CallError> {
        let (position, instance) = self.expect(name);
        let mut store = store.as_context_mut();
        let failed = |source| CallError::Failed { function: printable(&function.full_name()), source };
        let entered = enter(&mut store, &self.plan, position).map_err(failed)?;
        let result = call::call_async(&mut store, &instance, function, arguments).await;
        let (result, refused) = apart(result);
        let result =
            entered.leave(&mut store, &self.plan, || Some(function.full_name()), result).map_err(failed)?;
        refused.map_or(Ok(result), Err)
    }

    /// Does `work`, which calls the component `name`: a typed call of its bindings, say. Its grants and limits are that
    /// component's meanwhile.
    ///
    /// # Errors
    ///
    /// What `work` gives, with a [`NodeFailed`](super::NodeFailed) in it.
    ///
    /// # Panics
    ///
    /// If no component was added under this name.
    pub fn enter<T: HasComposition, R>(
        &self,
        store: impl AsContextMut<Data = T>,
        name: &str,
        work: impl FnOnce(&mut StoreContextMut<'_, T>) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        within(store, &self.plan, self.expect(name).0, None, work)
    }

    /// As [`enter`](ComponentInstances::enter), for work that may wait.
    ///
    /// # Errors
    ///
    /// As [`enter`](ComponentInstances::enter).
    ///
    /// # Panics
    ///
    /// As [`enter`](ComponentInstances::enter).
    pub async fn enter_async<T: HasComposition + Send, R>(
        &self,
        store: impl AsContextMut<Data = T>,
        name: &str,
        work: impl AsyncFnOnce(&mut StoreContextMut<'_, T>) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        within_async(store, &self.plan, self.expect(name).0, None, work).await
    }

    #[expect(clippy::panic, reason = "as where a collection is indexed; the caller chose the names")]
    fn expect(&self, name: &str) -> (usize, Instance) {
        match self.plan.positions.get(name) {
            Some(position) => (*position, self.instances[*position]),
            None => panic!("no component named `{}` was linked", printable(name)),
        }
    }
}

/// What a call gave or how it failed, and how it was refused.
fn apart(result: Result<Vec<Val>, CallError>) -> (wasmtime::Result<Vec<Val>>, Option<CallError>) {
    match result {
        Ok(results) => (Ok(results), None),
        Err(CallError::Failed { source, .. }) => (Err(source), None),
        Err(refused) => (Ok(Vec::new()), Some(refused)),
    }
}

/// # Panics
///
/// If no component was added under this name.
impl Index<&str> for ComponentInstances {
    type Output = Instance;

    fn index(&self, name: &str) -> &Instance {
        &self.instances[self.expect(name).0]
    }
}

impl fmt::Debug for ComponentInstances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ComponentInstances ")?;
        f.debug_set().entries(self.plan.positions.keys()).finish()
    }
}
