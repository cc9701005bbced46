#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod grants;

mod environment;
mod files;
mod network;
mod special_files;
mod stdio;

mod capture;
mod denial;
mod error;
mod guarded;
mod options;
mod state;

#[cfg(feature = "adapt")]
pub mod adapt;
#[cfg(feature = "http")]
pub mod http;
pub mod p1;
pub mod p2;
#[cfg(feature = "p3")]
pub mod p3;

mod exit;
mod needs;
mod strict;

pub use capture::{OutputRefused, OutputStream};
pub use denial::Denial;
pub use error::GrantError;
pub use exit::exit_code;
pub use files::contents::{Contents, Files};
pub use files::directory::{Access, Directory};
pub use files::quota::{Quota, QuotaRefused};
pub use files::scratch::Scratch;
pub use grants::Grants;
pub use needs::{Need, Needs, needs};
pub use network::{Host, NamePattern, NetworkRule, NetworkRuleError, PathPattern, Ports, Resolve, Resolving};
pub use options::WasiOptions;
pub use state::{HasWasi, Wasi};
pub use stdio::{Output, Stdin};
pub use strict::{RefusedImport, StrictError};

/// The crate whose WASI this one grants, so that a way down never means a second version of it.
pub use wasmtime_wasi;
