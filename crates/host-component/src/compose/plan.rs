//! What is known of a graph before anything is instantiated: who calls what, and whose resources pass.

use std::collections::BTreeMap;

use wasmtime::Engine;
use wasmtime::component::types::ComponentInstance;
use wasmtime::component::{Component, ComponentExportIndex};

use super::fit::{Fitter, Item, NodeTypes};
use super::wiring::{self, Wiring};
use super::{Components, ComposeError, Problem};

/// Differences between components that are reported of one graph.
const REPORTED: usize = 200;

/// A graph, ready to be instantiated.
pub(super) struct Plan {
    /// In the order in which they are instantiated.
    pub(super) nodes: Vec<Node>,
    pub(super) positions: BTreeMap<String, usize>,
    /// By kind: the component that a resource is from.
    owners: Vec<usize>,
}

/// One component of a graph.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) component: Component,
    /// What other components call of it.
    pub(super) functions: Vec<Function>,
    slots: BTreeMap<String, usize>,
    /// The resources of its own that pass to others.
    pub(super) resources: Vec<Resource>,
    /// What it imports from others.
    pub(super) imports: Vec<Import>,
}

/// The number of a resource type in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(pub(super) u32);

/// A function that one component exports and others call.
pub(super) struct Function {
    /// Interface and name.
    pub(super) name: String,
    pub(super) index: ComponentExportIndex,
}

/// A resource that passes from the component it is from to others.
pub(super) struct Resource {
    pub(super) kind: Kind,
    pub(super) index: ComponentExportIndex,
    /// Interface and name of what destroys it.
    pub(super) destructor: String,
}

/// An interface that one component imports from another.
pub(super) struct Import {
    /// The name under which it is imported.
    pub(super) interface: String,
    pub(super) provider: usize,
    pub(super) items: Vec<(String, Bridged)>,
}

/// What there is to define for an item that is imported from another component.
#[derive(Clone, Copy)]
pub(super) enum Bridged {
    /// The function's place among those of the provider.
    Function { slot: usize, has_resources: bool },
    /// A resource that is imported here for the first time.
    Resource(Kind),
}

impl Plan {
    /// Wires the components, and gives with the plan what does not fit between them.
    pub(super) fn of(components: &Components, engine: &Engine) -> Result<(Plan, Vec<Problem>), ComposeError> {
        for (name, component) in &components.nodes {
            if !Engine::same(component.engine(), engine) {
                return Err(ComposeError::OtherEngine {
                    what: format!("the component {}", crate::names::quoted(name)),
                });
            }
        }
        let wiring = Wiring::of(components)?;
        let order = wiring.order()?;
        let positions = order.iter().enumerate().map(|(at, name)| ((*name).to_owned(), at)).collect();
        let mut plan = Plan { nodes: Vec::new(), positions, owners: Vec::new() };
        let mut fitter = Fitter::new(engine);
        let mut types: Vec<NodeTypes> = Vec::new();
        let mut exports: Vec<BTreeMap<String, ComponentInstance>> = Vec::new();
        let mut problems = Vec::new();
        for name in order {
            let node = Node {
                name: name.to_owned(),
                component: components.nodes[name].clone(),
                functions: Vec::new(),
                slots: BTreeMap::new(),
                resources: Vec::new(),
                imports: Vec::new(),
            };
            exports.push(wiring::exported(&node.component).into_iter().collect());
            plan.nodes.push(node);
            types.push(NodeTypes::default());
            plan.wire(&wiring, &exports, &mut types, &mut fitter, &mut problems);
        }
        Ok((plan, problems))
    }

    /// Finds what the last component there is so far imports.
    fn wire(
        &mut self,
        wiring: &Wiring<'_>,
        exports: &[BTreeMap<String, ComponentInstance>],
        types: &mut [NodeTypes],
        fitter: &mut Fitter<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let Some((importer, providers)) = self.nodes.split_last_mut() else { return };
        let Some((importer_types, provider_types)) = types.split_last_mut() else { return };
        fitter.note_root(importer_types, &importer.component);
        let wires = wiring.of_importer(&importer.name);
        for (interface, import) in wiring::imported(&importer.component) {
            let found = wires.get(&interface).and_then(|wire| {
                // Those it imports from come before it.
                let provider = *self.positions.get(wire.exporter)?;
                Some((wire, provider, exports.get(provider)?.get(&wire.export)?))
            });
            let Some((wire, provider, export)) = found else {
                fitter.note_host(importer_types, &interface, &import);
                continue;
            };
            let exporter = &mut providers[provider];
            let parent = exporter.component.get_export_index(None, &wire.export);
            let index_of =
                |exporter: &Node, item: &str| exporter.component.get_export_index(parent.as_ref(), item);
            let mut items = Vec::new();
            for (name, found) in fitter.fit(importer_types, &import, &mut provider_types[provider], export) {
                let bridged = match found {
                    Item::Function { has_resources } => index_of(exporter, &name).map(|index| {
                        let slot = exporter.slot(&wire.export, &name, index);
                        Bridged::Function { slot, has_resources }
                    }),
                    Item::Resource { kind, is_new_of_provider } => {
                        if is_new_of_provider {
                            self.owners.push(provider);
                        }
                        if is_new_of_provider && let Some(index) = index_of(exporter, &name) {
                            let destructor = format!("{}#[resource-drop]{name}", wire.export);
                            exporter.resources.push(Resource { kind, index, destructor });
                        }
                        Some(Bridged::Resource(kind))
                    }
                    Item::Nothing => None,
                    Item::Misfit(misfit) => {
                        if problems.len() < REPORTED {
                            let problem =
                                misfit.into_problem(&importer.name, &interface, &name, &exporter.name);
                            problems.push(problem);
                        }
                        None
                    }
                };
                items.extend(bridged.map(|bridged| (name, bridged)));
            }
            importer.imports.push(Import { interface, provider, items });
        }
    }
}

impl Plan {
    pub(super) fn name(&self, position: usize) -> &str {
        &self.nodes[position].name
    }

    /// The position of the component that a resource is from, and the resource.
    pub(super) fn owner(&self, kind: Kind) -> Option<(usize, &Resource)> {
        let owner = *self.owners.get(kind.0 as usize)?;
        let resource = self.nodes.get(owner)?.resources.iter().find(|resource| resource.kind == kind)?;
        Some((owner, resource))
    }
}

impl Node {
    /// The place of a function among those that others call.
    fn slot(&mut self, interface: &str, name: &str, index: ComponentExportIndex) -> usize {
        let name = format!("{interface}#{name}");
        *self.slots.entry(name).or_insert_with_key(|name| {
            self.functions.push(Function { name: name.clone(), index });
            self.functions.len() - 1
        })
    }
}
