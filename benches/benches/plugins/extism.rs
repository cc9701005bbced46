//! The same through Extism, as it comes: without WASI, fuel, deadline or captured output.

use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};

use crate::guest_path;

pub(crate) struct Extism {
    compiled: CompiledPlugin,
}

impl Extism {
    pub(crate) fn new() -> Extism {
        let wasm =
            std::fs::read(guest_path("extism-echo")).expect("`cargo xtask bench` builds the guests first");
        let builder = PluginBuilder::new(Manifest::new([Wasm::data(wasm)])).with_wasi(false);
        Extism { compiled: CompiledPlugin::new(builder).expect("the plug-in is right") }
    }

    /// A call of a plug-in of its own.
    pub(crate) fn fresh(&self, text: &str) -> String {
        call(&mut self.kept(), text)
    }

    pub(crate) fn kept(&self) -> Plugin {
        Plugin::new_from_compiled(&self.compiled).expect("it is compiled")
    }
}

pub(crate) fn call(plugin: &mut Plugin, text: &str) -> String {
    plugin.call::<&str, String>("process", text).expect("it is called")
}
