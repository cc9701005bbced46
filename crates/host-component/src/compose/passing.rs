//! Can a function be called from one component to another, and are resources among its values?

use std::cell::Cell;

use wasmtime::component::Type;
use wasmtime::component::types::ComponentFunc;

use super::fit::Misfit;
use crate::compare::Comparison;

/// Whether resources are among the values, if all can be passed and the `comparison` found nothing that differs.
pub(super) fn function(
    wanted: &ComponentFunc,
    offered: &ComponentFunc,
    comparison: Comparison,
    steps: &Cell<usize>,
) -> Result<bool, Misfit> {
    if wanted.async_() || offered.async_() {
        return Err(Misfit::Unsupported("an async function"));
    }
    let has_resources = any(wanted.params().map(|(_, ty)| ty).chain(wanted.results()), steps)?;
    if let Some(difference) = comparison.differences.first() {
        return Err(Misfit::Differs(difference.sentence("the importer", "the exporter")));
    }
    if comparison.cut { Err(TOO_LARGE) } else { Ok(has_resources) }
}

const TOO_LARGE: Misfit = Misfit::Unsupported("a value of a type this large");

/// Whether there are resources in values of any of these types.
fn any(types: impl Iterator<Item = Type>, steps: &Cell<usize>) -> Result<bool, Misfit> {
    let mut found = false;
    for ty in types {
        found |= has_resources(&ty, steps)?;
    }
    Ok(found)
}

fn has_resources(ty: &Type, steps: &Cell<usize>) -> Result<bool, Misfit> {
    let left = steps.get().saturating_sub(1);
    steps.set(left);
    if left == 0 {
        return Err(TOO_LARGE);
    }
    match ty {
        Type::Own(_) | Type::Borrow(_) => Ok(true),
        Type::Future(_) => Err(Misfit::Unsupported("a future")),
        Type::Stream(_) => Err(Misfit::Unsupported("a stream")),
        Type::ErrorContext => Err(Misfit::Unsupported("an error context")),
        Type::List(list) => has_resources(&list.ty(), steps),
        Type::FixedLengthList(list) => has_resources(&list.ty(), steps),
        Type::Option(option) => has_resources(&option.ty(), steps),
        Type::Map(map) => any([map.key(), map.value()].into_iter(), steps),
        Type::Result(result) => any(result.ok().into_iter().chain(result.err()), steps),
        Type::Tuple(tuple) => any(tuple.types(), steps),
        Type::Record(record) => any(record.fields().map(|field| field.ty), steps),
        Type::Variant(variant) => any(variant.cases().filter_map(|case| case.ty), steps),
        Type::Bool
        | Type::S8
        | Type::U8
        | Type::S16
        | Type::U16
        | Type::S32
        | Type::U32
        | Type::S64
        | Type::U64
        | Type::Float32
        | Type::Float64
        | Type::Char
        | Type::String
        | Type::Enum(_)
        | Type::Flags(_) => Ok(false),
    }
}
