//! Serves HTTP by a component of the world `wasi:http/proxy`, or `wasi:http/service` of WASI 0.3: each request in a store of its own.

mod answer;
mod body;
mod handler;
mod patience;
mod server;

pub use answer::{Answered, Ended};
pub use server::{HttpServer, NotAHandler, ServeOptions};
