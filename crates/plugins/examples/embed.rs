//! A product's main: plugins from a directory that is watched, two tenants, and an answer to every "what happened?".

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::fs;
use std::time::Duration;

use anyhow::{Result, bail};
use host_plugins::host_component::bindings::asynchronous::MyPlugin;
use host_plugins::{
    Arguments, CallError, CrashBundle, CrashBundles, Event, Heard, PluginHost, Policy, WatchSettings,
};
use serde_json::json;

const POLICY: &str =
    "limits = { memory = \"32MiB\", fuel = 50_000_000, deadline = \"5s\" }\ntenants.acme.weight = 2";

#[tokio::main]
async fn main() -> Result<()> {
    // What an operator has: a directory with a manifest for each plugin.
    let directory = tempfile::tempdir()?;
    for name in ["greeter", "endless-loop"] {
        fs::copy(fixtures::path(&format!("plugins/{name}")), directory.path().join(format!("{name}.wasm")))?;
        fs::write(directory.path().join(format!("{name}.toml")), format!("source = \"{name}.wasm\""))?;
    }
    let host = PluginHost::new(Policy::from_toml(POLICY)?, None)?;
    let mut events = host.events();
    let loaded = host.watch_with(directory.path(), WatchSettings::default(), |step| {
        println!("{}/{}: {}", step.done, step.of, if step.result.is_ok() { "loaded" } else { "not loaded" });
    })?;
    assert_eq!((loaded.plugins.len(), loaded.failed.len()), (2, 0));

    // One tenant calls by the world's types, another with JSON.
    let acme = host.tenant("acme")?;
    let greet = async |store: &mut _, plugin: &MyPlugin| {
        plugin.my_org_my_plugin_plugin_api().call_process(store, "Ada").await
    };
    let typed = acme.call_typed("greeter", greet).await?;
    assert_eq!(typed.value, Ok("Hello, Ada!".to_owned()));
    let bundles = CrashBundles::new(directory.path().join("bundles")).arguments(Arguments::Written);
    let other = host.tenant("umbrella")?.crash_bundles(bundles);
    let reply = other.call_json("greeter", "process", &json!(["Grace"])).await?;
    assert_eq!(reply.value, json!({ "ok": "Hello, Grace!" }));

    // A plugin that never returns is stopped, and what is known of it is in a directory.
    let result = other.call_json("endless-loop", "process", &json!(["Ada"])).await;
    let Err(CallError::Fault(stopped)) = result else { bail!("not stopped, but {result:?}") };
    let Some(Ok(bundle)) = &stopped.bundle else { bail!("no crash bundle, but {:?}", stopped.bundle) };
    let explained = CrashBundle::read(bundle)?.to_string();
    assert!(explained.contains("who can act"));
    println!("\n{explained}");

    println!("{}\n", serde_json::to_string_pretty(&host.snapshot().tenants)?);
    let ended = host.shutdown(Duration::from_secs(5)).await;
    let heard: Vec<Heard> = std::iter::from_fn(|| events.try_next()).collect();
    heard.iter().for_each(|heard| println!("{heard:?}"));
    assert!(heard.iter().any(|heard| matches!(heard, Heard::Event(Event::ShuttingDown { .. }))));
    assert_eq!((ended.cancelled, ended.left), (0, 0));
    Ok(())
}
