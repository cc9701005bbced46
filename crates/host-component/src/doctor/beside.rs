//! A component beside a world: which item of the one answers to which of the other, and whether it fits.

use std::cell::Cell;

use wasmtime::Engine;
use wasmtime::component::types::{self, ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ResourceType};

use super::pairs::Pairs;
use crate::compare::{self, Comparer, Comparison, Difference};
use crate::names::InterfaceName;
use crate::wit::{self, Scope, noun};
use crate::world::World;

/// Items looked at of one component.
pub(super) const LOOKED_AT: usize = 50_000;

/// A component beside a world.
pub(super) struct Beside {
    pub(super) component: Side,
    pub(super) world: Side,
    pairs: Pairs,
    steps: Cell<usize>,
    pub(super) spelling: Cell<usize>,
    looked_at: usize,
}

/// The type of a component, and the engine that can read it.
pub(super) struct Side {
    pub(super) engine: Engine,
    ty: types::Component,
}

impl Side {
    pub(super) fn imports(&self) -> impl Iterator<Item = (&str, ComponentItem)> {
        self.ty.imports(&self.engine).map(|(name, item)| (name, item.ty))
    }

    pub(super) fn exports(&self) -> impl Iterator<Item = (&str, ComponentItem)> {
        self.ty.exports(&self.engine).map(|(name, item)| (name, item.ty))
    }

    pub(super) fn import(&self, name: &str) -> Option<(&str, ComponentItem)> {
        let exact = self.ty.get_import(&self.engine, name).map(|item| item.ty);
        exact.map(|item| ("", item)).or_else(|| compatible(self.imports(), name))
    }

    pub(super) fn export(&self, name: &str) -> Option<(&str, ComponentItem)> {
        let exact = self.ty.get_export(&self.engine, name).map(|item| item.ty);
        exact.map(|item| ("", item)).or_else(|| compatible(self.exports(), name))
    }

    pub(super) fn scope<'p>(
        &self,
        instance: Option<&types::ComponentInstance>,
        spelling: &'p Cell<usize>,
    ) -> Scope<'p> {
        match instance {
            Some(instance) => {
                Scope::of(instance.exports(&self.engine).map(|(name, item)| (name, item.ty)), spelling)
            }
            None => Scope::of(self.imports().chain(self.exports()), spelling),
        }
    }
}

fn compatible<'a>(
    mut items: impl Iterator<Item = (&'a str, ComponentItem)>,
    name: &str,
) -> Option<(&'a str, ComponentItem)> {
    let wanted = InterfaceName::parse(name);
    items.find(|(name, _)| InterfaceName::parse(name).is_compatible_with(&wanted))
}

/// What came of the comparison of two items of the same name.
pub(super) enum Fit {
    Fits,
    /// The other one lacks this.
    Lacks(&'static str),
    OtherKind(String),
    Differs(Vec<Difference>),
    TooLarge,
}

impl Beside {
    pub(super) fn new(component: &Component, world: &World) -> Beside {
        let side = |component: &Component| Side {
            engine: component.engine().clone(),
            ty: component.component_type(),
        };
        let mut beside = Beside {
            component: side(component),
            world: side(world.component()),
            pairs: Pairs::default(),
            steps: compare::patience(),
            spelling: wit::patience(),
            looked_at: 0,
        };
        beside.pair_resources();
        beside
    }

    /// Resources with the same name in the same import are the same one, as are those that exports take from there.
    fn pair_resources(&mut self) {
        let imports = self.component.imports().take(LOOKED_AT);
        for (name, item) in imports {
            match (item, self.world.import(name)) {
                (ComponentItem::Resource(a), Some((_, ComponentItem::Resource(b)))) => {
                    self.pairs.note(a, b);
                }
                (ComponentItem::ComponentInstance(a), Some((_, ComponentItem::ComponentInstance(b)))) => {
                    for (name, item) in a.exports(&self.component.engine).take(LOOKED_AT) {
                        if let ComponentItem::Resource(a) = item.ty
                            && let Some(item) = b.get_export(&self.world.engine, name)
                            && let ComponentItem::Resource(b) = item.ty
                        {
                            self.pairs.note(a, b);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The items of an import that the component wants, each with whether what is offered fits.
    pub(super) fn items(
        &mut self,
        wanted: &ComponentItem,
        offered: ComponentItem,
    ) -> Vec<(Option<String>, Fit)> {
        let engine = self.component.engine.clone();
        let paths = items_of(&engine, wanted);
        paths.into_iter().map(|path| self.item(wanted.clone(), offered.clone(), path, false)).collect()
    }

    /// The items of an export that the world wants, each with whether what the component has fits.
    pub(super) fn items_the_other_way(
        &mut self,
        offered: ComponentItem,
        wanted: &ComponentItem,
    ) -> Vec<(Option<String>, Fit)> {
        let engine = self.world.engine.clone();
        let paths = items_of(&engine, wanted);
        paths.into_iter().map(|path| self.item(offered.clone(), wanted.clone(), path, true)).collect()
    }

    fn item(
        &mut self,
        of_component: ComponentItem,
        of_world: ComponentItem,
        path: Option<String>,
        world_wants: bool,
    ) -> (Option<String>, Fit) {
        self.looked_at += 1;
        if self.looked_at > LOOKED_AT {
            return (path, Fit::TooLarge);
        }
        let found = [
            inside(&self.component.engine, &of_component, path.as_deref().unwrap_or_default()),
            inside(&self.world.engine, &of_world, path.as_deref().unwrap_or_default()),
        ];
        let fit = match (&found, world_wants) {
            // An interface need not have a resource that it takes from another one.
            ([Some(ComponentItem::Resource(ty)), None], false) if self.pairs.knows(ty) => Fit::Fits,
            ([Some(wanted), None], false) | ([None, Some(wanted)], true) => Fit::Lacks(noun(wanted)),
            _ => self.compare(of_component, of_world, path.as_deref().unwrap_or_default()),
        };
        (path, fit)
    }

    /// Compares an item of the component with that of the world; `path` leads to it if they are interfaces.
    pub(super) fn compare(
        &mut self,
        of_component: ComponentItem,
        of_world: ComponentItem,
        path: &str,
    ) -> Fit {
        let (Some(a), Some(b)) = (
            inside(&self.component.engine, &of_component, path),
            inside(&self.world.engine, &of_world, path),
        ) else {
            return Fit::Fits;
        };
        match (a, b) {
            (ComponentItem::ComponentFunc(a), ComponentItem::ComponentFunc(b)) => {
                self.functions([&of_component, &of_world], &a, &b)
            }
            (ComponentItem::Resource(a), ComponentItem::Resource(b)) => match self.pairs.note(a, b) {
                true => Fit::Fits,
                false => Fit::OtherKind("it stands for another resource than elsewhere".to_owned()),
            },
            (a, b) if std::mem::discriminant(&a) == std::mem::discriminant(&b) => Fit::Fits,
            (a, b) => {
                Fit::OtherKind(format!("the component has a {}, but a {} is expected", noun(&a), noun(&b)))
            }
        }
    }

    fn functions(&mut self, within: [&ComponentItem; 2], a: &ComponentFunc, b: &ComponentFunc) -> Fit {
        let instance = |item: &ComponentItem| match item {
            ComponentItem::ComponentInstance(instance) => Some(instance.clone()),
            _ => None,
        };
        let instances = within.map(instance);
        let scopes = [
            self.component.scope(instances[0].as_ref(), &self.spelling),
            self.world.scope(instances[1].as_ref(), &self.spelling),
        ];
        let same = |a: &ResourceType, b: &ResourceType| self.pairs.agree(a, b);
        let mut comparer = Comparer::new([&scopes[0], &scopes[1]], &self.steps, &same);
        comparer.functions(a, b);
        match comparer.finish() {
            Comparison { differences, cut: true, .. } if differences.is_empty() => Fit::TooLarge,
            Comparison { differences, .. } if differences.is_empty() => Fit::Fits,
            Comparison { differences, .. } => Fit::Differs(differences),
        }
    }
}

/// The names of what is inside an interface, and needs something; nothing but itself for any other item.
fn items_of(engine: &Engine, item: &ComponentItem) -> Vec<Option<String>> {
    match item {
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine)
            .take(LOOKED_AT)
            .filter(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)))
            .map(|(name, _)| Some(name.to_owned()))
            .collect(),
        ComponentItem::Type(_) => Vec::new(),
        _ => vec![None],
    }
}

/// The item at `path` inside `item`, which is `item` itself if the path is empty.
fn inside(engine: &Engine, item: &ComponentItem, path: &str) -> Option<ComponentItem> {
    match item {
        _ if path.is_empty() => Some(item.clone()),
        ComponentItem::ComponentInstance(instance) => {
            let (step, rest) = path.split_once('#').unwrap_or((path, ""));
            inside(engine, &instance.get_export(engine, step)?.ty, rest)
        }
        _ => None,
    }
}

/// Whether a linker must have something for this import. Types need nothing.
pub(super) fn needs_host(engine: &Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::ComponentInstance(instance) => {
            instance.exports(engine).take(LOOKED_AT).any(|(_, item)| needs_host(engine, &item.ty))
        }
        ComponentItem::Type(_) => false,
        _ => true,
    }
}
