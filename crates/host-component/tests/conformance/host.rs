//! What the scripts import from their host: a few functions, a module, and two types of resources.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime::{AsContextMut as _, Module, Result, bail};

struct Resource1;
struct Resource2;

/// Adds the imports `host`, `host-return-two`, `host-echo-u32` and `wasmtime`, which do what those of Wasmtime's own runner do.
pub(super) fn add_to_linker(linker: &mut Linker<()>) -> Result<()> {
    let mut root = linker.root();
    root.func_wrap_concurrent("host-echo-u32", |_, (value,): (u32,)| Box::pin(async move { Ok((value,)) }))?;
    root.func_wrap("host-return-two", |_, (): ()| Ok((2_u32,)))?;
    let module = Module::new(
        linker.engine(),
        r#"(module (global (export "g") i32 i32.const 100) (func (export "f") (result i32) i32.const 101))"#,
    )?;
    let mut host = linker.instance("host")?;
    host.module("simple-module", &module)?;
    host.func_wrap("return-three", |_, (): ()| Ok((3_u32,)))?;
    host.func_wrap("return-hi", |_, (): ()| Ok(("hi".to_owned(),)))?;
    host.func_wrap_concurrent("never-return", |_, (): ()| Box::pin(pending::<Result<()>>()))?;
    host.func_wrap_concurrent("return-two-slowly", |_, (): ()| {
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok((2,))
        })
    })?;
    host.func_wrap_concurrent("echo-slowly", |_, (value,): (u32,)| {
        Box::pin(async move {
            tokio::task::yield_now().await;
            Ok((value,))
        })
    })?;
    host.instance("nested")?.func_wrap("return-four", |_, (): ()| Ok((4_u32,)))?;
    resources(linker)?;
    wasmtime_itself(linker)
}

fn resources(linker: &mut Linker<()>) -> Result<()> {
    #[derive(Default)]
    struct Dropped {
        count: AtomicU32,
        last: AtomicU32,
    }
    let dropped = Arc::new(Dropped::default());

    let mut host = linker.instance("host")?;
    host.resource("resource1", ResourceType::host::<Resource1>(), {
        let dropped = dropped.clone();
        move |_, rep| {
            dropped.count.fetch_add(1, Ordering::Relaxed);
            dropped.last.store(rep, Ordering::Relaxed);
            Ok(())
        }
    })?;
    host.resource("resource2", ResourceType::host::<Resource2>(), |_, _| Ok(()))?;
    // The same type as the first one, with a destructor that must not be the one that runs.
    host.resource("resource1-again", ResourceType::host::<Resource1>(), |_, _| {
        bail!("the wrong destructor")
    })?;
    host.func_wrap("[constructor]resource1", |_, (rep,): (u32,)| Ok((Resource::<Resource1>::new_own(rep),)))?;
    host.func_wrap("[static]resource1.assert", |_, (resource, rep): (Resource<Resource1>, u32)| {
        must(resource.rep() == rep)
    })?;
    host.func_wrap("[static]resource1.last-drop", {
        let dropped = dropped.clone();
        move |_, (): ()| Ok((dropped.last.load(Ordering::Relaxed),))
    })?;
    host.func_wrap("[static]resource1.drops", move |_, (): ()| Ok((dropped.count.load(Ordering::Relaxed),)))?;
    host.func_wrap("[method]resource1.simple", |_, (resource, rep): (Resource<Resource1>, u32)| {
        must(!resource.owned() && resource.rep() == rep)
    })?;
    host.func_wrap(
        "[method]resource1.take-borrow",
        |_, (a, b): (Resource<Resource1>, Resource<Resource1>)| must(!a.owned() && !b.owned()),
    )?;
    host.func_wrap("[method]resource1.take-own", |_, (a, b): (Resource<Resource1>, Resource<Resource1>)| {
        must(!a.owned() && b.owned())
    })?;
    host.func_wrap_concurrent("[method]resource1.never-return", |_, (_,): (Resource<Resource1>,)| {
        Box::pin(pending::<Result<()>>())
    })
}

/// What only Wasmtime's own scripts import.
fn wasmtime_itself(linker: &mut Linker<()>) -> Result<()> {
    let mut wasmtime = linker.instance("wasmtime")?;
    wasmtime.func_wrap("set-max-table-capacity", |mut store, (capacity,): (u32,)| {
        match store.as_context_mut().concurrent_resource_table() {
            Some(table) => table.set_max_capacity(capacity.try_into()?),
            None => bail!("the store has no table"),
        }
        Ok(())
    })?;
    wasmtime.func_wrap("gc", |mut store, (): ()| store.as_context_mut().gc(None))
}

fn must(holds: bool) -> Result<()> {
    if holds { Ok(()) } else { bail!("the resource is not the one that was expected") }
}
