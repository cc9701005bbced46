//! Integration tests: what a guest may touch, asked of real guests.

mod command;
mod file_guest;

#[cfg(feature = "adapt")]
mod adapt;
mod r#async;
#[cfg(target_os = "linux")]
mod calls;
mod clocks;
mod directory_errors;
mod env;
mod explain;
#[cfg(target_os = "linux")]
mod extremes;
mod file_map;
mod files;
mod files_async;
mod grants;
#[cfg(feature = "http")]
mod http_bounds;
#[cfg(feature = "http")]
mod http_certificate;
#[cfg(feature = "http")]
mod http_out;
#[cfg(feature = "http")]
mod http_server;
#[cfg(feature = "http")]
mod http_tls;
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
mod listing;
mod lock;
mod memory_handles;
mod memory_requests;
mod needs;
mod network;
mod outputs;
mod p1;
mod p2;
#[cfg(feature = "p3")]
mod p3;
#[cfg(all(feature = "http", feature = "p3"))]
mod p3_http;
#[cfg(feature = "p3")]
mod p3_quota;
mod quota_bytes;
mod quota_calls;
mod quota_files;
mod quota_shared;
mod random;
mod recorded;
mod resources;
mod scratch;
#[cfg(target_os = "linux")]
mod snapshot;
mod stdio;
mod strict;
#[cfg(target_os = "linux")]
mod unsandboxed;
mod versions;
mod wishes;
