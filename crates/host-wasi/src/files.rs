//! Which files does a guest see, and how much may it write?
//!
//! Three grants make a directory that the guest sees under a path of its own: `directories` shows one of the host,
//! `scratch` a fresh one, `files` one that is made from a map. wasmtime-wasi does the work; a [`Guard`](guard::Guard)
//! stands before it, in WASI 0.1 and 0.2 alike, and holds quotas, notes denials and bounds listings.

pub(crate) mod contents;
pub(crate) mod directory;
pub(crate) mod guest_path;
pub(crate) mod scratch;

pub(crate) mod open;

mod count;
pub(crate) mod guard;
pub(crate) mod ledger;
pub(crate) mod quota;
pub(crate) mod slashes;
pub(crate) mod stream;
