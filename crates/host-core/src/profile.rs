//! `Profile`: engine settings that go together, by the job they are for.

use host_limits::{Bytes, Proposal, Proposals};
use serde::{Deserialize, Serialize};
use wasmtime::Config;

use crate::pool::PoolSettings;
use crate::settings::{
    AllocationStrategy, Backtraces, EngineSettings, NativeProfiler, Optimization, RegisterAllocation,
};

/// Engine settings that go together, by the job they are for.
///
/// A profile is a name for [`EngineSettings`], which are plain data: take them as they are, or change what you like.
///
/// ```
/// use host_core::{EngineSettings, Profile};
/// use host_limits::Limits;
///
/// let engine = Profile::Untrusted.settings().engine(&Limits::untrusted())?;
/// assert!(engine.get_epoch_interruption());
/// # Ok::<(), host_core::EngineError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Profile {
    /// For writing guests: quick to compile, backtraces with file and line where the guest carries debug information, which
    /// is also handed to native debuggers.
    Development,
    /// For many short-lived instances of code one knows: optimised, from a [pool](PoolSettings) of memories that are kept
    /// warm, sized from the machine.
    Throughput,
    /// For code nobody has read, and the default. Compile time grows in proportion to the code, whatever it is
    /// ([`RegisterAllocation::SinglePass`] says how that was chosen), and only those proposals are on that ordinary
    /// compilers emit: see [`Proposals::default`].
    #[default]
    Untrusted,
    /// For replay: NaN bits and relaxed SIMD give the same result on every machine, and fuel is metered, which counts the
    /// same on every run. Epochs do not; clocks and randomness are the grants' matter, and this profile has none.
    Deterministic,
}

impl Profile {
    /// The settings of this profile. Those of [`Throughput`](Profile::Throughput) depend on the machine they are asked on.
    pub fn settings(self) -> EngineSettings {
        let plain = EngineSettings {
            optimization: Optimization::Speed,
            register_allocation: RegisterAllocation::Backtracking,
            proposals: standard(),
            backtraces: Backtraces::Offsets,
            debug_info: false,
            core_dumps: false,
            profiler: NativeProfiler::None,
            canonical_nans: false,
            deterministic_relaxed_simd: false,
            fuel: false,
            dense_image: Bytes::mebi(16),
            allocation: AllocationStrategy::OnDemand,
        };
        match self {
            Profile::Development => EngineSettings {
                optimization: Optimization::None,
                backtraces: Backtraces::Lines,
                debug_info: true,
                ..plain
            },
            Profile::Throughput => EngineSettings {
                allocation: AllocationStrategy::Pool(PoolSettings::for_this_machine()),
                ..plain
            },
            Profile::Untrusted => EngineSettings {
                optimization: Optimization::None,
                register_allocation: RegisterAllocation::SinglePass,
                proposals: Proposals::default(),
                // Two far data segments in 78 bytes would make an image of megabytes.
                dense_image: Bytes::new(0),
                ..plain
            },
            Profile::Deterministic => {
                EngineSettings { canonical_nans: true, deterministic_relaxed_simd: true, fuel: true, ..plain }
            }
        }
    }

    /// The settings of this profile as Wasmtime takes them. Change them further as you like, then let
    /// [`Limits::configure`](host_limits::Limits::configure) turn on what the limits need; or take
    /// [`EngineSettings::engine`], which does both and looks for contradictions.
    pub fn config(self) -> Config {
        self.settings().config()
    }
}

/// What Wasmtime 48 has on by itself, without threads and component-model concurrency: shared memories have no place in
/// a store with limits, and calls of components are three times cheaper without concurrency.
fn standard() -> Proposals {
    let more = [
        Proposal::RelaxedSimd,
        Proposal::MultiMemory,
        Proposal::Memory64,
        Proposal::FunctionReferences,
        Proposal::Gc,
        Proposal::Exceptions,
    ];
    Proposals::default().iter().chain(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_limits::Limits;
    use wasmtime::{Engine, Module};

    const ALL: [Profile; 4] =
        [Profile::Development, Profile::Throughput, Profile::Untrusted, Profile::Deterministic];

    fn engine(profile: Profile) -> Engine {
        profile.settings().engine(&Limits::untrusted()).unwrap()
    }

    #[test]
    fn every_profile_builds_an_engine() {
        for profile in ALL {
            for limits in [Limits::untrusted(), Limits::default()] {
                let engine = profile.settings().engine(&limits).unwrap();
                Module::new(&engine, "(module (memory 1) (func (export \"f\")))").unwrap();
                Engine::new(limits.configure(&mut profile.config())).unwrap();
            }
        }
    }

    #[test]
    fn untrusted_code_gets_no_proposals_it_does_not_need() {
        let untrusted = engine(Profile::Untrusted);
        let development = engine(Profile::Development);
        for refused in [
            "(module (memory 1) (memory 1))",
            "(module (memory i64 1))",
            "(module (type (struct)))",
            "(module (tag))",
            // Values of the host that a guest holds are garbage-collected, too.
            "(module (func (param externref)))",
            "(module (func (param v128) (result v128)
                local.get 0 local.get 0 local.get 0 f32x4.relaxed_madd))",
        ] {
            assert!(Module::new(&untrusted, refused).is_err(), "{refused}");
            Module::new(&development, refused).unwrap();
        }
    }

    #[test]
    fn no_profile_shares_memory() {
        for profile in ALL {
            assert!(Module::new(&engine(profile), "(module (memory 1 1 shared))").is_err(), "{profile:?}");
        }
    }

    #[test]
    fn the_standard_is_what_wasmtime_has_on() {
        let wasmtime = Proposals::of(&Engine::default());
        let expected = wasmtime.without(Proposal::Threads).without(Proposal::ComponentModelAsync);
        assert_eq!(standard(), expected);
        assert_eq!(Proposals::of(&engine(Profile::Development)), expected);
        assert_eq!(Proposals::of(&engine(Profile::Untrusted)), Proposals::default());
    }

    #[test]
    fn each_profile_is_what_it_says() {
        assert!(engine(Profile::Throughput).get_pooling_config().is_some());
        assert!(engine(Profile::Untrusted).get_pooling_config().is_none());
        let deterministic = engine(Profile::Deterministic);
        assert_eq!(deterministic.get_cranelift_nan_canonicalization(), Some(true));
        assert!(deterministic.get_relaxed_simd_deterministic());
        assert!(deterministic.get_consume_fuel());
        assert!(engine(Profile::Development).get_debug_info());
        for profile in ALL {
            assert!(!engine(profile).get_concurrency_support(), "{profile:?}");
        }
    }

    #[test]
    fn names_in_a_policy() {
        let quoted = serde_json::to_string(&Profile::Throughput).unwrap();
        assert_eq!(quoted, "\"throughput\"");
        assert!(serde_json::from_str::<Profile>("\"quick\"").unwrap_err().to_string().contains("untrusted"));
    }
}
