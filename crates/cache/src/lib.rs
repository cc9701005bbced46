#![cfg_attr(feature = "wasmtime", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "wasmtime"), doc = "A verified, content-addressed store of bytes. See [`Cache`].")]
#![deny(unsafe_code)]
#![cfg_attr(not(feature = "wasmtime"), forbid(unsafe_code))]
#![cfg_attr(
    not(feature = "wasmtime"),
    expect(dead_code, reason = "the ways of loading code are nobody's without it; with it, the lint is on")
)]

// What is stored, and under which name.
mod digest;
mod key;
mod trailer;
mod trust;

// Storing it, and getting back nothing else.
mod builder;
mod cache;
mod entry;
mod lookup;
mod place;
mod publish;
mod stats;

// Looking after what is stored.
mod bounds;
mod files;
mod gc;
mod left_overs;
mod overlap;
mod process_lock;
mod removal;
mod side_file;
mod stamp;
mod usage;
mod verify;

// Compiled code.
#[cfg(feature = "wasmtime")]
mod ahead;
#[cfg(feature = "wasmtime")]
mod async_calls;
#[cfg(feature = "wasmtime")]
mod background;
#[cfg(feature = "wasmtime")]
mod code;
#[cfg(feature = "wasmtime")]
mod compile;
#[cfg(feature = "wasmtime")]
mod engine;
#[cfg(feature = "wasmtime")]
mod flight;
#[cfg(feature = "wasmtime")]
mod input;
#[cfg(feature = "wasmtime")]
mod known;
#[cfg(feature = "wasmtime")]
mod memo;
#[cfg(feature = "wasmtime")]
mod memory;
#[cfg(feature = "wasmtime")]
mod module_cache;
#[cfg(feature = "wasmtime")]
#[expect(
    unsafe_code,
    reason = "loading native code is a promise that it is ours, and this is the room where it is kept"
)]
mod native;
#[cfg(feature = "wasmtime")]
mod outcome;
#[cfg(feature = "wasmtime")]
mod pin;
#[cfg(feature = "wasmtime")]
mod sealed;

pub use builder::{CacheBuilder, Downgrade, Durability, LoadMode};
pub use cache::Cache;
pub use digest::{Digest, ParseDigestError};
pub use entry::Artifact;
pub use gc::{GcReport, Pin};
pub use key::{Key, KeyBuilder};
pub use lookup::{Lookup, MissReason};
pub use place::OpenError;
pub use publish::{Put, PutError};
pub use stats::{Downgrades, Misses, Stats};
pub use trailer::Kind;
pub use trust::{HostKey, HostKeyError, IntegrityOnly, KeyId, Trust};
pub use usage::DiskUsage;
pub use verify::VerifyReport;

pub(crate) use trailer::Trailer;

#[cfg(feature = "wasmtime")]
pub use self::{
    ahead::{AheadError, AheadFile, compile_ahead},
    async_calls::SharedInput,
    compile::CompileError,
    engine::UnsupportedEngine,
    input::Input,
    module_cache::ModuleCache,
    native::{load_precompiled_component, load_precompiled_module},
    outcome::{Loaded, Outcome, Source},
    pin::CodePin,
};
