//! The cache from outside, a subject per module.

#[cfg(feature = "wasmtime")]
mod ahead;
mod bounds;
mod changes;
mod concurrent;
mod corrupt;
#[cfg(feature = "wasmtime")]
mod engines;
mod fault_list;
#[cfg(all(feature = "wasmtime", target_os = "linux"))]
mod faults;
#[cfg(feature = "wasmtime")]
mod flights;
#[cfg(unix)]
mod hostile;
#[cfg(feature = "wasmtime")]
mod inputs;
#[cfg(all(feature = "wasmtime", target_os = "linux"))]
mod machine;
#[cfg(feature = "wasmtime")]
mod memory;
#[cfg(all(feature = "wasmtime", target_os = "linux"))]
mod modes;
#[cfg(all(feature = "wasmtime", target_os = "linux"))]
mod mounts;
mod overlap;
#[cfg(feature = "wasmtime")]
mod pins;
mod place;
#[cfg(all(feature = "wasmtime", target_os = "linux"))]
mod resources;
#[cfg(feature = "wasmtime")]
mod reuse;
mod room;
#[cfg(all(feature = "wasmtime", target_os = "linux"))]
mod soak;
mod store;
mod support;
#[cfg(all(feature = "wasmtime", target_os = "linux"))]
mod syscalls;
mod trust;
#[cfg(feature = "wasmtime")]
mod waits;
