//! `Proposal` and `Proposals`: what was added to WebAssembly after its first version, and what of it code may use.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use wasmtime::{Engine, WasmFeatures};

macro_rules! proposals {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $feature:ident;)*) => {
        /// Something that was added to WebAssembly after its first version, as the standard names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Proposal {
            $($(#[$doc])* $variant,)*
        }

        impl Proposal {
            const ALL: &[Proposal] = &[$(Proposal::$variant,)*];

            /// Its name in a policy.
            pub fn name(self) -> &'static str {
                match self {
                    $(Proposal::$variant => $name,)*
                }
            }

            /// The feature that Wasmtime's `Config::wasm_features` takes.
            pub fn feature(self) -> WasmFeatures {
                match self {
                    $(Proposal::$variant => WasmFeatures::$feature,)*
                }
            }
        }
    };
}

proposals! {
    /// Instructions that extend the sign of narrow integers.
    SignExtension, "sign-extension", SIGN_EXTENSION;
    /// Conversions from floating point that do not trap.
    SaturatingFloatToInt, "saturating-float-to-int", SATURATING_FLOAT_TO_INT;
    /// Filling and copying of memories and tables, passive segments.
    BulkMemory, "bulk-memory", BULK_MEMORY;
    /// References to functions and to values of the host; several tables.
    ReferenceTypes, "reference-types", REFERENCE_TYPES;
    /// Functions and blocks with several results.
    MultiValue, "multi-value", MULTI_VALUE;
    /// Vectors of 128 bits.
    Simd, "simd", SIMD;
    /// Vector instructions whose result depends on the machine.
    RelaxedSimd, "relaxed-simd", RELAXED_SIMD;
    /// Arithmetic in initial values.
    ExtendedConst, "extended-const", EXTENDED_CONST;
    /// Calls that take the place of their caller.
    TailCall, "tail-call", TAIL_CALL;
    /// Shared memories and atomic instructions.
    Threads, "threads", THREADS;
    /// Several memories in one module.
    MultiMemory, "multi-memory", MULTI_MEMORY;
    /// Memories and tables with 64-bit indices.
    Memory64, "memory64", MEMORY64;
    /// Typed references to functions.
    FunctionReferences, "function-references", FUNCTION_REFERENCES;
    /// Values that are garbage-collected.
    Gc, "gc", GC;
    /// Exceptions.
    Exceptions, "exceptions", EXCEPTIONS;
    /// Exceptions as they were before the standard.
    LegacyExceptions, "legacy-exceptions", LEGACY_EXCEPTIONS;
    /// Switching between stacks.
    StackSwitching, "stack-switching", STACK_SWITCHING;
    /// Arithmetic with 128-bit integers.
    WideArithmetic, "wide-arithmetic", WIDE_ARITHMETIC;
    /// Memories whose pages are not of 64 KiB.
    CustomPageSizes, "custom-page-sizes", CUSTOM_PAGE_SIZES;
    /// Memories that can be given back.
    MemoryControl, "memory-control", MEMORY_CONTROL;
    /// Threads that share more than memory.
    SharedEverythingThreads, "shared-everything-threads", SHARED_EVERYTHING_THREADS;
    /// Types that describe types.
    CustomDescriptors, "custom-descriptors", CUSTOM_DESCRIPTORS;
    /// Imports in a shorter form.
    CompactImports, "compact-imports", COMPACT_IMPORTS;
    /// Components.
    ComponentModel, "component-model", COMPONENT_MODEL;
    /// Component functions that wait: async functions, streams, futures.
    ComponentModelAsync, "component-model-async", CM_ASYNC;
    /// Threads of components.
    ComponentModelThreading, "component-model-threading", CM_THREADING;
    /// Values of components that are garbage-collected.
    ComponentModelGc, "component-model-gc", CM_GC;
    /// Errors of components with a context.
    ComponentModelErrorContext, "component-model-error-context", CM_ERROR_CONTEXT;
    /// Maps as values of components.
    ComponentModelMap, "component-model-map", CM_MAP;
    /// Lists of components whose length is part of their type.
    ComponentModelFixedLengthLists, "component-model-fixed-length-lists", CM_FIXED_LENGTH_LISTS;
    /// Values that components import, export and start with.
    ComponentModelValues, "component-model-values", CM_VALUES;
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no proposal of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no proposal `{0}`; write for instance `simd`, `threads` or `gc`")]
pub struct ParseProposalError(String);

impl FromStr for Proposal {
    type Err = ParseProposalError;

    fn from_str(name: &str) -> Result<Proposal, ParseProposalError> {
        let found = Proposal::ALL.iter().find(|proposal| proposal.name() == name);
        found.copied().ok_or_else(|| ParseProposalError(name.to_owned()))
    }
}

/// A set of proposals. In a policy a list of names: `["simd", "bulk-memory"]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Proposals(u64);

impl Proposals {
    /// None: the first version of WebAssembly, and no components.
    pub const fn none() -> Proposals {
        Proposals(0)
    }

    /// All that are known here. What an engine does not support it refuses all the same.
    pub fn all() -> Proposals {
        Proposal::ALL.iter().copied().collect()
    }

    /// Those that `engine` supports: what it would refuse while compiling can so be refused at once.
    pub fn of(engine: &Engine) -> Proposals {
        let features = engine.get_wasm_features();
        Proposal::ALL.iter().copied().filter(|proposal| features.contains(proposal.feature())).collect()
    }

    /// Whether `proposal` is among them.
    pub const fn contains(self, proposal: Proposal) -> bool {
        self.0 & Proposals::bit(proposal) != 0
    }

    /// Adds `proposal`.
    pub const fn insert(&mut self, proposal: Proposal) {
        self.0 |= Proposals::bit(proposal);
    }

    /// These without `proposal`.
    #[must_use]
    pub const fn without(self, proposal: Proposal) -> Proposals {
        Proposals(self.0 & !Proposals::bit(proposal))
    }

    /// Those that are in both.
    #[must_use]
    pub const fn intersect(self, other: Proposals) -> Proposals {
        Proposals(self.0 & other.0)
    }

    /// The proposals in the set.
    pub fn iter(self) -> impl Iterator<Item = Proposal> {
        Proposal::ALL.iter().copied().filter(move |proposal| self.contains(*proposal))
    }

    /// Those that are not in `allowed`.
    pub(crate) const fn beyond(self, allowed: Proposals) -> Proposals {
        Proposals(self.0 & !allowed.0)
    }

    pub(crate) const fn join(self, other: Proposals) -> Proposals {
        Proposals(self.0 | other.0)
    }

    const fn bit(proposal: Proposal) -> u64 {
        1 << proposal as u64
    }
}

/// What compilers emit without being asked for more: `rustc`, `clang`, TinyGo and Go, and the engines of Python and JavaScript
/// in components. These are the parts of WebAssembly 2.0, arithmetic in initial values, tail calls, and components.
impl Default for Proposals {
    fn default() -> Proposals {
        [
            Proposal::SignExtension,
            Proposal::SaturatingFloatToInt,
            Proposal::BulkMemory,
            Proposal::ReferenceTypes,
            Proposal::MultiValue,
            Proposal::Simd,
            Proposal::ExtendedConst,
            Proposal::TailCall,
            Proposal::ComponentModel,
        ]
        .into_iter()
        .collect()
    }
}

impl FromIterator<Proposal> for Proposals {
    fn from_iter<I: IntoIterator<Item = Proposal>>(proposals: I) -> Proposals {
        let mut set = Proposals::none();
        proposals.into_iter().for_each(|proposal| set.insert(proposal));
        set
    }
}

impl From<Proposal> for Proposals {
    fn from(proposal: Proposal) -> Proposals {
        Proposals(Proposals::bit(proposal))
    }
}

impl fmt::Debug for Proposals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Proposals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Proposal::name))
    }
}

impl<'de> Deserialize<'de> for Proposals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Proposals, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().map(|name| name.parse::<Proposal>().map_err(de::Error::custom)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_proposal_has_a_bit_and_a_name_of_its_own() {
        assert!(Proposal::ALL.len() <= 64);
        assert_eq!(Proposals::all().iter().collect::<Vec<_>>(), Proposal::ALL);
        for proposal in Proposal::ALL {
            assert_eq!(proposal.name().parse(), Ok(*proposal));
            assert_eq!(Proposals::from(*proposal).iter().collect::<Vec<_>>(), [*proposal]);
        }
    }

    #[test]
    fn a_set_is_written_as_a_list_of_names() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Policy {
            proposals: Proposals,
        }
        let policy: Policy = toml::from_str(r#"proposals = ["simd", "gc"]"#).unwrap();
        assert_eq!(policy.proposals, [Proposal::Gc, Proposal::Simd].into_iter().collect());
        assert_eq!(toml::from_str::<Policy>(&toml::to_string(&policy).unwrap()).unwrap(), policy);
        let error = toml::from_str::<Policy>(r#"proposals = ["smid"]"#).unwrap_err().to_string();
        assert!(error.contains("no proposal `smid`") && error.contains("line 1"), "{error}");
    }
}
