//! The world `my-org:my-plugin`, version 0.2, in Rust, expanded once for all plugins; each file in `examples/` is one plugin.

wit_bindgen::generate!({
    path: "../../wit/my-plugin-0.2",
    world: "my-plugin",
    pub_export_macro: true,
});

/// What a plugin implements and the types it does so with.
pub use exports::my_org::my_plugin::plugin_api::{
    Config, Failure, Guest as Plugin, GuestSession, Session, SessionBorrow,
};
pub use my_org::my_plugin::logging::{Level, log};
pub use my_org::my_plugin::storage::{Bucket, Error};
