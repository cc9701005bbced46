//! The proposals of core types.

use wasmparser::{
    AbstractHeapType, CompositeInnerType, FuncType, GlobalType, HeapType, MemoryType, RecGroup, RefType,
    StorageType, TableType, ValType,
};

use super::{Proposal, Proposals};

pub(crate) fn of_value_type(ty: ValType) -> Proposals {
    match ty {
        ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 => Proposals::none(),
        ValType::V128 => Proposal::Simd.into(),
        ValType::Ref(ty) => of_ref_type(ty),
    }
}

pub(crate) fn of_ref_type(ty: RefType) -> Proposals {
    let heap = of_heap_type(ty.heap_type());
    // A reference that cannot be null.
    if ty.is_nullable() { heap } else { heap.join(Proposal::FunctionReferences.into()) }
}

pub(crate) fn of_heap_type(ty: HeapType) -> Proposals {
    match ty {
        HeapType::Abstract { shared, ty } => {
            let proposal = match ty {
                AbstractHeapType::Func | AbstractHeapType::Extern => Proposal::ReferenceTypes,
                AbstractHeapType::Exn | AbstractHeapType::NoExn => Proposal::Exceptions,
                AbstractHeapType::Cont | AbstractHeapType::NoCont => Proposal::StackSwitching,
                AbstractHeapType::Any
                | AbstractHeapType::None
                | AbstractHeapType::NoExtern
                | AbstractHeapType::NoFunc
                | AbstractHeapType::Eq
                | AbstractHeapType::Struct
                | AbstractHeapType::Array
                | AbstractHeapType::I31 => Proposal::Gc,
            };
            if shared {
                Proposals::from(proposal).join(Proposal::SharedEverythingThreads.into())
            } else {
                proposal.into()
            }
        }
        HeapType::Concrete(_) => Proposal::FunctionReferences.into(),
        HeapType::Exact(_) => Proposal::CustomDescriptors.into(),
    }
}

pub(crate) fn of_memory(ty: &MemoryType) -> Proposals {
    [
        (ty.memory64, Proposal::Memory64),
        (ty.shared, Proposal::Threads),
        (ty.page_size_log2.is_some(), Proposal::CustomPageSizes),
    ]
    .into_iter()
    .filter_map(|(used, proposal)| used.then_some(proposal))
    .collect()
}

pub(crate) fn of_table(ty: &TableType) -> Proposals {
    // A table of functions is as old as WebAssembly.
    let element =
        if ty.element_type == RefType::FUNCREF { Proposals::none() } else { of_ref_type(ty.element_type) };
    [(ty.table64, Proposal::Memory64), (ty.shared, Proposal::SharedEverythingThreads)]
        .into_iter()
        .filter_map(|(used, proposal)| used.then_some(proposal))
        .collect::<Proposals>()
        .join(element)
}

pub(crate) fn of_global(ty: GlobalType) -> Proposals {
    let shared = if ty.shared { Proposal::SharedEverythingThreads.into() } else { Proposals::none() };
    of_value_type(ty.content_type).join(shared)
}

/// How many types there are in a group, and the proposals without which they would not be.
pub(crate) fn of_group(group: &RecGroup) -> (u64, Proposals) {
    let mut count = 0;
    let mut found = Proposals::none();
    if group.is_explicit_rec_group() {
        found.insert(Proposal::Gc);
    }
    for ty in group.types() {
        count += 1;
        let composite = &ty.composite_type;
        if !ty.is_final || ty.supertype_idx.is_some() {
            found.insert(Proposal::Gc);
        }
        if composite.shared {
            found.insert(Proposal::SharedEverythingThreads);
        }
        if composite.descriptor_idx.is_some() || composite.describes_idx.is_some() {
            found.insert(Proposal::CustomDescriptors);
        }
        found = found.join(match &composite.inner {
            CompositeInnerType::Func(ty) => of_function(ty),
            CompositeInnerType::Array(ty) => of_storage(ty.0.element_type).join(Proposal::Gc.into()),
            CompositeInnerType::Struct(ty) => ty.fields.iter().fold(Proposal::Gc.into(), |found, field| {
                Proposals::join(found, of_storage(field.element_type))
            }),
            CompositeInnerType::Cont(_) => Proposal::StackSwitching.into(),
        });
    }
    (count, found)
}

fn of_function(ty: &FuncType) -> Proposals {
    let several = if ty.results().len() > 1 { Proposal::MultiValue.into() } else { Proposals::none() };
    let values = ty.params().iter().chain(ty.results());
    values.fold(several, |found, ty| Proposals::join(found, of_value_type(*ty)))
}

fn of_storage(ty: StorageType) -> Proposals {
    match ty {
        StorageType::I8 | StorageType::I16 => Proposals::none(),
        StorageType::Val(ty) => of_value_type(ty),
    }
}
