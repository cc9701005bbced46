//! Integration tests: what a guest may touch, asked of real guests.

mod command;
mod file_guest;

mod r#async;
mod directory_errors;
mod env;
mod file_map;
mod files;
mod files_async;
mod grants;
mod listing;
mod needs;
mod network;
mod p1;
mod p2;
mod quota_bytes;
mod quota_calls;
mod quota_files;
mod quota_shared;
mod resources;
mod scratch;
mod stdio;
