//! Serves HTTP by a component of the world `wasi:http/proxy`: each request in a store of its own.

mod answer;
mod body;
mod patience;
mod server;

pub use answer::{Answered, Ended};
pub use server::{HttpServer, NotAHandler, ServeOptions};
