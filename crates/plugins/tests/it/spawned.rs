//! Calls of every form can be made on any thread: their futures are `Send`.

use std::time::{Duration, Instant};

use host_plugins::host_component::bindings::asynchronous::MyPlugin;
use host_plugins::{CallError, InstancePolicy, PluginHost};
use serde_json::json;
use tokio::task::coop::has_budget_remaining;
use wasmtime::component::Val;

use crate::{counting, host, limits, load, ok, policy, string};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_form_of_a_call_runs_on_another_thread() {
    let host = host();
    load(&host, "greeter");
    let of = |host: &PluginHost| host.clone();

    let one = of(&host);
    let values = tokio::spawn(async move { one.call("greeter", "process", &[string("Ada")]).await });
    let one = of(&host);
    let json = tokio::spawn(async move { one.call_json("greeter", "process", &json!(["Ada"])).await });
    let one = of(&host);
    let wave = tokio::spawn(async move { one.call_wave("greeter", "process(\"Ada\")").await });
    let one = of(&host);
    let with = tokio::spawn(async move {
        one.call_with("greeter", async |store, instance| {
            let plugin = MyPlugin::new(&mut *store, &instance)?;
            plugin.my_org_my_plugin_plugin_api().call_process(store, "Ada").await
        })
        .await
    });
    let one = of(&host);
    let typed = tokio::spawn(async move {
        one.call_typed("greeter", async |store, plugin: &MyPlugin| {
            plugin.my_org_my_plugin_plugin_api().call_process(store, "Ada").await
        })
        .await
    });
    assert_eq!(values.await.unwrap().unwrap().value, [ok("Hello, Ada!")]);
    assert_eq!(json.await.unwrap().unwrap().value, json!({ "ok": "Hello, Ada!" }));
    assert_eq!(wave.await.unwrap().unwrap().value, "ok(\"Hello, Ada!\")");
    assert_eq!(with.await.unwrap().unwrap().value, Ok("Hello, Ada!".to_owned()));
    assert_eq!(typed.await.unwrap().unwrap().value, Ok("Hello, Ada!".to_owned()));
}

/// Tasks that call in a loop would keep their thread from all others otherwise.
#[tokio::test]
async fn after_a_long_call_it_is_the_turn_of_other_tasks() {
    let host = host();
    host.load_bytes("counting", &counting(1)).unwrap();
    for rounds in (10..).map(|power| 1 << power) {
        tokio::task::yield_now().await;
        let begun = Instant::now();
        host.call("counting", "work", &[Val::U32(rounds)]).await.unwrap();
        if begun.elapsed() > Duration::from_millis(5) {
            assert!(!has_budget_remaining());
            return;
        }
    }
}

#[tokio::test]
async fn a_warm_instance_serves_one_tenant_only() {
    let counter = wat::parse_str(
        r#"(component
            (core module $m
                (global $count (mut i32) (i32.const 0))
                (func (export "next") (result i32)
                    (global.set $count (i32.add (global.get $count) (i32.const 1)))
                    (global.get $count))
                (func (export "fail") unreachable))
            (core instance $i (instantiate $m))
            (func (export "next") (result u32) (canon lift (core func $i "next")))
            (func (export "fail") (canon lift (core func $i "fail"))))"#,
    )
    .unwrap();
    let mut policy = policy(limits());
    policy.instances = InstancePolicy::warm();
    let host = PluginHost::new(policy, None).unwrap();
    host.load_bytes("counter", &counter).unwrap();
    let (acme, other) = (host.tenant("acme").unwrap(), host.tenant("other").unwrap());
    for expected in ["1", "2", "3"] {
        assert_eq!(acme.call_wave("counter", "next()").await.unwrap().value, expected);
    }
    assert_eq!(other.call_wave("counter", "next()").await.unwrap().value, "1");
    assert_eq!(acme.call_wave("counter", "next()").await.unwrap().value, "4");
    let failed = acme.call_wave("counter", "fail()").await.unwrap_err();
    assert!(matches!(failed, CallError::Fault(_)), "{failed}");
    assert_eq!(acme.call_wave("counter", "next()").await.unwrap().value, "1");
}
