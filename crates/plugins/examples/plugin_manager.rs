//! A plugin manager: load from a directory while the program runs, call, replace, unload.
//!
//! A manager that keeps one store a plugin is left with a dead one after the first trap; here every call has its own. And
//! the cache verifies what it finds before it is run.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::fs;

use host_plugins::host_cache::{Cache, IntegrityOnly};
use host_plugins::host_component::bindings::asynchronous::MyPlugin;
use host_plugins::{PluginHost, Policy, blocking};
use wasmtime::component::Val;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    fs::copy(fixtures::path("plugins/greeter"), directory.path().join("greeter.wasm"))?;
    fs::write(directory.path().join("broken.wasm"), "not a plugin")?;
    let cache = Cache::open(directory.path().join("cache"), IntegrityOnly)?;

    let policy = Policy::from_toml("[limits]\nmemory = \"32MiB\"\ndeadline = \"5s\"")?;
    let host = blocking::PluginHost::new(PluginHost::new(policy, Some(cache))?)?;
    let loaded = host.host().load_directory(directory.path())?;
    for plugin in &loaded.plugins {
        println!("loaded {} ({})", plugin.name, plugin.loading.origin);
    }
    for (path, error) in &loaded.failed {
        println!("not loaded: {}: {error}", path.display());
    }
    assert_eq!((loaded.plugins.len(), loaded.failed.len()), (1, 1));

    // By name, with values that are only known at run time …
    let ada = Val::String("Ada".into());
    let greeting = host.call("greeter", "process", std::slice::from_ref(&ada))?;
    println!("greeter says {:?}, and logged {:?}", greeting.value, greeting.captured.log);
    assert_eq!(greeting.captured.log, ["greeting Ada"]);

    // … or typed, through the bindings of its world.
    let typed = host.block_on(host.host().call_with("greeter", async |store, instance| {
        let plugin = MyPlugin::new(&mut *store, &instance)?;
        plugin.my_org_my_plugin_plugin_api().call_process(store, "Ada").await
    }))?;
    assert_eq!(typed.value, Ok("Hello, Ada!".to_owned()));

    // Another component takes its place; the world is the same, so the calls are too.
    host.host().unload("greeter");
    host.host().load_bytes("greeter", &fixtures::bytes("plugins/shout"))?;
    let shouted = host.call("greeter", "process", &[ada])?;
    println!("after the replacement it says {:?}", shouted.value);
    let ok = Val::Result(Ok(Some(Box::new(Val::String("ADA".into())))));
    assert_eq!(shouted.value, [ok]);
    Ok(())
}
