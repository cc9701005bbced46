//! What contradicts what in the settings of an engine and the limits of its stores, found before it is built.

use std::error::Error;

use host_limits::{Bytes, Limits, Proposal};

use super::{AllocationStrategy, Backtraces, EngineSettings};
use crate::machine::Machine;

/// Two things that cannot both hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// A guest could never have the memory that its limits allow.
    #[error(
        "the pool's memories are of {pool} at most, but the limits allow {limit} of memory; raise the pool's `memory` or \
         leave it out, or lower the limit"
    )]
    PoolMemory {
        /// The pool's `memory`.
        pool: Bytes,
        /// The limit.
        limit: Bytes,
    },
    /// A pool for nobody.
    #[error("a pool of 0 guests has room for none; set `guests` to 1 or more, or allocate on demand")]
    EmptyPool,
    /// The pool takes more of the address space than there is.
    #[error(
        "a pool of {guests} guests takes {needed} of address space ({each} each), but this process has {available}; lower \
         the pool's `guests` or `reservation`, or the limit on memory"
    )]
    AddressSpace {
        /// The pool's `guests`.
        guests: u32,
        /// What each takes.
        each: Bytes,
        /// What all of them take.
        needed: Bytes,
        /// What there is.
        available: Bytes,
    },
    /// Fuel is to be counted, but nobody runs out of it: the deadline would end guests, at another place each time.
    #[error(
        "the settings count fuel, but the limits leave it unlimited; give the limits a number for `fuel`, or set \
         `fuel = false` in the settings"
    )]
    UnlimitedFuel,
    /// A proposal builds on another that is off.
    #[error(
        "the proposal `{proposal}` builds on `{needs}`, which is off; add `{needs}`, or take `{proposal}` out"
    )]
    Proposal {
        /// The proposal that is on.
        proposal: Proposal,
        /// The one it needs.
        needs: Proposal,
    },
    /// Where a trap happened is to be written down, but not found out.
    #[error(
        "core dumps hold a backtrace, but backtraces are off; set `backtraces = \"offsets\"`, or `core-dumps = false`"
    )]
    CoreDumpWithoutBacktrace,
}

/// An engine that cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Settings and limits contradict each other.
    #[error("the engine's settings contradict each other:{}", lines(.conflicts))]
    Conflicts {
        /// Everything that was found.
        conflicts: Vec<Conflict>,
    },
    /// The machine cannot reserve the pool.
    #[error(
        "the machine cannot reserve a pool of {needed} of address space for {guests} guests; lower the pool's `guests` or \
         `reservation`, or allocate on demand"
    )]
    Pool {
        /// The pool's `guests`.
        guests: u32,
        /// What it takes of the address space.
        needed: Bytes,
        /// What Wasmtime says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// There is no such platform, or this build has no code generator for it.
    #[error(
        "cannot compile for `{target}`; name a target triple such as aarch64-unknown-linux-gnu or x86_64-pc-windows-msvc"
    )]
    Target {
        /// What was named.
        target: String,
        /// What Wasmtime says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Wasmtime cannot build it: a proposal that it does not have, or a profiler that this system does not have.
    #[error("wasmtime cannot build the engine")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

/// What builds on what, as the standard has it.
const NEEDS: [(Proposal, Proposal); 6] = [
    (Proposal::FunctionReferences, Proposal::ReferenceTypes),
    (Proposal::Gc, Proposal::FunctionReferences),
    (Proposal::Exceptions, Proposal::ReferenceTypes),
    (Proposal::RelaxedSimd, Proposal::Simd),
    (Proposal::ReferenceTypes, Proposal::BulkMemory),
    (Proposal::ComponentModelAsync, Proposal::ComponentModel),
];

impl EngineSettings {
    /// Everything in these settings and `limits` that cannot hold together; empty if all is well.
    pub fn conflicts(&self, limits: &Limits) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        if let AllocationStrategy::Pool(pool) = &self.allocation {
            if let Some(memory) = pool.memory.filter(|memory| *memory < limits.memory) {
                conflicts.push(Conflict::PoolMemory { pool: memory, limit: limits.memory });
            }
            let (needed, available) = (pool.address_space(limits), Machine::probe().address_space);
            if pool.guests == 0 {
                conflicts.push(Conflict::EmptyPool);
            } else if needed > available {
                let (guests, each) = (pool.guests, pool.slot(limits));
                conflicts.push(Conflict::AddressSpace { guests, each, needed, available });
            }
        }
        if self.fuel && limits.fuel.is_none() {
            conflicts.push(Conflict::UnlimitedFuel);
        }
        let on = |proposal| self.proposals.contains(proposal);
        for (proposal, needs) in NEEDS {
            if on(proposal) && !on(needs) {
                conflicts.push(Conflict::Proposal { proposal, needs });
            }
        }
        if self.core_dumps && self.backtraces == Backtraces::Off {
            conflicts.push(Conflict::CoreDumpWithoutBacktrace);
        }
        conflicts
    }
}

impl EngineError {
    pub(super) fn of(error: wasmtime::Error, settings: &EngineSettings, limits: &Limits) -> EngineError {
        // The only call of the system that building an engine depends on is the one that reserves the pool.
        match &settings.allocation {
            AllocationStrategy::Pool(pool) if error.chain().any(from_the_system) => {
                let (guests, needed) = (pool.guests, pool.address_space(limits));
                EngineError::Pool { guests, needed, source: error.into() }
            }
            _ => EngineError::Refused(error.into()),
        }
    }
}

/// Whether an error is the operating system's, as Wasmtime gives it.
fn from_the_system(cause: &(dyn Error + 'static)) -> bool {
    #[cfg(unix)]
    if cause.is::<rustix::io::Errno>() {
        return true;
    }
    cause.is::<std::io::Error>()
}

fn lines(conflicts: &[Conflict]) -> String {
    conflicts.iter().map(|conflict| format!("\n  {conflict}")).collect()
}
