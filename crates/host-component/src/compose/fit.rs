//! Is what one component exports what another imports, resources included?
//!
//! A resource type is known by where it is from: a component of the graph, or the linker. Two components speak of the same
//! resource if they have it, over any number of interfaces and other components, from the same place.

use std::cell::Cell;
use std::collections::BTreeMap;

use wasmtime::Engine;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, ResourceType};

use super::plan::Kind;
use super::{Problem, passing};
use crate::compare::Comparer;
use crate::names::{InterfaceName, printable, track};
use crate::wit::{self, Scope, noun};

/// Steps spent on comparing the types of one graph; a hostile component can spell huge types with few bytes.
const PATIENCE: usize = 2_000_000;

/// Resource types of one component that are told apart; each is compared with all others.
const RESOURCES: usize = 1_000;

/// Where a resource type is from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Component(Kind),
    /// The linker, under this number.
    Host(u32),
}

/// The resource types one component has, and where they are from.
#[derive(Default)]
pub(super) struct NodeTypes {
    resources: Vec<(ResourceType, Origin)>,
}

impl NodeTypes {
    pub(super) fn origin(&self, ty: &ResourceType) -> Option<Origin> {
        self.resources.iter().find(|(known, _)| known == ty).map(|(_, origin)| *origin)
    }
}

/// What was found for one item of an interface.
pub(super) enum Item {
    Function {
        has_resources: bool,
    },
    /// A resource that the importer has from here for the first time.
    Resource {
        kind: Kind,
        is_new_of_provider: bool,
    },
    /// There is nothing to define.
    Nothing,
    Misfit(Misfit),
}

/// Why an item does not fit.
pub(super) enum Misfit {
    Lacks,
    Differs(String),
    Unsupported(&'static str),
}

impl Misfit {
    pub(super) fn into_problem(self, importer: &str, interface: &str, item: &str, exporter: &str) -> Problem {
        let (importer, interface, item) = (importer.to_owned(), printable(interface), printable(item));
        let exporter = exporter.to_owned();
        match self {
            Misfit::Lacks => Problem::Lacks { importer, interface, item, exporter },
            Misfit::Differs(reason) => Problem::Differs { importer, interface, item, exporter, reason },
            Misfit::Unsupported(what) => Problem::Unsupported { importer, interface, item, what },
        }
    }
}

pub(super) struct Fitter<'e> {
    engine: &'e Engine,
    kinds: Cell<u32>,
    hosts: BTreeMap<(String, String), u32>,
    steps: Cell<usize>,
    /// For all the texts of types there are to write.
    patience: Cell<usize>,
}

impl<'e> Fitter<'e> {
    pub(super) fn new(engine: &'e Engine) -> Fitter<'e> {
        Fitter {
            engine,
            kinds: Cell::new(0),
            hosts: BTreeMap::new(),
            steps: Cell::new(PATIENCE),
            patience: wit::patience(),
        }
    }

    /// Notes the resources that a component imports without an interface, which are the linker's.
    pub(super) fn note_root(&mut self, importer: &mut NodeTypes, component: &Component) {
        let ty = component.component_type();
        for (name, item) in ty.imports(self.engine) {
            if let ComponentItem::Resource(ty) = item.ty {
                self.note(importer, "", name, ty);
            }
        }
    }

    /// Notes the resources of an interface that is imported from the linker.
    pub(super) fn note_host(
        &mut self,
        importer: &mut NodeTypes,
        interface: &str,
        import: &ComponentInstance,
    ) {
        for (name, item) in import.exports(self.engine) {
            if let ComponentItem::Resource(ty) = item.ty {
                self.note(importer, interface, name, ty);
            }
        }
    }

    fn note(&mut self, importer: &mut NodeTypes, interface: &str, name: &str, ty: ResourceType) {
        if importer.resources.len() >= RESOURCES || importer.origin(&ty).is_some() {
            return;
        }
        // Compatible versions are one interface of the linker, and one resource.
        let wanted = InterfaceName::parse(interface);
        let version = wanted.version.map(|version| track(version).unwrap_or(version));
        let key = (format!("{}@{}", wanted.unversioned(), version.unwrap_or_default()), name.to_owned());
        let next = self.hosts.len() as u32;
        let number = *self.hosts.entry(key).or_insert(next);
        importer.resources.push((ty, Origin::Host(number)));
    }

    /// Compares an imported interface with the exported one, item by item.
    pub(super) fn fit(
        &self,
        importer: &mut NodeTypes,
        import: &ComponentInstance,
        provider: &mut NodeTypes,
        export: &ComponentInstance,
    ) -> Vec<(String, Item)> {
        let mut found = Vec::new();
        self.steps.set(self.steps.get().saturating_sub(export.exports(self.engine).len()));
        if self.steps.get() == 0 {
            let misfit = Misfit::Unsupported("interfaces of this many items");
            let name = import.exports(self.engine).next().map_or("", |(name, _)| name);
            return vec![(name.to_owned(), Item::Misfit(misfit))];
        }
        let scopes = [import, export].map(|instance| {
            Scope::of(instance.exports(self.engine).map(|(name, item)| (name, item.ty)), &self.patience)
        });
        let exports: BTreeMap<&str, ComponentItem> =
            export.exports(self.engine).map(|(name, item)| (name, item.ty)).collect();
        for (name, item) in import.exports(self.engine) {
            let item = match (item.ty, exports.get(name)) {
                (ComponentItem::Type(_), _) => continue,
                (_, None) => Err(Misfit::Lacks),
                (ComponentItem::ComponentFunc(wanted), Some(ComponentItem::ComponentFunc(offered))) => {
                    let same = |a: &ResourceType, b: &ResourceType| {
                        importer.origin(a).zip(provider.origin(b)).map(|(a, b)| a == b).or(Some(false))
                    };
                    let mut comparer = Comparer::new([&scopes[0], &scopes[1]], &self.steps, &same);
                    comparer.functions(&wanted, offered);
                    passing::function(&wanted, offered, comparer.finish(), &self.steps)
                        .map(|has_resources| Item::Function { has_resources })
                }
                (ComponentItem::Resource(wanted), Some(ComponentItem::Resource(offered))) => {
                    self.resource(importer, wanted, provider, *offered)
                }
                (wanted, Some(offered)) => {
                    Err(Misfit::Differs(format!("it is a {} and not a {}", noun(offered), noun(&wanted))))
                }
            };
            found.push((name.to_owned(), item.unwrap_or_else(Item::Misfit)));
        }
        found
    }

    fn resource(
        &self,
        importer: &mut NodeTypes,
        wanted: ResourceType,
        provider: &mut NodeTypes,
        offered: ResourceType,
    ) -> Result<Item, Misfit> {
        if importer.resources.len().max(provider.resources.len()) >= RESOURCES {
            return Err(Misfit::Unsupported("more than a thousand resource types"));
        }
        let known = provider.origin(&offered);
        // What a component does not import is its own.
        let origin = known.unwrap_or_else(|| {
            let origin = Origin::Component(Kind(self.kinds.get()));
            self.kinds.set(self.kinds.get() + 1);
            provider.resources.push((offered, origin));
            origin
        });
        match (importer.origin(&wanted), origin) {
            (Some(has), origin) if has == origin => Ok(Item::Nothing),
            (Some(_), _) => Err(Misfit::Differs("it is a resource from another place".to_owned())),
            (None, Origin::Component(kind)) => {
                importer.resources.push((wanted, origin));
                Ok(Item::Resource { kind, is_new_of_provider: known.is_none() })
            }
            (None, Origin::Host(_)) => Err(Misfit::Unsupported(
                "a resource of the host that the importer does not import from the host",
            )),
        }
    }
}
