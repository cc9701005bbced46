//! The sections of a component: what it instantiates, and how much that makes.

use wasmparser::{
    BinaryReader, CanonicalFunction, CanonicalOption, ComponentAlias, ComponentDefinedType,
    ComponentExternName, ComponentExternalKind, ComponentImport, ComponentInstance, ComponentOuterAliasKind,
    ComponentType, ComponentTypeRef, CoreType, Instance, ModuleTypeDeclaration, Payload, PrimitiveValType,
};

use super::counter::Counter;
use super::types::of_group;
use super::{Proposal, Proposals, Rejected, StaticLimit};

/// What one instance takes, all that it instantiates included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) instances: u64,
    pub(crate) memories: u64,
    pub(crate) tables: u64,
    /// Instances of modules that are not known here: each may be of the largest one.
    pub(crate) unknown_modules: u64,
}

impl Cost {
    pub(crate) const INSTANCE: Cost = Cost { instances: 1, memories: 0, tables: 0, unknown_modules: 0 };

    fn add(&mut self, other: Cost) {
        self.instances = self.instances.saturating_add(other.instances);
        self.memories = self.memories.saturating_add(other.memories);
        self.tables = self.tables.saturating_add(other.tables);
        self.unknown_modules = self.unknown_modules.saturating_add(other.unknown_modules);
    }
}

/// A component while it is read: its index spaces of modules and components, `None` for one that is given to it.
pub(crate) struct Component {
    modules: Vec<Option<Cost>>,
    components: Vec<Option<Cost>>,
    cost: Cost,
}

impl Component {
    pub(crate) fn new() -> Component {
        Component { modules: Vec::new(), components: Vec::new(), cost: Cost::INSTANCE }
    }

    pub(crate) fn cost(&self) -> Cost {
        self.cost
    }

    pub(crate) fn push_module(&mut self, cost: Cost) {
        self.modules.push(Some(cost));
    }

    pub(crate) fn push_component(&mut self, cost: Cost) {
        self.components.push(Some(cost));
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
                        let module = find(&self.modules, module_index, "module", offset)?;
                        self.cost.add(module.unwrap_or(unknown));
                    }
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances.into_iter_with_offsets() {
                    let (offset, instance) = instance?;
                    if let ComponentInstance::Instantiate { component_index, .. } = instance {
                        match find(&self.components, component_index, "component", offset)? {
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
                        ComponentTypeRef::Module(_) => self.modules.push(None),
                        ComponentTypeRef::Component(_) => self.components.push(None),
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
                            self.modules.push(find(&self.modules, export.index, "module", offset)?);
                        }
                        ComponentExternalKind::Component => {
                            self.components.push(find(&self.components, export.index, "component", offset)?);
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
                self.modules.push(None)
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                self.components.push(None);
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
                    let module = find(&component.modules, index, "module", offset)?;
                    self.modules.push(module);
                } else {
                    let found = find(&component.components, index, "component", offset)?;
                    self.components.push(found);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn find(space: &[Option<Cost>], index: u32, what: &str, offset: usize) -> Result<Option<Cost>, Rejected> {
    space.get(index as usize).copied().ok_or_else(|| missing(what, offset))
}

fn missing(what: &str, offset: usize) -> Rejected {
    Rejected::Malformed { message: format!("there is no such {what}"), offset: offset as u64 }
}

/// However wide the limit is: Wasmtime accepts a hundred, and the stack is of the same size for everybody.
const DEEPEST: u64 = 1_000;

/// Reads a type that stands `depth` deep. The parser's own reader calls itself for types in types, and a file of a megabyte
/// could so use up the stack; this one does it no more often than the limit allows.
fn read_type(reader: &mut BinaryReader<'_>, depth: u64, counter: &mut Counter<'_>) -> Result<(), Rejected> {
    const COMPONENT: u8 = 0x41;
    const INSTANCE: u8 = 0x42;
    let offset = reader.original_position();
    let kind = reader.clone().read_u8()?;
    if !matches!(kind, COMPONENT | INSTANCE) {
        return counter.uses(of_component_type(&reader.read()?), offset);
    }
    counter.largest(StaticLimit::Nesting, depth, offset)?;
    if depth > DEEPEST {
        return Err(Rejected::Malformed {
            message: "types stand in one another deeper than anybody reads".to_owned(),
            offset: offset as u64,
        });
    }
    reader.read_u8()?;
    let declarations = reader.read_var_u32()?;
    counter.add(StaticLimit::Types, declarations.into(), offset)?;
    for _ in 0..declarations {
        let offset = reader.original_position();
        match reader.read_u8()? {
            0x00 => count_core_type(&reader.read()?, counter, offset)?,
            0x01 => read_type(reader, depth + 1, counter)?,
            0x02 => _ = reader.read::<ComponentAlias<'_>>()?,
            0x03 if kind == COMPONENT => _ = reader.read::<ComponentImport<'_>>()?,
            0x04 => {
                reader.read::<ComponentExternName<'_>>()?;
                reader.read::<ComponentTypeRef>()?;
            }
            _ => return Err(missing("declaration in a type", offset)),
        }
    }
    Ok(())
}

fn count_core_type(ty: &CoreType<'_>, counter: &mut Counter<'_>, offset: usize) -> Result<(), Rejected> {
    let (count, found) = match ty {
        CoreType::Rec(group) => of_group(group),
        CoreType::Module(declarations) => declarations.iter().fold(
            (1, Proposals::none()),
            |(count, found), declaration| match declaration {
                ModuleTypeDeclaration::Type(group) => {
                    let (more, of_group) = of_group(group);
                    (more + count, found.join(of_group))
                }
                _ => (count + 1, found),
            },
        ),
    };
    counter.add(StaticLimit::Types, count, offset)?;
    counter.uses(found, offset)
}

fn of_component_type(ty: &ComponentType<'_>) -> Proposals {
    match ty {
        ComponentType::Func(function) if function.async_ => Proposal::ComponentModelAsync.into(),
        ComponentType::Defined(defined) => match defined {
            ComponentDefinedType::Primitive(PrimitiveValType::ErrorContext) => {
                Proposal::ComponentModelErrorContext.into()
            }
            ComponentDefinedType::Map(..) => Proposal::ComponentModelMap.into(),
            ComponentDefinedType::FixedLengthList(..) => Proposal::ComponentModelFixedLengthLists.into(),
            ComponentDefinedType::Future(_) | ComponentDefinedType::Stream(_) => {
                Proposal::ComponentModelAsync.into()
            }
            _ => Proposals::none(),
        },
        _ => Proposals::none(),
    }
}

fn of_canonical(function: &CanonicalFunction) -> Proposals {
    use CanonicalFunction as Canonical;
    match function {
        Canonical::Lift { options, .. } | Canonical::Lower { options, .. } => {
            options.iter().fold(Proposals::none(), |found, option| found.join(of_option(*option)))
        }
        Canonical::ResourceNew { .. } | Canonical::ResourceDrop { .. } | Canonical::ResourceRep { .. } => {
            Proposals::none()
        }
        Canonical::ThreadSpawnRef { .. }
        | Canonical::ThreadSpawnIndirect { .. }
        | Canonical::ThreadAvailableParallelism => Proposal::SharedEverythingThreads.into(),
        Canonical::ThreadIndex
        | Canonical::ThreadNewIndirect { .. }
        | Canonical::ThreadResumeLater
        | Canonical::ThreadSuspend { .. }
        | Canonical::ThreadSuspendThenResume { .. }
        | Canonical::ThreadYieldThenResume { .. }
        | Canonical::ThreadSuspendThenPromote { .. }
        | Canonical::ThreadYieldThenPromote { .. } => Proposal::ComponentModelThreading.into(),
        Canonical::ErrorContextNew { .. }
        | Canonical::ErrorContextDebugMessage { .. }
        | Canonical::ErrorContextDrop => Proposal::ComponentModelErrorContext.into(),
        _ => Proposal::ComponentModelAsync.into(),
    }
}

fn of_option(option: CanonicalOption) -> Proposals {
    match option {
        CanonicalOption::Async | CanonicalOption::Callback(_) => Proposal::ComponentModelAsync.into(),
        CanonicalOption::Gc | CanonicalOption::CoreType(_) => Proposal::ComponentModelGc.into(),
        _ => Proposals::none(),
    }
}
