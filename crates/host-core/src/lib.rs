#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod machine;
mod pool;
mod profile;
mod settings;

mod compile;
mod input;

mod host_functions;
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

mod guest_profile;

mod near;
mod text;
mod trace;
mod type_text;

pub use crate::backtrace::Frame;
pub use crate::call::Export;
pub use crate::compile::{CompileError, compile_module};
pub use crate::core_dump::CoreDumpError;
pub use crate::fault::{Denied, Exception, Exit, Fault, FaultKind, HostPanic, trap_name};
pub use crate::guard::{Outcome, guard, guard_async};
pub use crate::guest_profile::{GuestProfile, HasGuestProfile, ProfileError, sample};
pub use crate::host_functions::{HostFunction, HostFunctions, HostFunctionsError, HostResult, HostValues};
pub use crate::imports::{ImportProblem, LinkError};
pub use crate::input::{InputError, InputKind};
pub use crate::invoke::{
    InvokeError, invoke, invoke_async, invoke_values, invoke_values_async, parse_arguments,
};
pub use crate::link::{
    ImportSource, Instances, Linked, MissingImport, ModuleRole, Modules, RoleError, Source, check_imports,
    initialize, initialize_async, run_command, run_command_async, stub_missing_imports,
};
pub use crate::machine::Machine;
pub use crate::memory::{
    AllocDealloc, Allocation, Allocator, AllocatorProtocol, CabiFree, CabiRealloc, MemoryAccess, MemoryError,
    Number, exported_memory, instance_memory,
};
pub use crate::pool::{PoolSettings, PoolUsage};
pub use crate::profile::Profile;
pub use crate::settings::{
    AllocationStrategy, Backtraces, Conflict, EngineError, EngineSettings, NativeProfiler, Optimization,
    RegisterAllocation,
};
pub use crate::type_text::type_text;
pub use crate::values::value_text;
