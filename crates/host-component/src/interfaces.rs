//! How does a host serve the interfaces that worlds in `wit/` import? One file for each, named like it.
//!
//! Each has a state, a trait that finds the state in a store's data, and an `add_to_linker`. The functions return at once, so
//! that a linker with them serves sync and async stores alike; a host whose storage waits for a disk implements the traits
//! in [`bindings`](crate::bindings) instead.

pub mod logging;
pub mod storage;
