//! Integration tests: what a guest may touch, asked of real guests.

mod command;

mod r#async;
mod clocks;
mod env;
mod explain;
mod files;
mod grants;
mod needs;
mod network;
mod outputs;
mod p1;
mod p2;
mod random;
mod resources;
mod stdio;
mod wishes;
