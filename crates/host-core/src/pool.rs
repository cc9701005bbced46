//! `PoolSettings`: how large a pool of memories is, and why; and what of it is in use.

use std::fmt;

use host_limits::{Bytes, Limits};
use serde::{Deserialize, Serialize};
use wasmtime::{Enabled, Engine, PoolingAllocationConfig};

use crate::machine::{MAPPINGS_OF_A_STORE, Machine};

/// A pool of memories, tables and stacks that is reserved with the engine.
///
/// An instance from a pool is not mapped anew each time, and its memory is not unmapped when it goes: with `cargo bench -p
/// host-core -- instance`, a fresh instance with one call takes less than half of what it takes on demand.
/// Address space is what a pool takes; memory only as it is used.
///
/// A guest is one store with one module or component. It gets up to as much memory and as many table elements as the limits
/// allow; on average two memories (the second may be a heap of garbage-collected values), four tables and four core instances.
/// When the pool is used up, instantiation fails at once ([`FaultKind::Busy`](crate::FaultKind::Busy)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(clippy::exhaustive_structs, reason = "plain data, changed by struct update syntax")]
pub struct PoolSettings {
    /// Guests at one time. Default: 256. [`PoolSettings::for_this_machine`] finds how many the machine can hold.
    pub guests: u32,
    /// The largest memory of a guest, in bytes. Default: as the limits allow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// How much of a memory and of a table is kept when its guest goes, and zeroed instead of given back; in bytes.
    /// Only where the kernel tells which pages were written (Linux 6.7): elsewhere all of it would have to be zeroed, which costs
    /// more than it saves. Default: 2 MiB.
    pub keep_resident: Bytes,
    /// Address space reserved for each memory, in bytes. From 4 GiB on, code of 32-bit guests needs no checks of its
    /// bounds; below, each access is checked, which costs code that computes up to a third. Default: 4 GiB.
    pub reservation: Bytes,
}

impl Default for PoolSettings {
    fn default() -> PoolSettings {
        PoolSettings { guests: 256, memory: None, keep_resident: Bytes::mebi(2), reservation: Bytes::gibi(4) }
    }
}

/// As many guests as are worth having in one pool; Wasmtime's own default.
const MOST_GUESTS: u64 = 1_000;
/// With fewer than that, address space is saved on each.
const FEW_GUESTS: u64 = 16;
const MEMORIES: u32 = 2;
const TABLES: u32 = 4;
const INSTANCES: u32 = 4;
/// What Wasmtime keeps inaccessible behind each memory.
const GUARD: u64 = 32 << 20;

impl PoolSettings {
    /// A pool for the machine this runs on, for guests with [`Limits::default`].
    pub fn for_this_machine() -> PoolSettings {
        PoolSettings::for_machine(&Machine::probe(), &Limits::default())
    }

    /// A pool for `machine`, for guests with `limits`: as many as the scarcest of what they take allows, and 1,000 at most.
    /// [`explain`](PoolSettings::explain) tells how the number came about.
    pub fn for_machine(machine: &Machine, limits: &Limits) -> PoolSettings {
        let wide = PoolSettings::default().sized(machine, limits);
        if u64::from(wide.guests) >= FEW_GUESTS {
            return wide;
        }
        // Little address space: as much for each as its memory may take, and checks of the bounds.
        PoolSettings { reservation: limits.memory, ..PoolSettings::default() }.sized(machine, limits)
    }

    fn sized(self, machine: &Machine, limits: &Limits) -> PoolSettings {
        let guests =
            self.bounds(machine, limits).into_iter().map(|(guests, _)| guests).fold(MOST_GUESTS, u64::min);
        PoolSettings { guests: u32::try_from(guests.max(1)).unwrap_or(u32::MAX), ..self }
    }

    /// How many guests with `limits` each thing that `machine` has is enough for, a line each.
    ///
    /// ```
    /// use host_core::{Machine, PoolSettings};
    /// use host_limits::Limits;
    ///
    /// let (machine, limits) = (Machine::probe(), Limits::untrusted());
    /// let pool = PoolSettings::for_machine(&machine, &limits);
    /// println!("a pool for {} guests, because\n{}", pool.guests, pool.explain(&machine, &limits));
    /// ```
    pub fn explain(&self, machine: &Machine, limits: &Limits) -> impl fmt::Display {
        let mut text = String::new();
        for (guests, why) in self.bounds(machine, limits) {
            text.push_str(&format!("{guests} guests: {why}\n"));
        }
        text.push_str(&format!("{MOST_GUESTS} guests: more are not worth having in one pool"));
        text
    }

    fn bounds(&self, machine: &Machine, limits: &Limits) -> [(u64, String); 3] {
        let slot = self.slot(limits);
        let Machine { address_space, memory, mappings } = machine;
        [
            (
                address_space.get() / 2 / slot.get().max(1),
                format!("half of the address space of {address_space}, at {slot} each"),
            ),
            (
                mappings / 2 / MAPPINGS_OF_A_STORE,
                format!("half of the {mappings} mappings of a process, at {MAPPINGS_OF_A_STORE} each"),
            ),
            (
                memory.get() / 8 / self.keep_resident.get().max(1),
                format!("an eighth of the memory of {memory}, at {} kept each", self.keep_resident),
            ),
        ]
    }

    /// What one guest takes of the address space.
    pub(crate) fn slot(&self, limits: &Limits) -> Bytes {
        let memory = self.reservation_for(limits).get().saturating_add(GUARD);
        let tables = limits.table_elements.saturating_mul(8 * u64::from(TABLES));
        // Its stack, with what the host's functions have on it.
        let stack = limits.stack.get().saturating_add(2 << 20);
        let all = memory.saturating_mul(u64::from(MEMORIES)).saturating_add(tables).saturating_add(stack);
        Bytes::new(all)
    }

    /// What the pool takes of the address space.
    pub(crate) fn address_space(&self, limits: &Limits) -> Bytes {
        Bytes::new(self.slot(limits).get().saturating_mul(u64::from(self.guests)))
    }

    /// What is reserved for each memory.
    pub(crate) fn reservation_for(&self, limits: &Limits) -> Bytes {
        self.reservation.max(self.memory_for(limits))
    }

    fn memory_for(&self, limits: &Limits) -> Bytes {
        self.memory.unwrap_or(limits.memory)
    }

    /// The pool as Wasmtime takes it.
    pub(crate) fn config(&self, limits: &Limits) -> PoolingAllocationConfig {
        let all = |each: u32| self.guests.saturating_mul(each);
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(self.guests)
            .total_core_instances(all(INSTANCES))
            .total_memories(all(MEMORIES))
            .total_tables(all(TABLES))
            .total_stacks(self.guests)
            .total_gc_heaps(self.guests)
            .max_memories_per_module(limits.memories)
            .max_tables_per_module(limits.tables)
            .max_memory_size(self.memory_for(limits).as_usize())
            .table_elements(usize::try_from(limits.table_elements).unwrap_or(usize::MAX))
            .pagemap_scan(Enabled::Auto);
        if PoolingAllocationConfig::is_pagemap_scan_available() {
            pool.linear_memory_keep_resident(self.keep_resident.as_usize())
                .table_keep_resident(self.keep_resident.as_usize());
        }
        pool
    }
}

/// What of an engine's pool is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PoolUsage {
    /// Core instances that live.
    pub core_instances: u64,
    /// Component instances that live.
    pub component_instances: u64,
    /// Memories in use.
    pub memories: u64,
    /// Tables in use.
    pub tables: u64,
    /// Stacks of async calls in use.
    pub stacks: u64,
    /// Heaps of garbage-collected values in use.
    pub gc_heaps: u64,
    /// Memories that are free and still hold pages of the guest before.
    pub warm_memories: u64,
    /// What those hold, in bytes.
    pub warm_memory: Bytes,
    /// Tables that are free and still hold pages of the guest before.
    pub warm_tables: u64,
    /// What those hold, in bytes.
    pub warm_table: Bytes,
}

impl PoolUsage {
    /// What of the pool of `engine` is in use now; `None` if it allocates on demand.
    pub fn of(engine: &Engine) -> Option<PoolUsage> {
        let metrics = engine.pooling_allocator_metrics()?;
        Some(PoolUsage {
            core_instances: metrics.core_instances(),
            component_instances: metrics.component_instances(),
            memories: metrics.memories() as u64,
            tables: metrics.tables() as u64,
            stacks: metrics.stacks() as u64,
            gc_heaps: metrics.gc_heaps() as u64,
            warm_memories: metrics.unused_warm_memories().into(),
            warm_memory: Bytes::new(metrics.unused_memory_bytes_resident() as u64),
            warm_tables: metrics.unused_warm_tables().into(),
            warm_table: Bytes::new(metrics.unused_table_bytes_resident() as u64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(address_space: Bytes, memory: Bytes, mappings: u64) -> Machine {
        Machine { address_space, memory, mappings }
    }

    #[test]
    fn the_scarcest_decides() {
        let limits = Limits::default();
        let large = Bytes::gibi(128 << 10);
        let guests = |machine: &Machine| PoolSettings::for_machine(machine, &limits).guests;
        assert_eq!(guests(&machine(large, Bytes::gibi(1024), 1 << 20)), 1_000);
        assert_eq!(guests(&machine(large, Bytes::gibi(4), 1 << 20)), 256);
        assert_eq!(guests(&machine(large, Bytes::gibi(1024), 800)), 100);
        let few = guests(&machine(Bytes::gibi(512), Bytes::gibi(1024), 1 << 20));
        assert!((16..64).contains(&few), "{few}");
    }

    #[test]
    fn little_address_space_is_shared_by_more_guests_with_checked_bounds() {
        let (machine, limits) = (machine(Bytes::gibi(64), Bytes::gibi(64), 65_530), Limits::untrusted());
        let pool = PoolSettings::for_machine(&machine, &limits);
        assert_eq!(pool.reservation, limits.memory);
        assert!(pool.guests > 100, "{pool:?}");
        assert!(pool.address_space(&limits) <= Bytes::gibi(32), "{pool:?}");
        // There is a guest even where there is hardly room for one.
        let tiny = Machine { address_space: Bytes::mebi(1), ..machine };
        assert_eq!(PoolSettings::for_machine(&tiny, &limits).guests, 1);
    }

    #[test]
    fn the_number_is_explained() {
        let (machine, limits) = (machine(Bytes::gibi(128 << 10), Bytes::gibi(4), 800), Limits::default());
        let text = PoolSettings::for_machine(&machine, &limits).explain(&machine, &limits).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[0].contains("half of the address space of 131072GiB"), "{text}");
        assert_eq!(lines[1], "100 guests: half of the 800 mappings of a process, at 4 each");
        assert_eq!(lines[2], "256 guests: an eighth of the memory of 4GiB, at 2MiB kept each");
        assert_eq!(lines[3], "1000 guests: more are not worth having in one pool");
    }
}
