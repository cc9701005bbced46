//! `Profile`: engine settings that go together, by the job they are for.

use serde::{Deserialize, Serialize};
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, RegallocAlgorithm,
    Strategy, WasmBacktraceDetails,
};

/// Engine settings that go together, by the job they are for.
///
/// A profile gives a plain `wasmtime::Config`: change it further as you like, then let
/// [`Limits::configure`](host_limits::Limits::configure) turn on what the limits need. All profiles set Cranelift, the
/// detail of backtraces and the features below explicitly, so that neither Wasmtime's defaults nor the environment
/// variables it reads decide.
///
/// ```
/// use host_core::Profile;
/// use host_limits::Limits;
/// use wasmtime::Engine;
///
/// let mut config = Profile::Untrusted.config();
/// Limits::untrusted().configure(&mut config);
/// let engine = Engine::new(&config)?;
/// # Ok::<(), wasmtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Profile {
    /// For writing guests: quick to compile, backtraces with file and line where the guest carries debug information.
    Development,
    /// For many short-lived instances of code one knows: optimised, from a pool of memories that are kept warm.
    /// The pool holds [`POOL_STORES`] stores of one guest each.
    Throughput,
    /// For code nobody has read, and the default: compile time stays linear in the size of the code, and proposals
    /// that ordinary guests do not need are off (garbage collection, exceptions, 64-bit and multiple memories), as is Wasmtime's support for component-model concurrency.
    #[default]
    Untrusted,
    /// For replay: NaN bits and relaxed SIMD give the same result on every machine. Fuel is deterministic, epochs are
    /// not; clocks and randomness are the grants' matter.
    Deterministic,
}

/// How many guests the pool of [`Profile::Throughput`] holds at a time. Each reserves [`POOL_MEMORY`] of address space
/// and a guard, not of memory.
pub const POOL_STORES: u32 = 256;

/// The largest linear memory in the pool of [`Profile::Throughput`], in bytes.
pub const POOL_MEMORY: usize = 256 << 20;

impl Profile {
    /// The settings of this profile.
    pub fn config(self) -> Config {
        let mut config = Config::new();
        config
            .strategy(Strategy::Cranelift)
            .wasm_backtrace_details(WasmBacktraceDetails::Disable)
            .shared_memory(false)
            // Component calls are three times cheaper without it, and only worlds with async functions need it.
            .concurrency_support(false);
        match self {
            Profile::Development => {
                config
                    .cranelift_opt_level(OptLevel::None)
                    .wasm_backtrace_details(WasmBacktraceDetails::Enable);
            }
            Profile::Throughput => {
                config
                    .cranelift_opt_level(OptLevel::Speed)
                    .allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
            }
            Profile::Untrusted => {
                config
                    .cranelift_opt_level(OptLevel::None)
                    .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
                    // A memory image is only copied whole if the module really fills it: two far data segments in
                    // 78 bytes would make one of megabytes.
                    .memory_guaranteed_dense_image_size(0)
                    .wasm_gc(false)
                    .wasm_function_references(false)
                    .wasm_exceptions(false)
                    .wasm_memory64(false)
                    .wasm_multi_memory(false)
                    .gc_support(false);
            }
            Profile::Deterministic => {
                config
                    .cranelift_opt_level(OptLevel::Speed)
                    .cranelift_nan_canonicalization(true)
                    .relaxed_simd_deterministic(true);
            }
        }
        config
    }
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    // A component for WASI 0.2 takes three core instances, one memory and two tables.
    pool.total_component_instances(POOL_STORES)
        .total_core_instances(POOL_STORES * 4)
        .total_memories(POOL_STORES)
        .total_tables(POOL_STORES * 4)
        .total_stacks(POOL_STORES)
        .total_gc_heaps(POOL_STORES)
        .max_memory_size(POOL_MEMORY)
        // Keeping pages warm only pays where the kernel can tell which were touched.
        .pagemap_scan(Enabled::Auto)
        .table_elements(100_000);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.linear_memory_keep_resident(2 << 20).table_keep_resident(1 << 16);
    }
    pool
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_limits::Limits;
    use wasmtime::{Engine, Module};

    fn engine(profile: Profile) -> Engine {
        let mut config = profile.config();
        Limits::untrusted().configure(&mut config);
        Engine::new(&config).unwrap()
    }

    #[test]
    fn every_profile_builds_an_engine() {
        for profile in [Profile::Development, Profile::Throughput, Profile::Untrusted, Profile::Deterministic]
        {
            let engine = engine(profile);
            Module::new(&engine, "(module (memory 1) (func (export \"f\")))").unwrap();
        }
    }

    #[test]
    fn untrusted_code_gets_no_proposals_it_does_not_need() {
        let engine = engine(Profile::Untrusted);
        for refused in [
            "(module (memory 1) (memory 1))",
            "(module (memory i64 1))",
            "(module (memory 1 1 shared))",
            "(module (type (struct)))",
            "(module (tag))",
        ] {
            assert!(Module::new(&engine, refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn throughput_uses_a_pool_and_deterministic_the_same_nan() {
        assert!(engine(Profile::Throughput).get_pooling_config().is_some());
        assert!(engine(Profile::Untrusted).get_pooling_config().is_none());
        assert_eq!(engine(Profile::Deterministic).get_cranelift_nan_canonicalization(), Some(true));
    }

    #[test]
    fn names_in_a_policy() {
        let quoted = serde_json::to_string(&Profile::Throughput).unwrap();
        assert_eq!(quoted, "\"throughput\"");
        assert!(serde_json::from_str::<Profile>("\"quick\"").unwrap_err().to_string().contains("untrusted"));
    }
}
