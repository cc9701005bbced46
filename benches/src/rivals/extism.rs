//! Through Extism, as it comes: without WASI, fuel, deadline or captured output.

use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};

use crate::guests;

/// The plug-in that echoes what it is given.
pub(crate) struct Extism(CompiledPlugin);

impl Extism {
    pub(crate) fn echo() -> Extism {
        Extism::of(guests::read("extism-echo"))
    }

    pub(crate) fn of(guest: Vec<u8>) -> Extism {
        Extism(CompiledPlugin::new(builder(guest)).expect("the plug-in is right"))
    }

    /// A call of a plug-in of its own.
    pub(crate) fn fresh(&self, text: &str) -> String {
        call(&mut self.kept(), text)
    }

    pub(crate) fn kept(&self) -> Plugin {
        Plugin::new_from_compiled(&self.0).expect("it is compiled")
    }
}

/// Without the cache that it has otherwise, in the home of whoever runs this.
pub(crate) fn builder(guest: Vec<u8>) -> PluginBuilder<'static> {
    PluginBuilder::new(Manifest::new([Wasm::data(guest)])).with_wasi(false).with_cache_disabled()
}

pub(crate) fn call(plugin: &mut Plugin, text: &str) -> String {
    plugin.call::<&str, String>("process", text).expect("it is called")
}

/// Calls an export without parameters, which gives 0.
pub(crate) fn run(plugin: &mut Plugin) {
    plugin.call::<&str, String>("run", "").expect("it is called");
}
