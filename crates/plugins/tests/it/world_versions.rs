//! Plugins of either version of their world on one host, and what the host offers them: log, storage, configuration.

use std::collections::BTreeMap;

use host_plugins::host_component::interfaces::storage::{HasStorage as _, Storage};
use host_plugins::host_component::plugin::{Failure, Plugin, PluginPre, Version};
use host_plugins::host_wasi::Grants;
use host_plugins::{ConfigValues, LoadError, PluginHost, Runtime, State};
use wasmtime::Store;
use wasmtime::component::{Component, Val};

use crate::{host, importing, limits, load, ok, policy, string};

fn load_new(host: &PluginHost, name: &str) {
    host.load_bytes(name, &fixtures::bytes(&format!("plugins-0.2/{name}"))).unwrap();
}

/// A runtime, and a plugin of it in a store of its own whose storage has the buckets that the built plugins open.
async fn kept(plugin: &str) -> (Runtime, Store<State>, Version, Plugin) {
    let policy = policy(limits());
    let mut runtime = Runtime::new(policy.profile.clone(), &policy.limits, None).unwrap();
    let component = Component::new(runtime.engine(), fixtures::bytes(plugin)).unwrap();
    let pre = PluginPre::new(runtime.component_linker().instantiate_pre(&component).unwrap()).unwrap();
    let mut store = runtime.store(&policy.limits, &Grants::default()).unwrap();
    *store.data_mut().storage() = Storage::new().with_bucket("counts").with_bucket("hoard");
    let plugin = pre.instantiate_async(&mut store).await.unwrap();
    (runtime, store, pre.version(), plugin)
}

#[tokio::test]
async fn both_versions_are_called_by_one_host() {
    let host = host();
    load(&host, "greeter");
    load_new(&host, "tally");
    load_new(&host, "hoarder");
    assert_eq!(host.call("greeter", "process", &[string("Ada")]).await.unwrap().value, [ok("Hello, Ada!")]);
    let outcome = host.call("tally", "plugin-api#process", &[string("word")]).await.unwrap();
    let no_bucket = Val::Variant("other".into(), Some(Box::new(string("no-such-bucket"))));
    assert_eq!(outcome.value, [Val::Result(Err(Some(Box::new(no_bucket))))]);
    assert_eq!(outcome.captured.log, ["info: counting word"]);
    let hoarded = host.call("hoarder", "plugin-api#process", &[string("buckets")]).await.unwrap();
    assert_eq!(hoarded.value, [ok("0")]);
}

#[tokio::test]
async fn what_a_plugin_keeps_lives_as_long_as_its_store() {
    let (_runtime, mut store, version, tally) = kept("plugins-0.2/tally").await;
    assert_eq!(version, Version::V0_2);
    for count in 1..=3 {
        let answer = tally.process_async(&mut store, "word").await.unwrap();
        assert_eq!(answer, Ok(format!("word: {count}")));
    }
    assert_eq!(store.data_mut().storage().keys(), 1);

    let (_runtime, mut store, _, tally) = kept("plugins-0.2/tally").await;
    assert_eq!(tally.process_async(&mut store, "word").await.unwrap(), Ok("word: 1".to_owned()));
}

#[tokio::test]
async fn an_older_plugin_runs_by_the_same_calls() {
    let (_runtime, mut store, version, shout) = kept("plugins/shout").await;
    assert_eq!(version, Version::V0_1);
    assert_eq!(shout.process_async(&mut store, "quiet").await.unwrap(), Ok("QUIET".to_owned()));
}

#[tokio::test]
async fn a_plugin_that_hoards_is_told_where_it_ends() {
    for (what, most) in [("buckets", 100), ("keys", 1_000)] {
        let (_runtime, mut store, _, hoarder) = kept("plugins-0.2/hoarder").await;
        let count = hoarder.process_async(&mut store, what).await.unwrap();
        assert_eq!(count, Ok(most.to_string()), "{what}");
        let refused = hoarder.process_async(&mut store, "nonsense").await.unwrap();
        assert_eq!(refused, Err(Failure::InvalidInput("nonsense".to_owned())));
    }
}

/// Exports how long the value of `key` is, or nothing if it has none.
const READER: &str = r#"(component
    (import "wasi:config/store@0.2.0-rc.1" (instance $store
        (type $error' (variant (case "upstream" string) (case "io" string)))
        (export "error" (type $error (eq $error')))
        (export "get" (func (param "key" string) (result (result (option string) (error $error)))))))
    (core module $memory
        (memory (export "memory") 1)
        (data (i32.const 16) "key")
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
    (core instance $memory (instantiate $memory))
    (core func $get (canon lower (func $store "get")
        (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
    (core module $main
        (import "host" "get" (func $get (param i32 i32 i32)))
        (import "memory" "memory" (memory 1))
        (func (export "length") (result i32)
            (call $get (i32.const 16) (i32.const 3) (i32.const 64))
            (if (i32.load8_u (i32.const 64)) (then unreachable))
            (i32.store (i32.const 100) (i32.load8_u (i32.const 68)))
            (i32.store (i32.const 104) (i32.load (i32.const 76)))
            (i32.const 100)))
    (core instance $main (instantiate $main
        (with "host" (instance (export "get" (func $get)))) (with "memory" (instance $memory))))
    (func (export "length") (result (option u32))
        (canon lift (core func $main "length") (memory (core memory $memory "memory")))))"#;

#[tokio::test]
async fn configuration_is_what_the_host_gives_this_store() {
    let host = host();
    host.load_bytes("reader", &wat::parse_str(READER).unwrap()).unwrap();
    assert_eq!(host.call("reader", "length", &[]).await.unwrap().value, [Val::Option(None)]);

    let values = BTreeMap::from([("key".to_owned(), "value".to_owned())]);
    let outcome = host.call_with("reader", async |store, instance| {
        let length = instance.get_typed_func::<(), (Option<u32>,)>(&mut *store, "length")?;
        store.data_mut().set_config(&ConfigValues::from(&values));
        let given = length.call_async(&mut *store, ()).await?;
        store.data_mut().set_config(&ConfigValues::new());
        Ok((given.0, length.call_async(&mut *store, ()).await?.0))
    });
    assert_eq!(outcome.await.unwrap().value, (Some(5), None));
}

#[test]
fn a_version_that_is_not_offered_is_told_with_the_one_that_is() {
    for (wanted, offered) in [
        ("wasi:config/store@0.2.0-draft", "wasi:config/store@0.2.0-rc.1"),
        ("my-org:my-plugin/storage@0.3.0", "my-org:my-plugin/storage@0.2.0"),
        ("my-org:my-plugin/logging@0.3.0", "my-org:my-plugin/logging@0.2.0"),
    ] {
        let error = host().load_bytes("other", &importing(&[wanted])).unwrap_err();
        let LoadError::Imports(report) = &error else { panic!("{error}") };
        assert!(report.to_string().contains(offered), "{report}");
    }
}
