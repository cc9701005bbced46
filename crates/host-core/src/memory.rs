//! A guest's memory, and what a guest says about it: found, read, written and allocated in, without ever panicking.

mod access;
mod error;
mod export;
mod number;

pub use crate::memory::access::MemoryAccess;
pub use crate::memory::error::MemoryError;
pub use crate::memory::export::{exported_memory, instance_memory};
pub use crate::memory::number::Number;
