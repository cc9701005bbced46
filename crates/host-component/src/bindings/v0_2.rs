//! What does version 0.2 of the world `my-org:my-plugin` look like in Rust?
//!
//! It imports the interfaces `logging` and `storage`, whose resource `bucket` is the host's
//! [`Bucket`](crate::interfaces::storage::Bucket), and exports a resource of the plugin's own, `session`: a
//! [`ResourceAny`](wasmtime::component::ResourceAny) in the host's hands. A host that is done with one has to say so with
//! `resource_drop`; Rust's own drop does not reach into the store.

/// Bindings for host functions that return at once.
#[expect(missing_docs, reason = "generated; the names and their documentation are those of the WIT file")]
pub mod sync {
    wasmtime::component::bindgen!({
        world: "my-plugin",
        path: "../../wit/my-plugin-0.2",
        imports: { default: trappable },
        with: { "my-org:my-plugin/storage.bucket": crate::interfaces::storage::Bucket },
    });
}

/// Bindings for host functions that may wait: imports are `async fn`s, and exports are called with `.await`.
#[expect(missing_docs, reason = "generated; the names and their documentation are those of the WIT file")]
pub mod asynchronous {
    wasmtime::component::bindgen!({
        world: "my-plugin",
        path: "../../wit/my-plugin-0.2",
        imports: { default: async | trappable },
        exports: { default: async },
        with: { "my-org:my-plugin/storage.bucket": crate::interfaces::storage::Bucket },
    });
}
