//! `Counter`: what was found so far, held against the limits.

use super::{Proposals, Rejected, Shape, StaticLimit, StaticLimits};
use crate::Bytes;

/// One number for each [`StaticLimit`].
const LIMITS: usize = StaticLimit::Names as usize + 1;

pub(crate) struct Counter<'a> {
    limits: &'a StaticLimits,
    found: [u64; LIMITS],
    proposals: Proposals,
}

impl Counter<'_> {
    pub(crate) fn new(limits: &StaticLimits) -> Counter<'_> {
        Counter { limits, found: [0; LIMITS], proposals: Proposals::none() }
    }

    /// Counts `more` of something.
    pub(crate) fn add(&mut self, limit: StaticLimit, more: u64, offset: usize) -> Result<(), Rejected> {
        self.set(limit, self.found[limit as usize].saturating_add(more), offset)
    }

    /// Notes something of which the largest counts.
    pub(crate) fn largest(&mut self, limit: StaticLimit, found: u64, offset: usize) -> Result<(), Rejected> {
        self.set(limit, self.found[limit as usize].max(found), offset)
    }

    /// Notes proposals that stand at `offset`.
    pub(crate) fn uses(&mut self, proposals: Proposals, offset: usize) -> Result<(), Rejected> {
        self.proposals = self.proposals.join(proposals);
        match proposals.beyond(self.limits.proposals).iter().next() {
            Some(proposal) => Err(Rejected::Proposal { proposal, offset: offset as u64 }),
            None => Ok(()),
        }
    }

    fn set(&mut self, limit: StaticLimit, found: u64, offset: usize) -> Result<(), Rejected> {
        self.found[limit as usize] = found;
        let allowed = self.limits.allowed(limit);
        if found > allowed {
            return Err(Rejected::Limit { limit, allowed, found, offset: offset as u64 });
        }
        Ok(())
    }

    pub(crate) fn into_shape(self) -> Shape {
        let count = |limit: StaticLimit| self.found[limit as usize];
        let bytes = |limit| Bytes::new(count(limit));
        Shape {
            size: bytes(StaticLimit::Size),
            functions: count(StaticLimit::Functions),
            function_size: bytes(StaticLimit::FunctionSize),
            locals: count(StaticLimit::Locals),
            total_locals: count(StaticLimit::TotalLocals),
            imports: count(StaticLimit::Imports),
            exports: count(StaticLimit::Exports),
            types: count(StaticLimit::Types),
            globals: count(StaticLimit::Globals),
            data_segments: count(StaticLimit::DataSegments),
            element_segments: count(StaticLimit::ElementSegments),
            image: bytes(StaticLimit::Image),
            memory: bytes(StaticLimit::Memory),
            table_elements: count(StaticLimit::TableElements),
            nesting: count(StaticLimit::Nesting),
            modules: count(StaticLimit::Modules),
            instances: count(StaticLimit::Instances),
            memories: count(StaticLimit::Memories),
            tables: count(StaticLimit::Tables),
            names: bytes(StaticLimit::Names),
            proposals: self.proposals,
        }
    }
}
