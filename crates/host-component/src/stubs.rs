//! What can stand in for imports that nobody has?

use thiserror::Error;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};
use wasmtime::{Engine, bail};

use crate::doctor::trial::{Finding, Outcome, findings, leaves};
use crate::doctor::{Problem, problem};
use crate::names::{printable, quoted};
use crate::wit::noun;

/// Items looked at for resources of one component; resources behind those get no stand-in.
const RESOURCES: usize = 10_000;

/// What [`stub_missing_imports`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stubs {
    /// What was defined: `log`, `wasi:clocks/wall-clock@0.2.6` for a whole interface, `my:io/files@0.2.6#open` for one item.
    pub stubbed: Vec<String>,
    /// What still keeps the component from being instantiated, because no stand-in can help.
    pub left: Vec<Problem>,
}

/// A function was called that [`stub_missing_imports`] defined. Found with `downcast_ref` in the error of the call.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the component called {}, for which there is only a stand-in; define it in the linker", quoted(.function))]
#[non_exhaustive]
pub struct StubCalled {
    /// The function: `log`, or `my:io/files@0.2.6#open`.
    pub function: String,
}

/// Defines in `linker` what `component` imports and `linker` does not have: functions that trap with a [`StubCalled`] when they
/// are called, and resources nobody can make. A component that imports more than it uses can be instantiated then.
///
/// What the linker offers is never covered up, even if it offers it in another version that is compatible:
/// [`Linker::define_unknown_imports_as_traps`] does cover that up. Where a compatible version lacks a function, there is no
/// way to add it, and it is reported as [left](Stubs::left), as is what has another type, and core modules and components.
///
/// ```
/// use host_component::stub_missing_imports;
/// use wasmtime::Engine;
/// use wasmtime::component::{Component, Linker};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::default();
/// let component = Component::new(&engine, r#"(component (import "log" (func)))"#)?;
/// let mut linker = Linker::<()>::new(&engine);
/// let stubs = stub_missing_imports(&mut linker, &component);
/// assert_eq!((stubs.stubbed, stubs.left), (vec!["log".to_owned()], vec![]));
/// linker.instantiate_pre(&component)?;
/// # Ok(())
/// # }
/// ```
pub fn stub_missing_imports<T: 'static>(linker: &mut Linker<T>, component: &Component) -> Stubs {
    let engine = component.engine();
    let ty = component.component_type();
    let mut stubs = Stubs::default();
    let mut known: Vec<(ResourceType, String)> = Vec::new();
    let mut looked_at = 0;
    for (import, item) in ty.imports(engine) {
        leaves(engine, &item.ty, &mut Vec::new(), &mut |_, leaf| {
            looked_at += 1;
            if let ComponentItem::Resource(ty) = leaf
                && looked_at < RESOURCES
                && !known.iter().any(|(known, _)| known == ty)
            {
                known.push((*ty, import.to_owned()));
            }
        });
    }
    for finding in findings(component, linker) {
        let introduced: Vec<ResourceType> =
            known.iter().filter(|(_, by)| *by == finding.import).map(|(ty, _)| *ty).collect();
        let item = ty.get_import(engine, &finding.import).map(|item| item.ty);
        match item.and_then(|item| define(linker, engine, &introduced, &finding, &item)) {
            Some(name) => stubs.stubbed.push(name),
            None => stubs.left.push(problem(finding)),
        }
    }
    stubs
}

/// Defines what is missing, and gives its name; nothing if no stand-in helps.
fn define<T: 'static>(
    linker: &mut Linker<T>,
    engine: &Engine,
    introduced: &[ResourceType],
    finding: &Finding,
    item: &ComponentItem,
) -> Option<String> {
    let (Outcome::Absent, import) = (&finding.outcome, finding.import.as_str()) else {
        return None;
    };
    let mut stand_ins = StandIns::new(engine, introduced);
    match &finding.item {
        Some(found) if found.is_exact => {
            let ComponentItem::ComponentInstance(instance) = item else { return None };
            let inside = instance.get_export(engine, &found.path)?.ty;
            let mut at = linker.instance(import).ok()?;
            stand_ins.define(&mut at, Some(import), &found.path, &inside).ok()?;
            Some(format!("{}#{}", printable(import), printable(&found.path)))
        }
        Some(found) if found.is_offered => None,
        _ => {
            stand_ins.define(&mut linker.root(), None, import, item).ok()?;
            Some(printable(import))
        }
    }
}

/// The resource type of stand-ins; nothing is ever made of it.
struct StandIn;

/// Defines stand-ins, and remembers for which resources.
pub(crate) struct StandIns<'a> {
    engine: &'a Engine,
    introduced: &'a [ResourceType],
    /// Resource types that have a stand-in now.
    pub(crate) made: Vec<ResourceType>,
}

impl<'a> StandIns<'a> {
    /// Only `introduced` resources get a stand-in: others are those of another import, taken over.
    pub(crate) fn new(engine: &'a Engine, introduced: &'a [ResourceType]) -> StandIns<'a> {
        StandIns { engine, introduced, made: Vec::new() }
    }

    pub(crate) fn define<T: 'static>(
        &mut self,
        at: &mut LinkerInstance<'_, T>,
        within: Option<&str>,
        name: &str,
        item: &ComponentItem,
    ) -> wasmtime::Result<()> {
        let full = || match within {
            // Cut if long: a copy of it is kept for every function.
            Some(within) => printable(&format!("{within}#{name}")),
            None => printable(name),
        };
        match item {
            ComponentItem::ComponentFunc(function) => {
                define_function(at, self.engine, full(), name, function)
            }
            ComponentItem::ComponentInstance(instance) => {
                let (mut inside, full) = (at.instance(name)?, full());
                instance
                    .exports(self.engine)
                    .try_for_each(|(name, item)| self.define(&mut inside, Some(&full), name, &item.ty))
            }
            ComponentItem::Resource(ty) if self.introduced.contains(ty) => {
                self.made.push(*ty);
                at.resource(name, ResourceType::host::<StandIn>(), |_, _| Ok(()))
            }
            ComponentItem::Resource(_) | ComponentItem::Type(_) => Ok(()),
            ComponentItem::Module(_) | ComponentItem::Component(_) | ComponentItem::CoreFunc(_) => {
                bail!("there is no stand-in for a {}", noun(item))
            }
        }
    }
}

fn define_function<T: 'static>(
    at: &mut LinkerInstance<'_, T>,
    engine: &Engine,
    full: String,
    name: &str,
    function: &ComponentFunc,
) -> wasmtime::Result<()> {
    let called = StubCalled { function: full };
    if !function.async_() {
        return at.func_new(name, move |_, _, _, _| Err(called.clone().into()));
    }
    #[cfg(feature = "component-model-async")]
    if engine.get_concurrency_support() {
        return at.func_new_concurrent(name, move |_, _, _, _| {
            let called = called.clone();
            Box::pin(async move { Err(called.into()) })
        });
    }
    let _ = engine;
    bail!("there is no stand-in for an async function")
}
