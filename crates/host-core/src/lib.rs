#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod profile;

mod input;

mod imports;
mod link;

mod guard;
mod values;

mod abi;
mod backtrace;
mod fault;

mod memory;

mod text;
mod type_text;

pub use crate::backtrace::Frame;
pub use crate::fault::{Fault, FaultKind};
pub use crate::guard::{Outcome, guard, guard_async};
pub use crate::imports::{ImportProblem, LinkError};
pub use crate::input::{InputError, InputKind};
pub use crate::link::{Modules, check_imports};
pub use crate::memory::{
    AllocDealloc, Allocation, Allocator, AllocatorProtocol, CabiFree, CabiRealloc, MemoryAccess, MemoryError,
    Number, exported_memory, instance_memory,
};
pub use crate::profile::{POOL_MEMORY, POOL_STORES, Profile};
pub use crate::type_text::type_text;
pub use crate::values::{InvokeError, invoke_async, parse_arguments};
