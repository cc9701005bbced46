//! The world `my-org:my-plugin` in Rust, expanded once for all plugins; each file in `examples/` is one plugin.

wit_bindgen::generate!({
    path: "../../wit/my-plugin",
    world: "my-plugin",
    pub_export_macro: true,
});

/// What a plugin implements: `process` and `get_version`.
pub use exports::my_org::my_plugin::plugin_api::Guest as Plugin;

/// What the plugins that misbehave give as their version; only their `process` does harm.
pub const HOSTILE: &str = "6.6.6";
