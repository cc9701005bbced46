#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod profile;

mod input;

mod host_functions;
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
pub use crate::fault::{Fault, FaultKind, HostPanic};
pub use crate::guard::{Outcome, guard, guard_async};
pub use crate::host_functions::{HostFunction, HostFunctions, HostFunctionsError, HostResult, HostValues};
pub use crate::imports::{ImportProblem, LinkError};
pub use crate::input::{InputError, InputKind};
pub use crate::link::{
    ImportSource, Instances, Linked, MissingImport, ModuleRole, Modules, RoleError, Source, check_imports,
    initialize, initialize_async, run_command, run_command_async, stub_missing_imports,
};
pub use crate::memory::{MemoryAccess, MemoryError, exported_memory};
pub use crate::profile::{POOL_MEMORY, POOL_STORES, Profile};
pub use crate::type_text::type_text;
pub use crate::values::{InvokeError, invoke_async, parse_arguments};
