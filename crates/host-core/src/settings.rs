//! `EngineSettings`: what an engine is built with, as plain data.

mod conflict;
mod text;

use std::num::NonZeroUsize;

use host_limits::{Bytes, Limits, Proposal, Proposals};
use serde::{Deserialize, Serialize};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, OptLevel, ProfilingStrategy, RegallocAlgorithm, Strategy,
    WasmBacktraceDetails,
};

pub use self::conflict::{Conflict, EngineError};

use crate::pool::PoolSettings;
use crate::profile::Profile;

/// What an engine is built with, as plain data.
///
/// Begin with those of a [`Profile`] and change what you like. In a policy, the name of a profile stands for its
/// settings, and a table changes some of them; `base` names the profile that gives the rest, the default being
/// `untrusted`:
///
/// ```
/// use host_core::{EngineSettings, Optimization, Profile};
///
/// #[derive(serde::Deserialize)]
/// struct Policy {
///     profile: EngineSettings,
/// }
///
/// let policy: Policy = toml::from_str("profile = 'development'")?;
/// assert_eq!(policy.profile, Profile::Development.settings());
///
/// let policy: Policy = toml::from_str(r#"
///     [profile]
///     base = "deterministic"
///     optimization = "none"
/// "#)?;
/// assert_eq!(policy.profile.optimization, Optimization::None);
/// assert!(policy.profile.canonical_nans);
/// # Ok::<(), toml::de::Error>(())
/// ```
///
/// They always give the same engine: neither Wasmtime's defaults nor the environment variables that it reads decide about
/// anything that stands here. The compiler is always Cranelift: Winch compiles faster, but does not know every proposal, and fuel
/// counts differently in its code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_structs, reason = "plain data, changed by struct update syntax")]
pub struct EngineSettings {
    /// How much the compiler works on the code it makes.
    pub optimization: Optimization,
    /// How the compiler chooses registers.
    pub register_allocation: RegisterAllocation,
    /// What code may use. Without [`Proposal::ComponentModelAsync`] Wasmtime's support for concurrency is off, which makes
    /// calls of components three times cheaper.
    pub proposals: Proposals,
    /// What a backtrace says.
    pub backtraces: Backtraces,
    /// Whether native debuggers (gdb, lldb) see the guest's source. Makes compiling slower and code larger.
    pub debug_info: bool,
    /// Whether a trap carries a core dump: see [`Fault::core_dump`](crate::Fault::core_dump).
    pub core_dumps: bool,
    /// Which profiler of the system is told about compiled code.
    pub profiler: NativeProfiler,
    /// Whether every NaN that arithmetic gives has the same bits on all machines.
    pub canonical_nans: bool,
    /// Whether relaxed SIMD gives the same results on all machines.
    pub deterministic_relaxed_simd: bool,
    /// Whether code counts fuel, even if the limits leave it unlimited. Limits that have a number turn it on by themselves.
    pub fuel: bool,
    /// Up to which size the initial memory of a module is kept as one image, whatever share of it is zeros; in bytes.
    /// Instances map the image instead of copying it, but a module of a few bytes can declare one of this size.
    pub dense_image: Bytes,
    /// Where memories, tables and stacks come from.
    pub allocation: AllocationStrategy,
}

/// How much the compiler works on the code it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Optimization {
    /// Compiles about a quarter faster; code that computes takes one to four times as long.
    None,
    /// Fast code.
    Speed,
    /// Fast code, and small.
    SpeedAndSize,
}

/// How the compiler chooses registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RegisterAllocation {
    /// The better code, but in time that grows with the square of the size of odd functions: of some hundred kilobytes of nested
    /// `if`, several seconds; of a megabyte, minutes.
    Backtracking,
    /// In time proportional to the size of the function. Of the settings that `cargo bench -p host-core -- compile` compares
    /// on such code, this together with [`Optimization::None`] is the only one of Cranelift's that stays in proportion.
    SinglePass,
}

/// What a backtrace says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Backtraces {
    /// Nothing: errors carry none.
    Off,
    /// Function names, and offsets in the module.
    Offsets,
    /// Also file and line, where the guest carries debug information.
    Lines,
}

/// A profiler of the operating system that is told which function a native address belongs to.
///
/// To profile one guest from inside, anywhere, see [`GuestProfile`](crate::GuestProfile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NativeProfiler {
    /// None.
    None,
    /// `perf`, through a map of names in `/tmp/perf-PID.map`: `perf record`, then `perf report`. Linux only.
    PerfMap,
    /// `perf`, through dumps that also hold the code: `perf record -k mono`, `perf inject --jit`. Writes to the current
    /// directory. Linux only.
    JitDump,
    /// Intel VTune. On x86-64 only.
    Vtune,
}

/// Where memories, tables and stacks of guests come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AllocationStrategy {
    /// From the operating system, for each instance anew. There may be as many as the machine can take.
    OnDemand,
    /// From a pool that is reserved with the engine. Quicker, and no more than the pool holds.
    Pool(PoolSettings),
}

/// How many frames a backtrace has at most, counted from the innermost: Wasmtime's default. A guest can nest its calls
/// a hundred thousand deep.
const FRAMES: usize = 20;

/// Those of [`Profile::Untrusted`].
impl Default for EngineSettings {
    fn default() -> EngineSettings {
        Profile::default().settings()
    }
}

impl From<Profile> for EngineSettings {
    fn from(profile: Profile) -> EngineSettings {
        profile.settings()
    }
}

impl EngineSettings {
    /// The settings as Wasmtime takes them, without limits.
    ///
    /// The sizes in a pool that are left to the limits are those of [`Limits::default`] here.
    pub fn config(&self) -> Config {
        self.config_for(&Limits::default())
    }

    /// An engine with these settings, which can hold stores with `limits` and any that are tighter, the stack excepted: that
    /// is the engine's.
    ///
    /// # Errors
    ///
    /// [`EngineError::Conflicts`] with everything in the settings and the limits that contradicts another part of them;
    /// [`EngineError::Pool`] if the machine cannot reserve the pool; [`EngineError::Refused`] if Wasmtime cannot build it for another reason.
    pub fn engine(&self, limits: &Limits) -> Result<Engine, EngineError> {
        self.build(limits, |_| Ok(()))
    }

    /// As [`engine`](Self::engine), but an engine that compiles for the platform `target`, such as `aarch64-unknown-linux-gnu`, ahead of
    /// time. It can run nothing, unless the target is that of this machine; then its code runs on every processor of the kind,
    /// because no feature of this one is used.
    ///
    /// # Errors
    ///
    /// As [`engine`](Self::engine); [`EngineError::Target`] if there is no such target, or no code generator for it.
    pub fn engine_for_target(&self, limits: &Limits, target: &str) -> Result<Engine, EngineError> {
        let wrong =
            |error: wasmtime::Error| EngineError::Target { target: target.to_owned(), source: error.into() };
        // By itself, so that what else is wrong is not put down to the target.
        let mut plain = Config::new();
        plain.target(target).and_then(|plain| Engine::new(plain)).map_err(wrong)?;
        self.build(limits, |config| config.target(target).map(drop).map_err(wrong))
    }

    fn build(
        &self,
        limits: &Limits,
        configure: impl FnOnce(&mut Config) -> Result<(), EngineError>,
    ) -> Result<Engine, EngineError> {
        let conflicts = self.conflicts(limits);
        if !conflicts.is_empty() {
            return Err(EngineError::Conflicts { conflicts });
        }
        let mut config = self.config_for(limits);
        limits.configure(&mut config);
        config.consume_fuel(self.fuel || limits.fuel.is_some());
        configure(&mut config)?;
        Engine::new(&config).map_err(|error| EngineError::of(error, self, limits))
    }

    fn config_for(&self, limits: &Limits) -> Config {
        let mut config = Config::new();
        config
            .strategy(Strategy::Cranelift)
            .cranelift_opt_level(match self.optimization {
                Optimization::None => OptLevel::None,
                Optimization::Speed => OptLevel::Speed,
                Optimization::SpeedAndSize => OptLevel::SpeedAndSize,
            })
            .cranelift_regalloc_algorithm(match self.register_allocation {
                RegisterAllocation::Backtracking => RegallocAlgorithm::Backtracking,
                RegisterAllocation::SinglePass => RegallocAlgorithm::SinglePass,
            })
            .wasm_backtrace_max_frames(match self.backtraces {
                Backtraces::Off => None,
                Backtraces::Offsets | Backtraces::Lines => NonZeroUsize::new(FRAMES),
            })
            .wasm_backtrace_details(match self.backtraces {
                Backtraces::Lines => WasmBacktraceDetails::Enable,
                Backtraces::Off | Backtraces::Offsets => WasmBacktraceDetails::Disable,
            })
            .debug_info(self.debug_info)
            .coredump_on_trap(self.core_dumps)
            .profiler(match self.profiler {
                NativeProfiler::None => ProfilingStrategy::None,
                NativeProfiler::PerfMap => ProfilingStrategy::PerfMap,
                NativeProfiler::JitDump => ProfilingStrategy::JitDump,
                NativeProfiler::Vtune => ProfilingStrategy::VTune,
            })
            .cranelift_nan_canonicalization(self.canonical_nans)
            .relaxed_simd_deterministic(self.deterministic_relaxed_simd)
            .consume_fuel(self.fuel)
            .memory_guaranteed_dense_image_size(self.dense_image.get())
            .shared_memory(false)
            .concurrency_support(self.proposals.contains(Proposal::ComponentModelAsync))
            .gc_support(self.needs_collector());
        for proposal in Proposals::all().iter() {
            config.wasm_features(proposal.feature(), self.proposals.contains(proposal));
        }
        if let AllocationStrategy::Pool(pool) = &self.allocation {
            config
                .memory_reservation(pool.reservation_for(limits).get())
                .allocation_strategy(InstanceAllocationStrategy::Pooling(pool.config(limits)));
        }
        config
    }

    /// Whether code may have values that are garbage-collected; an exception is one.
    fn needs_collector(&self) -> bool {
        self.proposals.contains(Proposal::Gc) || self.proposals.contains(Proposal::Exceptions)
    }
}
