//! Integration tests: what a guest may touch, asked of real guests.

mod command;

mod r#async;
#[cfg(target_os = "linux")]
mod calls;
mod env;
#[cfg(target_os = "linux")]
mod extremes;
mod files;
mod grants;
#[cfg(target_os = "linux")]
mod inside;
#[cfg(target_os = "linux")]
mod inside_names;
#[cfg(target_os = "linux")]
mod inside_paths;
#[cfg(target_os = "linux")]
mod inside_pipes;
#[cfg(target_os = "linux")]
mod inside_races;
#[cfg(target_os = "linux")]
mod inside_read_only;
#[cfg(target_os = "linux")]
mod inside_slashes;
#[cfg(target_os = "linux")]
mod inside_special;
#[cfg(target_os = "linux")]
mod inside_ways_out;
mod lock;
mod memory_handles;
mod memory_requests;
mod needs;
mod network;
mod p1;
mod p2;
mod resources;
#[cfg(target_os = "linux")]
mod snapshot;
mod stdio;
#[cfg(target_os = "linux")]
mod unsandboxed;
mod versions;
