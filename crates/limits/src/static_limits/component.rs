//! The sections of a component: what it instantiates, and how much that makes.

use wasmparser::{
    BinaryReader, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Instance, Payload,
};

use super::component_types::{count_core_type, of_canonical, read_type};
use super::cost::Cost;
use super::counter::Counter;
use super::{Proposal, Rejected, StaticLimit};

/// A component while it is read.
pub(crate) struct Component {
    modules: Space,
    components: Space,
    cost: Cost,
}

/// An index space: what an instance of each takes, `None` for one that is given to the component.
struct Space {
    each: Vec<Option<Cost>>,
    /// What they are called.
    one: &'static str,
    many: &'static str,
}

impl Space {
    /// Each entry takes ten times what an alias takes in the file. Wasmtime accepts no more than this.
    const MOST: usize = 1_000;

    fn new(one: &'static str, many: &'static str) -> Space {
        Space { each: Vec::new(), one, many }
    }

    fn push(&mut self, cost: Option<Cost>, offset: usize) -> Result<(), Rejected> {
        if self.each.len() >= Space::MOST {
            return Err(Rejected::IndexSpace {
                of: self.many,
                allowed: Space::MOST as u64,
                offset: offset as u64,
            });
        }
        self.each.push(cost);
        Ok(())
    }

    fn find(&self, index: u32, offset: usize) -> Result<Option<Cost>, Rejected> {
        self.each.get(index as usize).copied().ok_or_else(|| missing(self.one, offset))
    }
}

impl Component {
    pub(crate) fn new() -> Component {
        Component {
            modules: Space::new("module", "modules"),
            components: Space::new("component", "components"),
            cost: Cost::INSTANCE,
        }
    }

    pub(crate) fn cost(&self) -> Cost {
        self.cost
    }

    pub(crate) fn push_module(&mut self, cost: Cost, offset: usize) -> Result<(), Rejected> {
        self.modules.push(Some(cost), offset)
    }

    pub(crate) fn push_component(&mut self, cost: Cost, offset: usize) -> Result<(), Rejected> {
        self.components.push(Some(cost), offset)
    }

    /// Reads one section. `outer` are the components around this one, the nearest last.
    pub(crate) fn read(
        &mut self,
        payload: Payload<'_>,
        outer: &[Component],
        wasm: &[u8],
        counter: &mut Counter<'_>,
    ) -> Result<(), Rejected> {
        match payload {
            Payload::InstanceSection(instances) => {
                for instance in instances.into_iter_with_offsets() {
                    let (offset, instance) = instance?;
                    if let Instance::Instantiate { module_index, .. } = instance {
                        let unknown = Cost { unknown_modules: 1, ..Cost::INSTANCE };
                        let module = self.modules.find(module_index, offset)?;
                        self.cost.add(module.unwrap_or(unknown));
                    }
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances.into_iter_with_offsets() {
                    let (offset, instance) = instance?;
                    if let ComponentInstance::Instantiate { component_index, .. } = instance {
                        match self.components.find(component_index, offset)? {
                            Some(cost) => self.cost.add(cost),
                            None => return Err(Rejected::Unbounded { offset: offset as u64 }),
                        }
                    }
                }
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases.into_iter_with_offsets() {
                    let (offset, alias) = alias?;
                    self.alias(&alias, outer, offset)?;
                }
            }
            Payload::ComponentImportSection(imports) => {
                counter.add(StaticLimit::Imports, imports.count().into(), imports.range().start)?;
                for import in imports.into_iter_with_offsets() {
                    let (offset, import) = import?;
                    match import.ty {
                        ComponentTypeRef::Module(_) => self.modules.push(None, offset)?,
                        ComponentTypeRef::Component(_) => self.components.push(None, offset)?,
                        ComponentTypeRef::Value(_) => {
                            counter.uses(Proposal::ComponentModelValues.into(), offset)?;
                        }
                        _ => {}
                    }
                }
            }
            Payload::ComponentExportSection(exports) => {
                counter.add(StaticLimit::Exports, exports.count().into(), exports.range().start)?;
                for export in exports.into_iter_with_offsets() {
                    let (offset, export) = export?;
                    // What is exported is there a second time, under a number of its own.
                    match export.kind {
                        ComponentExternalKind::Module => {
                            let module = self.modules.find(export.index, offset)?;
                            self.modules.push(module, offset)?;
                        }
                        ComponentExternalKind::Component => {
                            let component = self.components.find(export.index, offset)?;
                            self.components.push(component, offset)?;
                        }
                        _ => {}
                    }
                }
            }
            Payload::CoreTypeSection(types) => {
                for ty in types.into_iter_with_offsets() {
                    let (offset, ty) = ty?;
                    count_core_type(&ty, counter, offset)?;
                }
            }
            Payload::ComponentTypeSection(types) => {
                let range = types.range();
                let mut reader = BinaryReader::new(&wasm[range.clone()], range.start);
                let count = reader.read_var_u32()?;
                counter.add(StaticLimit::Types, count.into(), range.start)?;
                // This component is one deeper than those around it, and what stands in it one more.
                let depth = outer.len() as u64 + 2;
                for _ in 0..count {
                    read_type(&mut reader, depth, counter)?;
                }
            }
            Payload::ComponentCanonicalSection(functions) => {
                for function in functions.into_iter_with_offsets() {
                    let (offset, function) = function?;
                    counter.uses(of_canonical(&function), offset)?;
                }
            }
            Payload::ComponentStartSection { range, .. } => {
                counter.uses(Proposal::ComponentModelValues.into(), range.start)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn alias(
        &mut self,
        alias: &ComponentAlias<'_>,
        outer: &[Component],
        offset: usize,
    ) -> Result<(), Rejected> {
        match *alias {
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. } => {
                self.modules.push(None, offset)
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                self.components.push(None, offset)
            }
            ComponentAlias::Outer { kind, count, index } => {
                let modules = matches!(kind, ComponentOuterAliasKind::CoreModule);
                if !modules && !matches!(kind, ComponentOuterAliasKind::Component) {
                    return Ok(());
                }
                // None is this component itself, one the next around it.
                let component = match count.checked_sub(1) {
                    None => &*self,
                    Some(count) => usize::try_from(count)
                        .ok()
                        .and_then(|count| outer.iter().rev().nth(count))
                        .ok_or_else(|| missing("component around this one", offset))?,
                };
                if modules {
                    let module = component.modules.find(index, offset)?;
                    self.modules.push(module, offset)
                } else {
                    let found = component.components.find(index, offset)?;
                    self.components.push(found, offset)
                }
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn missing(what: &str, offset: usize) -> Rejected {
    Rejected::Malformed { message: format!("there is no such {what}"), offset: offset as u64 }
}
