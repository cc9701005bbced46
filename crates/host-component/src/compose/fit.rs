//! Is what one component exports what another imports, resources included?
//!
//! A resource type is known by where it is from: a component of the graph, or the linker. Two components speak of the same
//! resource if they have it, over any number of interfaces and other components, from the same place.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::iter;

use wasmtime::Engine;
use wasmtime::component::types::{Case, ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, ResourceType, Type};

use super::Problem;
use super::plan::Kind;
use crate::names::{InterfaceName, printable, quoted, track};
use crate::path::Path;
use crate::wit::{self, Scope};

/// Steps spent on comparing the types of one graph; a hostile component can spell huge types with few bytes.
const PATIENCE: usize = 2_000_000;

/// Resource types of one component that are told apart; each is compared with all others.
const RESOURCES: usize = 1_000;

/// Where a resource type is from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
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
    fn origin(&self, ty: &ResourceType) -> Option<Origin> {
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
    kinds: u32,
    hosts: BTreeMap<(String, String), u32>,
    steps: usize,
    /// For all the texts of types there are to write.
    patience: Cell<usize>,
}

impl<'e> Fitter<'e> {
    pub(super) fn new(engine: &'e Engine) -> Fitter<'e> {
        Fitter { engine, kinds: 0, hosts: BTreeMap::new(), steps: PATIENCE, patience: wit::patience() }
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
        &mut self,
        importer: &mut NodeTypes,
        import: &ComponentInstance,
        provider: &mut NodeTypes,
        export: &ComponentInstance,
    ) -> Vec<(String, Item)> {
        let mut found = Vec::new();
        self.steps = self.steps.saturating_sub(export.exports(self.engine).len());
        if self.steps == 0 {
            let misfit = Misfit::Unsupported("interfaces of this many items");
            let name = import.exports(self.engine).next().map_or("", |(name, _)| name);
            return vec![(name.to_owned(), Item::Misfit(misfit))];
        }
        let exports: BTreeMap<&str, ComponentItem> =
            export.exports(self.engine).map(|(name, item)| (name, item.ty)).collect();
        for (name, item) in import.exports(self.engine) {
            let item = match (item.ty, exports.get(name)) {
                (ComponentItem::Type(_), _) => continue,
                (_, None) => Err(Misfit::Lacks),
                (ComponentItem::ComponentFunc(wanted), Some(ComponentItem::ComponentFunc(offered))) => {
                    let texts = Scope::of(iter::empty(), &self.patience);
                    let mut sides = Sides { importer, provider, texts, steps: &mut self.steps };
                    sides.function(&wanted, offered).map(|has_resources| Item::Function { has_resources })
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
        &mut self,
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
            let origin = Origin::Component(Kind(self.kinds));
            self.kinds += 1;
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

/// Two components whose types are compared.
struct Sides<'s> {
    importer: &'s NodeTypes,
    provider: &'s NodeTypes,
    texts: Scope<'s>,
    steps: &'s mut usize,
}

/// A difference, with the place where it is.
struct Difference {
    path: Path,
    what: What,
}

enum What {
    Differs(String),
    Unsupported(&'static str),
}

impl Difference {
    fn new(what: What) -> Difference {
        Difference { path: Path::default(), what }
    }

    fn under(self, name: &str) -> Difference {
        Difference { path: self.path.under(name), ..self }
    }
}

type Compared = Result<bool, Difference>;

impl Sides<'_> {
    /// Whether resources are among the values, if the types are the same.
    fn function(&mut self, wanted: &ComponentFunc, offered: &ComponentFunc) -> Result<bool, Misfit> {
        if wanted.async_() || offered.async_() {
            return Err(Misfit::Unsupported("an async function"));
        }
        let (params, results) = (wanted.params(), wanted.results());
        if params.len() != offered.params().len() || results.len() != offered.results().len() {
            let [wanted, offered] = [wanted, offered].map(|ty| quoted(&self.texts.function_text(ty)));
            return Err(Misfit::Differs(format!("imported as {wanted} and exported as {offered}")));
        }
        let params = params.zip(offered.params()).map(|((name, a), (_, b))| (name.to_owned(), a, b));
        let results = results.zip(offered.results()).map(|(a, b)| ("result".to_owned(), a, b));
        let mut has_resources = false;
        for (name, wanted, offered) in params.chain(results) {
            let compared = self.value(&wanted, &offered).map_err(|difference| difference.under(&name));
            has_resources |= compared.map_err(|Difference { path, what }| match what {
                What::Differs(both) => Misfit::Differs(format!("at `{path}`, {both}")),
                What::Unsupported(what) => Misfit::Unsupported(what),
            })?;
        }
        Ok(has_resources)
    }

    fn value(&mut self, wanted: &Type, offered: &Type) -> Compared {
        *self.steps = self.steps.saturating_sub(1);
        if *self.steps == 0 {
            return Err(Difference::new(What::Unsupported("a value of a type this large")));
        }
        let texts = &self.texts;
        let differs = || {
            let [wanted, offered] = [wanted, offered].map(|ty| quoted(&texts.type_text(ty)));
            Err(Difference::new(What::Differs(format!("imported as {wanted} and exported as {offered}"))))
        };
        match (wanted, offered) {
            (Type::Bool, Type::Bool)
            | (Type::S8, Type::S8)
            | (Type::U8, Type::U8)
            | (Type::S16, Type::S16)
            | (Type::U16, Type::U16)
            | (Type::S32, Type::S32)
            | (Type::U32, Type::U32)
            | (Type::S64, Type::S64)
            | (Type::U64, Type::U64)
            | (Type::Float32, Type::Float32)
            | (Type::Float64, Type::Float64)
            | (Type::Char, Type::Char)
            | (Type::String, Type::String) => Ok(false),
            (Type::List(a), Type::List(b)) => {
                self.value(&a.ty(), &b.ty()).map_err(|found| found.under("item"))
            }
            (Type::FixedLengthList(a), Type::FixedLengthList(b)) if a.len() == b.len() => {
                self.value(&a.ty(), &b.ty()).map_err(|found| found.under("item"))
            }
            (Type::Map(a), Type::Map(b)) => {
                let key = self.value(&a.key(), &b.key()).map_err(|found| found.under("key"))?;
                let value = self.value(&a.value(), &b.value()).map_err(|found| found.under("value"))?;
                Ok(key | value)
            }
            (Type::Option(a), Type::Option(b)) => {
                self.value(&a.ty(), &b.ty()).map_err(|found| found.under("some"))
            }
            (Type::Tuple(a), Type::Tuple(b)) if a.types().len() == b.types().len() => {
                let pairs = a.types().zip(b.types()).enumerate();
                self.all(pairs.map(|(index, (a, b))| (index.to_string(), a, b)))
            }
            (Type::Record(a), Type::Record(b)) if a.fields().len() == b.fields().len() => {
                if !a.fields().zip(b.fields()).all(|(a, b)| a.name == b.name) {
                    return differs();
                }
                self.all(a.fields().zip(b.fields()).map(|(a, b)| (a.name.to_owned(), a.ty, b.ty)))
            }
            (Type::Variant(a), Type::Variant(b)) if a.cases().len() == b.cases().len() => {
                let same =
                    |(a, b): (Case<'_>, Case<'_>)| a.name == b.name && a.ty.is_some() == b.ty.is_some();
                if !a.cases().zip(b.cases()).all(same) {
                    return differs();
                }
                self.all(
                    a.cases().zip(b.cases()).filter_map(|(a, b)| Some((a.name.to_owned(), a.ty?, b.ty?))),
                )
            }
            (Type::Result(a), Type::Result(b)) => {
                if a.ok().is_some() != b.ok().is_some() || a.err().is_some() != b.err().is_some() {
                    return differs();
                }
                let ok = a.ok().zip(b.ok()).map(|(a, b)| ("ok".to_owned(), a, b));
                let err = a.err().zip(b.err()).map(|(a, b)| ("err".to_owned(), a, b));
                self.all(ok.into_iter().chain(err))
            }
            (Type::Enum(a), Type::Enum(b)) if a.names().eq(b.names()) => Ok(false),
            (Type::Flags(a), Type::Flags(b)) if a.names().eq(b.names()) => Ok(false),
            (Type::Own(a), Type::Own(b)) | (Type::Borrow(a), Type::Borrow(b)) => {
                match (self.importer.origin(a), self.provider.origin(b)) {
                    (Some(a), Some(b)) if a == b => Ok(true),
                    _ => {
                        Err(Difference::new(What::Differs("it is a resource from another place".to_owned())))
                    }
                }
            }
            (Type::Future(_), Type::Future(_)) => Err(Difference::new(What::Unsupported("a future"))),
            (Type::Stream(_), Type::Stream(_)) => Err(Difference::new(What::Unsupported("a stream"))),
            (Type::ErrorContext, Type::ErrorContext) => {
                Err(Difference::new(What::Unsupported("an error context")))
            }
            _ => differs(),
        }
    }

    fn all(&mut self, pairs: impl Iterator<Item = (String, Type, Type)>) -> Compared {
        let mut has_resources = false;
        for (name, wanted, offered) in pairs {
            has_resources |= self.value(&wanted, &offered).map_err(|found| found.under(&name))?;
        }
        Ok(has_resources)
    }
}

fn noun(item: &ComponentItem) -> &'static str {
    match item {
        ComponentItem::ComponentFunc(_) | ComponentItem::CoreFunc(_) => "function",
        ComponentItem::ComponentInstance(_) => "interface",
        ComponentItem::Module(_) => "module",
        ComponentItem::Component(_) => "component",
        ComponentItem::Resource(_) => "resource",
        ComponentItem::Type(_) => "type",
    }
}
