//! Core modules, which take bytes and give bytes; and calls of the wrong kind.

use host_plugins::host_component::bindings::asynchronous::MyPlugin;
use host_plugins::host_core::FaultKind;
use host_plugins::host_limits::{Bytes, Exceeded, Limits};
use host_plugins::{CallError, PluginHost};
use serde_json::json;
use wasmtime::Trap;

use crate::{counting, host, limits, load, ok, policy, policy_with, string};

/// Turns bytes into those of large letters, and has much that is wrong with it besides.
const MODULE: &str = r#"(module
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 1024))
    (global $live (mut i32) (i32.const 0))
    (func (export "alloc") (param i32) (result i32)
        (global.set $live (i32.add (global.get $live) (i32.const 1)))
        (global.get $next)
        (global.set $next (i32.add (global.get $next) (local.get 0))))
    (func (export "dealloc") (param i32 i32)
        (global.set $live (i32.sub (global.get $live) (i32.const 1))))
    (func $pair (param i32 i32) (result i64)
        (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))
    (func (export "upper") (param i32 i32) (result i64) (local $at i32)
        (block $end (loop $more
            (br_if $end (i32.ge_u (local.get $at) (local.get 1)))
            (i32.store8 (i32.add (local.get 0) (local.get $at))
                (i32.and (i32.load8_u (i32.add (local.get 0) (local.get $at))) (i32.const 0xdf)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $more)))
        (call $pair (local.get 0) (local.get 1)))
    (func (export "live") (param i32 i32) (result i64)
        (i32.store (i32.const 0) (global.get $live))
        (call $pair (i32.const 0) (i32.const 4)))
    (func (export "beyond") (param i32 i32) (result i64) (call $pair (i32.const 131070) (i32.const 4)))
    (func (export "far") (param i32 i32) (result i64) (call $pair (i32.const -1) (i32.const 1)))
    (func (export "large") (param i32 i32) (result i64) (call $pair (i32.const 0) (i32.const 70000)))
    (func (export "traps") (param i32 i32) (result i64) unreachable)
    (func (export "number") (result i32) (i32.const 1)))"#;

fn module(limits: Limits) -> PluginHost {
    let mut policy = policy(limits);
    // The tests make more faults than a plugin may.
    policy.breaker.faults = 100;
    let host = PluginHost::new(policy, None).unwrap();
    host.load_bytes("m", &wat::parse_str(MODULE).unwrap()).unwrap();
    host
}

#[tokio::test]
async fn bytes_in_and_bytes_out() {
    let host = module(limits());
    assert_eq!(host.call_bytes("m", "upper", b"shout").await.unwrap().value, b"SHOUT");
    assert_eq!(host.call_bytes("m", "upper", b"").await.unwrap().value, b"");
    let large = host.call_bytes("m", "upper", &[b'a'; 60_000]).await.unwrap();
    assert_eq!(large.value, [b'A'; 60_000]);
    assert!(large.usage.fuel.unwrap() > 60_000);
    // The input is there during the call.
    assert_eq!(host.call_bytes("m", "live", b"x").await.unwrap().value, 1_u32.to_le_bytes());
}

#[tokio::test]
async fn a_warm_instance_is_called_by_one_export_and_then_by_another() {
    let mut policy = policy(limits());
    policy.instances = policy_with("instances = { warm = {} }").instances;
    let host = PluginHost::new(policy, None).unwrap();
    host.load_bytes("m", &wat::parse_str(MODULE).unwrap()).unwrap();
    for _ in 0..2 {
        assert_eq!(host.call_bytes("m", "upper", b"a").await.unwrap().value, b"A");
        assert_eq!(host.call_bytes("m", "upper", b"b").await.unwrap().value, b"B");
        assert_eq!(host.call_bytes("m", "live", b"").await.unwrap().value, 1_u32.to_le_bytes());
    }
    assert_eq!(host.snapshot().plugins[0].calls.warm, 5);
}

#[tokio::test]
async fn what_a_module_does_wrong_is_its_fault() {
    let mut policy = policy(Limits { lifted: Bytes::kibi(64), ..limits() });
    policy.breaker.faults = 100;
    let host = PluginHost::new(policy, None).unwrap();
    host.load_bytes("m", &wat::parse_str(MODULE).unwrap()).unwrap();
    let kind = async |export| match host.call_bytes("m", export, b"x").await {
        Err(CallError::Fault(stopped)) => stopped.fault.kind().clone(),
        other => panic!("{export}: {other:?}"),
    };
    assert_eq!(kind("traps").await, FaultKind::Trap(Trap::UnreachableCodeReached));
    let allowed = Bytes::kibi(64);
    assert_eq!(kind("large").await, FaultKind::Budget(Exceeded::Lifted { allowed }));
    for export in ["beyond", "far"] {
        let kind = kind(export).await;
        assert!(!matches!(kind, FaultKind::Trap(_) | FaultKind::Budget(_) | FaultKind::Panic(_)), "{kind:?}");
    }
    // An input for which it has no room.
    let error = host.call_bytes("m", "upper", &[0; 200_000]).await.unwrap_err();
    assert!(error.fault().is_some(), "{error}");
    assert_eq!(host.call_bytes("m", "upper", b"a").await.unwrap().value, b"A");
}

#[tokio::test]
async fn what_cannot_be_called_so_is_refused_before_anything_runs() {
    let host = module(limits());
    load(&host, "greeter");
    let number = host.call_bytes("m", "number", b"").await.unwrap_err();
    assert!(matches!(number, CallError::BytesType { .. }), "{number}");
    for missing in ["nothing", "memory"] {
        let error = host.call_bytes("m", missing, b"").await.unwrap_err();
        assert!(matches!(error, CallError::NoFunction { .. }), "{error}");
    }
    let is_kind = |error: CallError| assert!(matches!(error, CallError::Kind { .. }), "{error}");
    is_kind(host.call_bytes("greeter", "process", b"").await.unwrap_err());
    is_kind(host.call("m", "upper", &[]).await.unwrap_err());
    is_kind(host.call_json("m", "upper", &json!([])).await.unwrap_err());
    is_kind(host.call_wave("m", "upper()").await.unwrap_err());
    is_kind(host.call_with("m", async |_, _| Ok(())).await.unwrap_err());
    is_kind(host.call_typed("m", async |_, _: &MyPlugin| Ok(())).await.unwrap_err());
    assert!(host.snapshot().plugins.iter().all(|plugin| plugin.calls.faults.is_empty()));
}

#[tokio::test]
async fn the_forms_of_a_call_say_the_same() {
    let host = host();
    load(&host, "greeter");
    let reply = host.call("greeter", "process", &[string("Ada")]).await.unwrap();
    assert_eq!(reply.value, [ok("Hello, Ada!")]);
    assert_eq!(
        host.call_json("greeter", "process", &json!(["Ada"])).await.unwrap().value,
        json!({ "ok": "Hello, Ada!" })
    );
    assert_eq!(host.call_wave("greeter", "process(\"Ada\")").await.unwrap().value, "ok(\"Hello, Ada!\")");
    let error = host.call_json("greeter", "process", &json!([1])).await.unwrap_err();
    assert!(matches!(error, CallError::Json(_)), "{error}");
    let error = host.call_wave("greeter", "process(1)").await.unwrap_err();
    assert!(matches!(error, CallError::Wave(_)), "{error}");
    host.load_bytes("other", &counting(1)).unwrap();
    let error = host.call_typed("other", async |_, _: &MyPlugin| Ok(())).await.unwrap_err();
    assert!(matches!(error, CallError::World { .. }), "{error}");
}

#[tokio::test]
async fn every_call_can_be_a_task_of_its_own() {
    let host = module(limits());
    load(&host, "greeter");
    let tenant = host.tenant("acme").unwrap();
    let one = host.clone();
    let values =
        tokio::spawn(async move { one.call("greeter", "process", &[string("Ada")]).await.map(drop) });
    let one = host.clone();
    let with = tokio::spawn(async move { one.call_with("greeter", async |_, _| Ok(1)).await.map(drop) });
    let one = host.clone();
    let typed = tokio::spawn(async move {
        let work = async |store: &mut wasmtime::Store<_>, plugin: &MyPlugin| {
            plugin.my_org_my_plugin_plugin_api().call_process(store, "Ada").await
        };
        one.call_typed("greeter", work).await.map(drop)
    });
    let bytes = tokio::spawn(async move { host.call_bytes("m", "upper", b"a").await.map(drop) });
    let tenants =
        tokio::spawn(async move { tenant.call_json("greeter", "process", &json!(["Ada"])).await.map(drop) });
    for task in [values, with, typed, bytes, tenants] {
        task.await.unwrap().unwrap();
    }
}
