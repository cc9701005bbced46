#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod profile;

mod compile;
mod input;

mod imports;
mod link;

mod call;
mod guard;
mod invoke;
mod values;

mod abi;
mod backtrace;
mod core_dump;
mod fault;

mod memory;

mod text;
mod trace;
mod type_text;

pub use crate::backtrace::Frame;
pub use crate::call::Export;
pub use crate::compile::{CompileError, compile_module};
pub use crate::core_dump::CoreDumpError;
pub use crate::fault::{Denied, Exception, Exit, Fault, FaultKind, trap_name};
pub use crate::guard::{Outcome, guard, guard_async};
pub use crate::imports::{ImportProblem, LinkError};
pub use crate::input::{InputError, InputKind};
pub use crate::invoke::{
    InvokeError, invoke, invoke_async, invoke_values, invoke_values_async, parse_arguments,
};
pub use crate::link::{Modules, check_imports};
pub use crate::memory::{MemoryAccess, MemoryError, exported_memory};
pub use crate::profile::{POOL_MEMORY, POOL_STORES, Profile};
pub use crate::type_text::type_text;
pub use crate::values::value_text;
