//! A guest's memory, and what a guest says about it: found, read, written and allocated in, without ever panicking.

mod access;
mod allocation;
mod allocator;
mod error;
mod export;
mod functions;
mod number;
mod protocol;

pub use crate::memory::access::MemoryAccess;
pub use crate::memory::allocation::Allocation;
pub use crate::memory::allocator::Allocator;
pub use crate::memory::error::MemoryError;
pub use crate::memory::export::{exported_memory, instance_memory};
pub use crate::memory::number::Number;
pub use crate::memory::protocol::{AllocDealloc, AllocatorProtocol, CabiFree, CabiRealloc};
