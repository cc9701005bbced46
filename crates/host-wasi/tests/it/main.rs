//! Integration tests: what a guest may touch, asked of real guests.

mod command;

#[cfg(feature = "adapt")]
mod adapt;
mod r#async;
mod env;
mod files;
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
mod needs;
mod network;
mod p1;
mod p2;
#[cfg(feature = "p3")]
mod p3;
mod resources;
mod stdio;
mod strict;
