//! `Limits`: every budget of a store as plain data, with its unit and its default.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::Config;

use crate::Bytes;

/// How much one store may spend.
///
/// Plain data: build it with struct update syntax, or read it from a policy file. Every field has a finite default,
/// wide enough for ordinary guests written in Rust, Go or Python. A store counts against its own limits only.
///
/// ```
/// use host_limits::{Bytes, Limits};
/// use std::time::Duration;
///
/// let limits: Limits = toml::from_str(r#"
///     memory = "64MiB"
///     deadline = "250ms"
/// "#)?;
/// assert_eq!(limits.memory, Bytes::mebi(64));
/// assert_eq!(limits.deadline, Duration::from_millis(250));
/// assert_eq!(limits.tables, Limits::default().tables);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Linear memory in bytes, all memories of the store together, the heap of garbage-collected values included.
    /// Default: 256 MiB. A Rust guest with the standard library needs about 1.1 MiB before it does anything.
    pub memory: Bytes,
    /// Linear memories in the store. Default: 10.
    pub memories: u32,
    /// Tables in the store. Default: 10; a Rust component has two.
    pub tables: u32,
    /// Table elements, all tables of the store together. Each takes 8 or more bytes of the host. Default: 100,000.
    pub table_elements: u64,
    /// Core instances in the store. Default: 10. A Rust component for WASI 0.2 is three core instances.
    pub instances: u32,
    /// Fuel, about one unit per executed instruction; `None` (in a policy `"unlimited"`) does not meter.
    /// Default: 10,000,000,000, some ten seconds of computing.
    #[serde(with = "crate::text::fuel")]
    pub fuel: Option<u64>,
    /// Wall-clock time from arming the store until its guest is stopped. Default: 10 s.
    #[serde(with = "crate::text::duration")]
    pub deadline: Duration,
    /// Stack for the guest's own frames, in bytes. It is the engine's: see [`Limits::configure`]. Default: 1 MiB.
    pub stack: Bytes,
    /// Bytes that one call across the component boundary may copy out of the guest. Default: 16 MiB.
    pub lifted: Bytes,
    /// Component resources the guest holds handles to at one time. Default: 10,000.
    pub handles: u32,
    /// Entries of the WASI resource table, such as open files, at one time. A store without WASI has none.
    /// Each open file is a descriptor of the process, which usually has 1,024. Default: 500.
    pub resources: u32,
    /// Random bytes that one call of a guest may ask for. Making them is host time that nothing interrupts.
    /// Default: 1 MiB.
    pub random: Bytes,
    /// Bytes of captured output (standard output, standard error, log) that the host keeps for the guest, each.
    /// Default: 1 MiB.
    pub output: Bytes,
    /// Host functions of the store that may be calling its guest at one time, each from inside the other; counted by
    /// [`Meter::nest`](crate::Meter::nest). A sync call shares the guest's stack; an async one gets a stack of its own,
    /// so that nothing else bounds how many there are. Default: 32.
    pub call_depth: u32,
    /// How long a busy guest in an [async](crate::arm_async) store keeps its thread before it yields to the executor;
    /// in steps of [`Ticker::PERIOD`](crate::Ticker::PERIOD), at least one. Default: 5 ms.
    #[serde(with = "crate::text::duration")]
    pub yield_interval: Duration,
    /// What a guest gets that asks for more memory or table than it may have. Default: `"fail"`.
    pub on_refusal: OnRefusal,
}

/// What a guest gets that asks for more memory or table than it may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "WebAssembly allows a growth to be refused or trapped, nothing else"
)]
pub enum OnRefusal {
    /// `memory.grow` and `table.grow` give −1, as WebAssembly defines it; the guest may cope, or give up by itself.
    #[default]
    Fail,
    /// The call ends at once with [`Exceeded`](crate::Exceeded).
    Trap,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory: Bytes::mebi(256),
            memories: 10,
            tables: 10,
            table_elements: 100_000,
            instances: 10,
            fuel: Some(10_000_000_000),
            deadline: Duration::from_secs(10),
            stack: Bytes::mebi(1),
            lifted: Bytes::mebi(16),
            handles: 10_000,
            resources: 500,
            random: Bytes::mebi(1),
            output: Bytes::mebi(1),
            call_depth: 32,
            yield_interval: Duration::from_millis(5),
            on_refusal: OnRefusal::Fail,
        }
    }
}

impl Limits {
    /// Tight limits for code nobody has read: 64 MiB, one second, 512 KiB of stack.
    pub fn untrusted() -> Limits {
        Limits {
            memory: Bytes::mebi(64),
            memories: 4,
            tables: 4,
            table_elements: 20_000,
            instances: 10,
            fuel: Some(1_000_000_000),
            deadline: Duration::from_secs(1),
            stack: Bytes::kibi(512),
            lifted: Bytes::mebi(1),
            handles: 1_000,
            resources: 100,
            random: Bytes::kibi(64),
            output: Bytes::kibi(64),
            call_depth: 8,
            yield_interval: Duration::from_millis(5),
            on_refusal: OnRefusal::Fail,
        }
    }

    /// Wide limits for a program its user chose to run, such as a compiler: 4 GiB, 24 hours, no fuel metering.
    pub fn trusted() -> Limits {
        Limits {
            memory: Bytes::gibi(4),
            memories: 100,
            tables: 100,
            table_elements: 10_000_000,
            instances: 1_000,
            fuel: None,
            deadline: Duration::from_secs(24 * 60 * 60),
            stack: Bytes::mebi(4),
            lifted: Bytes::mebi(128),
            handles: 100_000,
            resources: 10_000,
            random: Bytes::mebi(64),
            output: Bytes::mebi(64),
            call_depth: 256,
            yield_interval: Duration::from_millis(20),
            on_refusal: OnRefusal::Fail,
        }
    }

    /// The tighter of each: what a guest asks for, capped by what its operator allows.
    #[must_use]
    pub fn intersect(&self, other: &Limits) -> Limits {
        Limits {
            memory: self.memory.min(other.memory),
            memories: self.memories.min(other.memories),
            tables: self.tables.min(other.tables),
            table_elements: self.table_elements.min(other.table_elements),
            instances: self.instances.min(other.instances),
            fuel: tighter(self.fuel, other.fuel),
            deadline: self.deadline.min(other.deadline),
            stack: self.stack.min(other.stack),
            lifted: self.lifted.min(other.lifted),
            handles: self.handles.min(other.handles),
            resources: self.resources.min(other.resources),
            random: self.random.min(other.random),
            output: self.output.min(other.output),
            call_depth: self.call_depth.min(other.call_depth),
            yield_interval: self.yield_interval.min(other.yield_interval),
            on_refusal: self.on_refusal.max(other.on_refusal),
        }
    }

    /// Turns on what an engine must have so that stores with these limits can be [armed](crate::arm): interruption by
    /// epochs, fuel if it is metered, and the size of the stack, which Wasmtime fixes for the whole engine. Turns shared
    /// memories off, whose growth Wasmtime reports to no store.
    pub fn configure<'a>(&self, config: &'a mut Config) -> &'a mut Config {
        config
            .epoch_interruption(true)
            .consume_fuel(self.fuel.is_some())
            .shared_memory(false)
            .max_wasm_stack(self.stack.as_usize())
            .async_stack_size(self.stack.as_usize().saturating_add(HOST_STACK.as_usize()))
    }
}

/// The smaller of two limits on fuel, of which `None` is none.
pub(crate) fn tighter(one: Option<u64>, another: Option<u64>) -> Option<u64> {
    match (one, another) {
        (Some(one), Some(another)) => Some(one.min(another)),
        (one, another) => one.or(another),
    }
}

/// What host functions have on an async store's stack besides the guest's share. Wasmtime's own default leaves
/// 1.5 MiB: a stack of 2 MiB of which guests have 512 KiB.
const HOST_STACK: Bytes = Bytes::kibi(1536);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_limits() -> impl Strategy<Value = Limits> {
        let numbers = proptest::array::uniform16(any::<u64>());
        (numbers, any::<Option<u64>>(), any::<bool>()).prop_map(|(numbers, fuel, traps)| {
            let mut numbers = numbers.into_iter();
            let mut number = || numbers.next().expect("more fields than numbers");
            let mut limits = Limits { fuel, ..Limits::default() };
            for bytes in [
                &mut limits.memory,
                &mut limits.stack,
                &mut limits.lifted,
                &mut limits.random,
                &mut limits.output,
            ] {
                *bytes = Bytes::new(number());
            }
            for count in [
                &mut limits.memories,
                &mut limits.tables,
                &mut limits.instances,
                &mut limits.handles,
                &mut limits.resources,
                &mut limits.call_depth,
            ] {
                *count = number() as u32;
            }
            limits.table_elements = number();
            limits.deadline = Duration::from_nanos(number());
            limits.yield_interval = Duration::from_nanos(number());
            limits.on_refusal = if traps { OnRefusal::Trap } else { OnRefusal::Fail };
            limits
        })
    }

    /// Whether nothing in `one` allows more than `other`. Names every field, so that a new one is not forgotten.
    fn no_looser(one: &Limits, other: &Limits) -> bool {
        let Limits {
            memory,
            memories,
            tables,
            table_elements,
            instances,
            fuel,
            deadline,
            stack,
            lifted,
            handles,
            resources,
            random,
            output,
            call_depth,
            yield_interval,
            on_refusal,
        } = one;
        *memory <= other.memory
            && *memories <= other.memories
            && *tables <= other.tables
            && *table_elements <= other.table_elements
            && *instances <= other.instances
            && fuel.unwrap_or(u64::MAX) <= other.fuel.unwrap_or(u64::MAX)
            && *deadline <= other.deadline
            && *stack <= other.stack
            && *lifted <= other.lifted
            && *handles <= other.handles
            && *resources <= other.resources
            && *random <= other.random
            && *output <= other.output
            && *call_depth <= other.call_depth
            && *yield_interval <= other.yield_interval
            && *on_refusal >= other.on_refusal
    }

    proptest! {
        #[test]
        fn intersection_is_commutative_idempotent_and_never_looser(a in any_limits(), b in any_limits()) {
            let both = a.intersect(&b);
            prop_assert_eq!(&both, &b.intersect(&a));
            prop_assert_eq!(&a.intersect(&a), &a);
            prop_assert_eq!(&both.intersect(&a), &both);
            prop_assert!(no_looser(&both, &a) && no_looser(&both, &b));
            // Nor tighter than it must be: each field is one of the two.
            prop_assert!(!no_looser(&a, &b) || both == a);
        }

        #[test]
        fn any_text_form_round_trips(limits in any_limits()) {
            let json = serde_json::to_string(&limits).unwrap();
            prop_assert_eq!(serde_json::from_str::<Limits>(&json).unwrap(), limits);
        }
    }

    #[test]
    fn the_presets_are_tighter_in_their_order() {
        assert!(no_looser(&Limits::untrusted(), &Limits::default()));
        assert!(no_looser(&Limits::default(), &Limits::trusted()));
    }

    #[test]
    fn text_form_round_trips() {
        for limits in [Limits::default(), Limits::untrusted(), Limits::trusted()] {
            let text = toml::to_string(&limits).unwrap();
            assert_eq!(toml::from_str::<Limits>(&text).unwrap(), limits, "{text}");
            let json = serde_json::to_string(&limits).unwrap();
            assert_eq!(serde_json::from_str::<Limits>(&json).unwrap(), limits, "{json}");
        }
    }

    #[test]
    fn bad_text_names_the_line_and_the_remedy() {
        for (text, says) in [
            ("memroy = \"1MiB\"", "unknown field `memroy`"),
            ("memory = \"64MB\"", "no known unit"),
            ("memory = \"-1MiB\"", "whole number from 0 up"),
            ("memory = 64", "a size as text with a unit"),
            ("deadline = \"2 fortnights\"", "is not a time"),
            ("deadline = \"-2s\"", "is not a time"),
            ("fuel = -1", "a whole number of fuel units from 0 up"),
            ("fuel = \"lots\"", "\"unlimited\""),
            ("tables = -1", "u32"),
            ("on-refusal = \"ignore\"", "expected `fail` or `trap`"),
        ] {
            let error = toml::from_str::<Limits>(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
            assert!(error.contains("line 1"), "{text}: {error}");
        }
    }
}
