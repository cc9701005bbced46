//! Which component gets which interface from where, and in which order can they be instantiated?

use std::collections::{BTreeMap, BTreeSet};

use wasmtime::component::Component;
use wasmtime::component::types::{ComponentInstance, ComponentItem};

use super::{Components, ComposeError};
use crate::names::InterfaceName;

/// Where every interface comes from that is not the linker's, by importer.
pub(super) struct Wiring<'a> {
    wires: BTreeMap<&'a str, Wires<'a>>,
}

/// What one component gets from others, by the names under which it imports it.
pub(super) type Wires<'a> = BTreeMap<String, Wire<'a>>;

/// The component that an interface comes from.
pub(super) struct Wire<'a> {
    pub(super) exporter: &'a str,
    /// The interface's name where it is exported.
    pub(super) export: String,
}

impl<'a> Wiring<'a> {
    pub(super) fn of(components: &'a Components) -> Result<Wiring<'a>, ComposeError> {
        let exports = Exports::of(components);
        let connections = Connections::of(components)?;
        let mut wires = BTreeMap::new();
        for (importer, component) in &components.nodes {
            let imports: Vec<String> = imported(component).into_iter().map(|(name, _)| name).collect();
            connections.are_imported(importer, &imports)?;
            let mut found = Wires::new();
            for import in imports {
                let source = match connections.find(importer, &import) {
                    Some(Some(exporter)) => Some(exports.of_one(importer, &import, exporter)?),
                    Some(None) => None,
                    None => exports.of_any(importer, &import)?,
                };
                if let Some((exporter, export)) = source {
                    found.insert(import, Wire { exporter, export });
                }
            }
            wires.insert(importer.as_str(), found);
        }
        Ok(Wiring { wires })
    }

    /// What `importer` gets from other components.
    pub(super) fn of_importer(&self, importer: &str) -> &Wires<'a> {
        const NONE: &Wires<'static> = &Wires::new();
        self.wires.get(importer).unwrap_or(NONE)
    }

    /// The names in an order in which every component comes after those it imports from.
    pub(super) fn order(&self) -> Result<Vec<&'a str>, ComposeError> {
        let mut order: Vec<&'a str> = Vec::new();
        let mut waits: BTreeMap<&'a str, BTreeSet<&'a str>> = self
            .wires
            .iter()
            .map(|(importer, wires)| (*importer, wires.values().map(|wire| wire.exporter).collect()))
            .collect();
        // There are few of them, so that looking at each again for every one that is done costs nothing.
        while let Some(next) = waits.iter().find(|(_, on)| on.is_empty()).map(|(name, _)| *name) {
            waits.remove(next);
            waits.values_mut().for_each(|on| {
                on.remove(next);
            });
            order.push(next);
        }
        if waits.is_empty() { Ok(order) } else { Err(ComposeError::Cycle { names: cycle(&waits) }) }
    }
}

/// One circle among components that all wait for another of them, each importing from the next and the last from the first.
fn cycle(waits: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let mut path: Vec<&str> = Vec::new();
    let mut at = waits.keys().next().copied();
    while let Some(name) = at {
        if let Some(start) = path.iter().position(|passed| *passed == name) {
            path.drain(..start);
            break;
        }
        path.push(name);
        at = waits.get(name).and_then(|on| on.first().copied());
    }
    path.into_iter().map(str::to_owned).collect()
}

/// Who exports what: by the interface's name without its version, the components and the full names.
struct Exports<'a> {
    by_name: BTreeMap<String, Vec<(&'a str, String)>>,
}

impl<'a> Exports<'a> {
    fn of(components: &'a Components) -> Exports<'a> {
        let mut by_name: BTreeMap<String, Vec<(&str, String)>> = BTreeMap::new();
        for (exporter, component) in &components.nodes {
            for (export, _) in exported(component) {
                let unversioned = InterfaceName::parse(&export).unversioned().to_owned();
                by_name.entry(unversioned).or_default().push((exporter, export));
            }
        }
        Exports { by_name }
    }

    /// The exports that serve `import`, those with exactly its name if there are any.
    fn serving(&self, import: &str, may_serve: impl Fn(&str) -> bool) -> Vec<(&'a str, String)> {
        let wanted = InterfaceName::parse(import);
        let named = self.by_name.get(wanted.unversioned()).into_iter().flatten();
        let mut found: Vec<(&str, String)> = named
            .filter(|(exporter, name)| {
                may_serve(exporter) && InterfaceName::parse(name).is_compatible_with(&wanted)
            })
            .cloned()
            .collect();
        if found.iter().any(|(_, name)| name == import) {
            found.retain(|(_, name)| name == import);
        }
        found
    }

    fn of_any(&self, importer: &str, import: &str) -> Result<Option<(&'a str, String)>, ComposeError> {
        // Who imports what it exports itself passes it on, and gets it from somebody else.
        let mut found = self.serving(import, |exporter| exporter != importer);
        found.dedup_by_key(|(exporter, _)| *exporter);
        if let [_, _, ..] = found[..] {
            return Err(ComposeError::Ambiguous {
                importer: importer.to_owned(),
                interface: import.to_owned(),
                exporters: found.into_iter().map(|(exporter, _)| exporter.to_owned()).collect(),
            });
        }
        Ok(found.pop())
    }

    fn of_one(&self, importer: &str, import: &str, from: &str) -> Result<(&'a str, String), ComposeError> {
        let found = self.serving(import, |exporter| exporter == from).pop();
        found.ok_or_else(|| ComposeError::NotExported {
            importer: importer.to_owned(),
            interface: import.to_owned(),
            exporter: from.to_owned(),
            exports: self.all_of(from),
        })
    }

    fn all_of(&self, exporter: &str) -> Vec<String> {
        let all = self.by_name.values().flatten();
        all.filter(|(name, _)| *name == exporter).map(|(_, export)| export.clone()).collect()
    }
}

/// What the user said about where interfaces come from.
struct Connections<'a> {
    connections: &'a BTreeMap<(String, String), Option<String>>,
}

impl<'a> Connections<'a> {
    fn of(components: &'a Components) -> Result<Connections<'a>, ComposeError> {
        let known = |name: &String| {
            if components.nodes.contains_key(name) {
                return Ok(());
            }
            let known = components.nodes.keys().cloned().collect();
            Err(ComposeError::Unknown { name: name.clone(), known })
        };
        for ((importer, _), exporter) in &components.connections {
            known(importer)?;
            exporter.as_ref().map_or(Ok(()), known)?;
        }
        Ok(Connections { connections: &components.connections })
    }

    fn of_importer(&self, importer: &str) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let all = self.connections.iter().filter(move |((name, _), _)| name == importer);
        all.map(|((_, interface), exporter)| (interface.as_str(), exporter.as_deref()))
    }

    fn find(&self, importer: &str, import: &str) -> Option<Option<&'a str>> {
        let exact = self.of_importer(importer).find(|(interface, _)| *interface == import);
        exact
            .or_else(|| self.of_importer(importer).find(|(interface, _)| means(interface, import)))
            .map(|(_, exporter)| exporter)
    }

    fn are_imported(&self, importer: &str, imports: &[String]) -> Result<(), ComposeError> {
        match self
            .of_importer(importer)
            .find(|(interface, _)| !imports.iter().any(|import| means(interface, import)))
        {
            None => Ok(()),
            Some((interface, _)) => Err(ComposeError::NotImported {
                importer: importer.to_owned(),
                interface: interface.to_owned(),
                imports: imports.to_vec(),
            }),
        }
    }
}

/// Whether a connection's `interface` is the import of that name: the same, compatible, or named without its version.
fn means(interface: &str, import: &str) -> bool {
    let (interface, import) = (InterfaceName::parse(interface), InterfaceName::parse(import));
    interface.is_compatible_with(&import)
        || (interface.version.is_none() && interface.unversioned() == import.unversioned())
}

/// The interfaces a component imports, with their names, in its order.
pub(super) fn imported(component: &Component) -> Vec<(String, ComponentInstance)> {
    let ty = component.component_type();
    let items = ty.imports(component.engine());
    items.filter_map(|(name, item)| Some((name.to_owned(), interface(item.ty)?))).collect()
}

/// The interfaces a component exports, with their names, in its order.
pub(super) fn exported(component: &Component) -> Vec<(String, ComponentInstance)> {
    let ty = component.component_type();
    let items = ty.exports(component.engine());
    items.filter_map(|(name, item)| Some((name.to_owned(), interface(item.ty)?))).collect()
}

fn interface(item: ComponentItem) -> Option<ComponentInstance> {
    match item {
        ComponentItem::ComponentInstance(instance) => Some(instance),
        _ => None,
    }
}
