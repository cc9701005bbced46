#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod grants;

mod clocks;
mod environment;
mod files;
mod network;
mod random;
#[cfg(feature = "schemars")]
mod schema;
mod special_files;
mod stdio;

mod bounded;
mod denial;
mod error;
mod guarded;
mod key;
mod lines;
mod options;
mod recorded;
mod sink;
mod state;

#[cfg(feature = "adapt")]
pub mod adapt;
#[cfg(feature = "http")]
pub mod http;
pub mod p1;
pub mod p2;
#[cfg(feature = "p3")]
pub mod p3;

mod excess;
mod exit;
mod explain;
mod needs;
mod strict;
mod wishes;

pub use bounded::{OutputRefused, OutputStream};
pub use clocks::{Clocks, Time, TimeError};
pub use denial::Denial;
pub use error::GrantError;
pub use excess::Excess;
pub use exit::exit_code;
pub use explain::{Answer, Explanation, Verdict, explain};
pub use files::contents::{Contents, Files};
pub use files::directory::{Access, Directory};
pub use files::quota::{Quota, QuotaRefused};
pub use files::scratch::Scratch;
pub use grants::Grants;
pub use key::KeyPart;
pub use lines::{Line, OnLinePanicked};
pub use needs::{Need, Needs, needs};
pub use network::{Host, NamePattern, NetworkRule, NetworkRuleError, PathPattern, Ports, Resolve, Resolving};
pub use options::WasiOptions;
pub use random::Randomness;
pub use recorded::Recorded;
pub use state::{HasWasi, Wasi};
pub use stdio::{Output, Stdin};
pub use strict::{RefusedImport, StrictError};
pub use wishes::{WishedDirectory, WishedRule, WishedScratch, Wishes};

/// The crate whose WASI this one grants, so that a way down never means a second version of it.
pub use wasmtime_wasi;
