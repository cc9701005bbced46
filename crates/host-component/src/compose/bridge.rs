//! What happens when one component calls another, or drops what is another's?

use std::sync::Arc;

use wasmtime::component::{Func, LinkerInstance, ResourceAny, ResourceDynamic, Val};
use wasmtime::{AsContextMut, StoreContextMut, format_err};

use super::HasComposition;
use super::plan::{Function, Kind, Plan};
use super::proxies::visit;
use super::state::enter;

/// A function as it is defined for those that import it: the way to the component that exports it.
#[derive(Clone)]
pub(super) struct Bridge {
    pub(super) plan: Arc<Plan>,
    pub(super) provider: usize,
    /// The function's place among those of the provider.
    pub(super) slot: usize,
    /// Whether there are resources among its arguments or results; without, values go through untouched.
    pub(super) has_resources: bool,
}

/// A resource as it is defined for those that import it: the way to the component that destroys it.
#[derive(Clone)]
pub(super) struct Destructor {
    pub(super) plan: Arc<Plan>,
    pub(super) kind: Kind,
}

/// How functions and resources are defined: for sync or for async stores.
pub(super) struct Definer<T: 'static> {
    pub(super) function: fn(&mut LinkerInstance<'_, T>, &str, Bridge) -> wasmtime::Result<()>,
    pub(super) resource: fn(&mut LinkerInstance<'_, T>, &str, Destructor) -> wasmtime::Result<()>,
}

impl<T: HasComposition> Definer<T> {
    pub(super) fn sync() -> Definer<T> {
        Definer {
            function: |linker, name, bridge| {
                linker.func_new(name, move |store, _, params, results| bridge.call(store, params, results))
            },
            resource: |linker, name, destructor| {
                linker
                    .resource(name, destructor.kind.ty(), move |store, number| destructor.call(store, number))
            },
        }
    }

    pub(super) fn asynchronous() -> Definer<T>
    where
        T: Send,
    {
        Definer {
            function: |linker, name, bridge| {
                linker.func_new_async(name, move |store, _, params, results| {
                    let bridge = bridge.clone();
                    Box::new(async move { bridge.call_async(store, params, results).await })
                })
            },
            resource: |linker, name, destructor| {
                linker.resource_async(name, destructor.kind.ty(), move |store, number| {
                    let destructor = destructor.clone();
                    Box::new(async move { destructor.call_async(store, number).await })
                })
            },
        }
    }
}

impl Bridge {
    fn call<T: HasComposition>(
        &self,
        mut store: StoreContextMut<'_, T>,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        let func = self.func(&mut store)?;
        let entered = enter(&mut store, &self.plan, self.provider)?;
        let result = self.cross(&mut store, func, params, results);
        entered.leave(&mut store, &self.plan, || Some(self.function().name.clone()), result)
    }

    fn cross<T: HasComposition>(
        &self,
        store: &mut StoreContextMut<'_, T>,
        func: Func,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        if !self.has_resources {
            return func.call(store, params, results);
        }
        let Arguments { values, lent } = self.arguments(store, params)?;
        func.call(&mut *store, &values, results)?;
        lent.into_iter().try_for_each(|resource| resource.resource_drop(&mut *store))?;
        self.results(store, results)
    }

    async fn call_async<T: HasComposition + Send>(
        &self,
        mut store: StoreContextMut<'_, T>,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        let func = self.func(&mut store)?;
        let entered = enter(&mut store, &self.plan, self.provider)?;
        let result = self.cross_async(&mut store, func, params, results).await;
        entered.leave(&mut store, &self.plan, || Some(self.function().name.clone()), result)
    }

    async fn cross_async<T: HasComposition + Send>(
        &self,
        store: &mut StoreContextMut<'_, T>,
        func: Func,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        if !self.has_resources {
            return func.call_async(store, params, results).await;
        }
        let Arguments { values, lent } = self.arguments(store, params)?;
        func.call_async(&mut *store, &values, results).await?;
        for resource in lent {
            resource.resource_drop_async(&mut *store).await?;
        }
        self.results(store, results)
    }

    fn function(&self) -> &Function {
        &self.plan.nodes[self.provider].functions[self.slot]
    }

    fn func<T: HasComposition>(&self, store: &mut StoreContextMut<'_, T>) -> wasmtime::Result<Func> {
        Ok(store.data_mut().composition().of(&self.plan)?.instance(self.provider)?.functions[self.slot])
    }

    /// The arguments as the provider takes them: what is its own, instead of numbers.
    fn arguments<T: HasComposition>(
        &self,
        store: &mut StoreContextMut<'_, T>,
        params: &[Val],
    ) -> wasmtime::Result<Arguments> {
        let own = &self.plan.nodes[self.provider].resources;
        let mut values = params.to_vec();
        let mut lent = Vec::new();
        for value in &mut values {
            visit(value, &mut |resource| {
                let ty = resource.ty();
                match own.iter().map(|own| own.kind).find(|kind| kind.ty() == ty) {
                    Some(kind) => *resource = brought_back(store, *resource, kind)?,
                    // It passes on to somebody it does not belong to either, who gives back what is lent when the call ends.
                    None if !resource.owned() => lent.push(*resource),
                    None => {}
                }
                Ok(())
            })?;
        }
        Ok(Arguments { values, lent })
    }

    /// Gives numbers to what the provider gives away of its own.
    fn results<T: HasComposition>(
        &self,
        store: &mut StoreContextMut<'_, T>,
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        for value in results {
            visit(value, &mut |resource| {
                let composition = store.data_mut().composition();
                let own = &composition.instance(self.provider)?.resources;
                let Some((_, kind)) = own.iter().copied().find(|(ty, _)| *ty == resource.ty()) else {
                    return Ok(());
                };
                let number = composition.proxies.insert(kind, *resource)?;
                let proxy = ResourceDynamic::new_own(number, kind.payload());
                *resource = proxy.try_into_resource_any(&mut *store)?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// What goes into a call, and what has to be given back after it.
struct Arguments {
    values: Vec<Val>,
    lent: Vec<ResourceAny>,
}

/// The resource behind a number, which is given up if it is not only lent.
fn brought_back<T: HasComposition>(
    store: &mut StoreContextMut<'_, T>,
    proxy: ResourceAny,
    kind: Kind,
) -> wasmtime::Result<ResourceAny> {
    let owned = proxy.owned();
    let number = proxy.try_into_resource_dynamic(&mut *store)?.rep();
    let proxies = &mut store.data_mut().composition().proxies;
    let found = if owned { proxies.remove(kind, number) } else { proxies.get(kind, number) };
    found.ok_or_else(|| unknown(number))
}

impl Destructor {
    fn call<T: HasComposition>(
        &self,
        mut store: StoreContextMut<'_, T>,
        number: u32,
    ) -> wasmtime::Result<()> {
        let (owner, name, resource) = self.find(&mut store, number)?;
        let entered = enter(&mut store, &self.plan, owner)?;
        let result = resource.resource_drop(&mut store);
        entered.leave(&mut store, &self.plan, || Some(name.to_owned()), result)
    }

    async fn call_async<T: HasComposition + Send>(
        &self,
        mut store: StoreContextMut<'_, T>,
        number: u32,
    ) -> wasmtime::Result<()> {
        let (owner, name, resource) = self.find(&mut store, number)?;
        let entered = enter(&mut store, &self.plan, owner)?;
        let result = resource.resource_drop_async(store.as_context_mut()).await;
        entered.leave(&mut store, &self.plan, || Some(name.to_owned()), result)
    }

    fn find<T: HasComposition>(
        &self,
        store: &mut StoreContextMut<'_, T>,
        number: u32,
    ) -> wasmtime::Result<(usize, &str, ResourceAny)> {
        let (owner, own) = self.plan.owner(self.kind).ok_or_else(|| unknown(number))?;
        let composition = store.data_mut().composition().of(&self.plan)?;
        let resource = composition.proxies.remove(self.kind, number).ok_or_else(|| unknown(number))?;
        Ok((owner, &own.destructor, resource))
    }
}

#[cold]
fn unknown(number: u32) -> wasmtime::Error {
    format_err!("no composed component has given away a resource numbered {number}")
}
