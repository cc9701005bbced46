//! What does the world `my-org:streams` look like in Rust, whose functions run side by side in one store?
//!
//! Its functions are `async` in WIT itself. A host serves `ask` through `backend::HostWithStore`, and calls the exports inside
//! [`Store::run_concurrent`](wasmtime::Store::run_concurrent), as many at a time as it likes. Streams and futures come as
//! [`StreamReader`](wasmtime::component::StreamReader) and [`FutureReader`](wasmtime::component::FutureReader).

#[expect(missing_docs, reason = "generated; the names and their documentation are those of the WIT file")]
mod generated {
    wasmtime::component::bindgen!({
        world: "streams",
        path: "../../wit/streams",
    });
}

pub use generated::*;
