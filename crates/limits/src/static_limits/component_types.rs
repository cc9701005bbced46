//! The types and the built-in functions of a component.

use wasmparser::{
    BinaryReader, CanonicalFunction, CanonicalOption, ComponentAlias, ComponentDefinedType,
    ComponentExternName, ComponentImport, ComponentType, ComponentTypeRef, CoreType, ModuleTypeDeclaration,
    PrimitiveValType,
};

use super::component::missing;
use super::counter::Counter;
use super::types::of_group;
use super::{Proposal, Proposals, Rejected, StaticLimit};

/// However wide the limit is: Wasmtime accepts a hundred, and the stack is of the same size for everybody.
const DEEPEST: u64 = 1_000;

/// Reads a type that stands `depth` deep. The parser's own reader calls itself for types in types, and a file of a megabyte
/// could so use up the stack; this one does it no more often than the limit allows.
pub(crate) fn read_type(
    reader: &mut BinaryReader<'_>,
    depth: u64,
    counter: &mut Counter<'_>,
) -> Result<(), Rejected> {
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

pub(crate) fn count_core_type(
    ty: &CoreType<'_>,
    counter: &mut Counter<'_>,
    offset: usize,
) -> Result<(), Rejected> {
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

pub(crate) fn of_canonical(function: &CanonicalFunction) -> Proposals {
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
