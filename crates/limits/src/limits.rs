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
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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
    /// Core instances in the store. Default: 50. A Rust component for WASI 0.2 is three core instances; one with a Python
    /// interpreter and its native libraries, a module each, is more than ten.
    pub instances: u32,
    /// Fuel, about one unit per executed instruction; `None` (in a policy `"unlimited"`) does not meter.
    /// Default: 10,000,000,000, some ten seconds of computing.
    #[serde(with = "crate::text::fuel")]
    #[cfg_attr(feature = "schemars", schemars(with = "crate::text::fuel::Written"))]
    pub fuel: Option<u64>,
    /// Wall-clock time from arming the store until its guest is stopped. Default: 10 s.
    #[serde(with = "crate::text::duration")]
    #[cfg_attr(feature = "schemars", schemars(with = "crate::text::duration::Text"))]
    pub deadline: Duration,
    /// Stack for the guest's own frames, in bytes. It is the engine's: see [`Limits::configure`]. Default: 1 MiB.
    ///
    /// A sync call runs on the stack of the thread that makes it, which must have this much left, and some hundred KiB more for
    /// the host's own functions: where it has less, a guest that recurses ends the process. Threads of Rust's standard library have
    /// 2 MiB, a main thread of Linux 8 MiB. An async call has a stack of its own, which `configure` makes large enough.
    pub stack: Bytes,
    /// Bytes that one call across the component boundary may copy out of the guest. Default: 16 MiB.
    pub lifted: Bytes,
    /// Component resources the guest holds handles to at one time. Default: 10,000.
    pub handles: u32,
    /// Entries of the WASI resource table, such as open files, at one time. A store without WASI has none.
    /// Each open file is a descriptor of the process, which usually has 1,024. Tasks, streams and futures of a guest that waits
    /// for several things at a time are counted apart, up to the same number. Default: 500.
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
    #[cfg_attr(feature = "schemars", schemars(with = "crate::text::duration::Text"))]
    pub yield_interval: Duration,
    /// What a guest gets that asks for more memory or table than it may have. Default: `"fail"`.
    pub on_refusal: OnRefusal,
}

/// What a guest gets that asks for more memory or table than it may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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
            instances: 50,
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
            stack: Bytes::mebi(1),
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
mod tests;
