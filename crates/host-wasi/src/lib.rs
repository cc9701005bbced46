#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod grants;

mod clocks;
mod directories;
mod environment;
mod network;
mod random;
mod stdio;

mod bounded;
mod denial;
mod error;
mod key;
mod lines;
mod options;
mod sink;
mod state;

#[cfg(feature = "http")]
pub mod http;
pub mod p1;
pub mod p2;

mod exit;
mod explain;
mod needs;
mod wishes;

pub use bounded::{OutputRefused, OutputStream};
pub use clocks::{Clocks, Time, TimeError};
pub use denial::Denial;
pub use directories::{Access, Directory};
pub use error::GrantError;
pub use exit::exit_code;
pub use explain::{Answer, Explanation, Verdict, explain};
pub use grants::Grants;
pub use key::KeyPart;
pub use lines::{Line, OnLinePanicked};
pub use needs::{Need, Needs, needs};
pub use network::{Host, NamePattern, NetworkRule, NetworkRuleError, PathPattern, Ports, Resolve, Resolving};
pub use options::WasiOptions;
pub use random::Randomness;
pub use state::{HasWasi, Wasi};
pub use stdio::{Output, Stdin};
pub use wishes::{WishedDirectory, WishedRule, Wishes};

/// The crate whose WASI this one grants, so that a way down never means a second version of it.
pub use wasmtime_wasi;
