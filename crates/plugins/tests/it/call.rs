//! Calls: by name, in full, typed; mistakes of the caller cost nothing.

use host_plugins::host_component::bindings::asynchronous::MyPlugin;
use host_plugins::host_limits::{Bytes, Limits};
use host_plugins::{CallError, PluginHost};
use wasmtime::component::Val;

use crate::{err, host, load, ok, string};

#[tokio::test]
async fn by_short_name_and_in_full() {
    let host = host();
    load(&host, "greeter");
    for export in ["process", "plugin-api#process", "my-org:my-plugin/plugin-api@0.1.0#process"] {
        let outcome = host.call("greeter", export, &[string("Ada")]).await.unwrap();
        assert_eq!(outcome.value, [ok("Hello, Ada!")], "{export}");
        assert_eq!(outcome.captured.log, ["greeting Ada"]);
        assert!(outcome.usage.fuel.unwrap() > 0);
        assert!(outcome.usage.peak_memory.get() > 1 << 20);
    }
    let version = host.call("greeter", "get-version", &[]).await.unwrap();
    assert_eq!(version.value, [string("0.1.0")]);
}

#[tokio::test]
async fn an_error_the_plugin_returns_is_a_value() {
    let host = host();
    load(&host, "greeter");
    let outcome = host.call("greeter", "process", &[string("")]).await.unwrap();
    assert_eq!(outcome.value, [err("nobody to greet")]);
}

#[tokio::test]
async fn typed_and_several_calls_of_one_instance() {
    let host = host();
    load(&host, "shout");
    let outcome = host
        .call_with("shout", async |store, instance| {
            let plugin = MyPlugin::new(&mut *store, &instance)?;
            let api = plugin.my_org_my_plugin_plugin_api();
            let version = api.call_get_version(&mut *store).await?;
            Ok((version, api.call_process(&mut *store, "quiet").await?))
        })
        .await
        .unwrap();
    assert_eq!(outcome.value, ("2.3.1".to_owned(), Ok("QUIET".to_owned())));
    assert_eq!(outcome.captured.log.len(), 1);
}

#[tokio::test]
async fn a_mistake_of_the_caller_says_what_would_be_right() {
    let host = host();
    load(&host, "greeter");
    let cases: [(&str, &str, &[Val], &str); 5] = [
        ("greter", "process", &[], "loaded are: greeter"),
        ("greeter", "proces", &[], "process"),
        ("greeter", "process", &[], "takes"),
        ("greeter", "process", &[Val::U32(1)], "string"),
        ("greeter", "get-version", &[Val::U32(1)], "takes"),
    ];
    for (plugin, export, arguments, says) in cases {
        let error = host.call(plugin, export, arguments).await.unwrap_err();
        assert!(error.fault().is_none(), "{error}");
        assert!(error.to_string().contains(says), "{export}: {error}");
    }
    assert!(matches!(host.call("greeter", "proces", &[]).await, Err(CallError::Export(_))));
    assert_eq!(host.call("greeter", "process", &[string("Ada")]).await.unwrap().value, [ok("Hello, Ada!")]);
}

#[tokio::test]
async fn nothing_stays_from_one_call_to_the_next() {
    let host = host();
    // Counts its calls in a global of its own.
    let counter = wat::parse_str(
        r#"(component
            (core module $m
                (global $calls (mut i32) (i32.const 0))
                (func (export "count") (result i32)
                    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                    (global.get $calls)))
            (core instance $i (instantiate $m))
            (func (export "count") (result u32) (canon lift (core func $i "count"))))"#,
    )
    .unwrap();
    host.load_bytes("counter", &counter).unwrap();
    for _ in 0..3 {
        assert_eq!(host.call("counter", "count", &[]).await.unwrap().value, [Val::U32(1)]);
    }
}

#[tokio::test]
async fn what_is_logged_beyond_the_limit_is_counted_and_not_kept() {
    let limits = Limits { output: Bytes::kibi(1), ..crate::limits() };
    let host = PluginHost::new(crate::policy(limits), None).unwrap();
    load(&host, "greeter");
    let outcome = host.call("greeter", "process", &[string(&"x".repeat(5_000))]).await.unwrap();
    let kept: usize = outcome.captured.log.iter().map(String::len).sum();
    assert!(kept <= 1024, "{kept} bytes are kept");
    assert_eq!(outcome.captured.log_dropped.lines, 1);
    assert!(outcome.captured.log_dropped.bytes >= 5_000 - 1024);
}
