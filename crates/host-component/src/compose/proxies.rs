//! How does a resource of one component get through another, and back?
//!
//! To everybody but the component it is from, a resource is a number in this table, of a type of the host's. The number is
//! given where the resource leaves its component, and exchanged for the resource where it comes back. Between two other
//! components it passes as it is. Whoever owns the number owns the resource: when it is dropped, the resource is.

use thiserror::Error;
use wasmtime::component::{ResourceAny, ResourceType, Val};

use super::plan::Kind;

/// Resources that one store's components may have of each other at a time, unless told otherwise.
pub(super) const DEFAULT_LIMIT: usize = 1_000;

/// Where the numbers of resource types begin, so that they are not those an embedder is likely to use for its own.
const FIRST_TYPE: u32 = 0x636f_6d70;

impl Kind {
    /// What the type's number is for Wasmtime.
    pub(super) fn payload(self) -> u32 {
        FIRST_TYPE.wrapping_add(self.0)
    }

    pub(super) fn ty(self) -> ResourceType {
        ResourceType::host_dynamic(self.payload())
    }
}

/// Components have as many resources of each other as they may.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error(
    "components of one store hold {limit} resources of each other, and may not hold more; raise \
     `Composition::with_resource_limit` or drop resources earlier"
)]
pub struct TooManyResources {
    /// How many there may be.
    pub limit: usize,
}

/// The resources that are known outside the component they are from.
pub(super) struct Proxies {
    entries: Vec<Option<(Kind, ResourceAny)>>,
    free: Vec<u32>,
    limit: usize,
}

impl Proxies {
    pub(super) fn with_limit(limit: usize) -> Proxies {
        Proxies { entries: Vec::new(), free: Vec::new(), limit: limit.min(u32::MAX as usize) }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub(super) fn insert(&mut self, kind: Kind, resource: ResourceAny) -> Result<u32, TooManyResources> {
        if self.len() >= self.limit {
            return Err(TooManyResources { limit: self.limit });
        }
        if let Some(number) = self.free.pop() {
            self.entries[number as usize] = Some((kind, resource));
            return Ok(number);
        }
        self.entries.push(Some((kind, resource)));
        // The limit is one of these numbers.
        Ok((self.entries.len() - 1) as u32)
    }

    pub(super) fn get(&self, kind: Kind, number: u32) -> Option<ResourceAny> {
        match self.entries.get(number as usize) {
            Some(Some((known, resource))) if *known == kind => Some(*resource),
            _ => None,
        }
    }

    pub(super) fn remove(&mut self, kind: Kind, number: u32) -> Option<ResourceAny> {
        let resource = self.get(kind, number)?;
        self.entries[number as usize] = None;
        self.free.push(number);
        Some(resource)
    }
}

/// Visits the resources in a value.
pub(super) fn visit(
    val: &mut Val,
    f: &mut impl FnMut(&mut ResourceAny) -> wasmtime::Result<()>,
) -> wasmtime::Result<()> {
    match val {
        Val::Resource(resource) => f(resource),
        Val::List(items) | Val::FixedLengthList(items) | Val::Tuple(items) => {
            items.iter_mut().try_for_each(|item| visit(item, f))
        }
        Val::Record(fields) => fields.iter_mut().try_for_each(|(_, field)| visit(field, f)),
        Val::Map(entries) => entries.iter_mut().try_for_each(|(_, value)| visit(value, f)),
        Val::Variant(_, payload) => payload.iter_mut().try_for_each(|payload| visit(payload, f)),
        Val::Option(payload) => payload.iter_mut().try_for_each(|payload| visit(payload, f)),
        Val::Result(Ok(payload) | Err(payload)) => {
            payload.iter_mut().try_for_each(|payload| visit(payload, f))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_numbers_are_distinct() {
        assert_ne!(Kind(0).ty(), Kind(1).ty());
        assert_eq!(Kind(7).ty(), ResourceType::host_dynamic(Kind(7).payload()));
    }
}
