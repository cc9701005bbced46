//! Modules that are linked once and instantiated many times: whatever they import, from wherever, sync and async.

use std::time::{Duration, Instant};

use host_core::{HostFunctions, LinkError, Linked, Modules, Profile, Source, guard_async};
use host_limits::Limits;
use wasmtime::{Engine, Linker, Memory, MemoryType, Module, Store};

use crate::{Data, Host};

fn host() -> Host {
    let mut host = Host::with_profile(Profile::Development, Limits::untrusted());
    host.linker.func_wrap("env", "one", || 1).unwrap();
    host
}

fn modules(host: &Host, all: &[(&str, &str)]) -> Modules {
    all.iter().fold(Modules::new(), |modules, (name, wat)| modules.add(*name, host.module(wat)).unwrap())
}

fn call(store: &mut Store<Data>, instance: wasmtime::Instance, name: &str) -> i32 {
    instance.get_typed_func::<(), i32>(&mut *store, name).unwrap().call(store, ()).unwrap()
}

/// Imports from the host only.
const COUNTER: &str = r#"(module (import "env" "one" (func $one (result i32)))
    (global $count (export "count") (mut i32) (i32.const 0))
    (memory (export "memory") 1)
    (table (export "table") 2 funcref)
    (elem (i32.const 1) $next)
    (func $next (export "next") (result i32)
        (global.set $count (i32.add (global.get $count) (call $one))) (global.get $count)))"#;

/// Imports one of each kind from another module only, and so by place.
const USER: &str = r#"(module
    (import "counter" "next" (func $next (result i32)))
    (import "counter" "count" (global $count (mut i32)))
    (import "counter" "memory" (memory 1))
    (import "counter" "table" (table 2 funcref))
    (type $get (func (result i32)))
    (func (export "run") (result i32)
        (i32.store (i32.const 8) (i32.const 100))
        (drop (call $next)) (drop (call_indirect (type $get) (i32.const 1)))
        (i32.add (global.get $count) (i32.load (i32.const 8)))))"#;

/// The same from both a module and the host, and so by name.
fn both() -> String {
    USER.replace("(type $get (", r#"(import "env" "one" (func $one (result i32))) (type $get ("#)
        .replace("(drop (call $next))", "(drop (call $one)) (drop (call $next))")
}

#[test]
fn what_is_linked_once_is_instantiated_in_many_stores_each_with_its_own_state() {
    let host = host();
    let both = both();
    let graph = modules(&host, &[("both", &both), ("counter", COUNTER), ("user", USER)]);
    let linked = graph.link(host.store(), &host.linker).unwrap();
    for _ in 0..3 {
        let mut store = host.store();
        let instances = linked.instantiate(&mut store).unwrap();
        assert_eq!(call(&mut store, instances["user"], "run"), 102);
        assert_eq!(call(&mut store, instances["both"], "run"), 104);
        assert_eq!(call(&mut store, instances["counter"], "next"), 5);
        // And again in the same store: other instances, with a state of their own.
        let again = linked.instantiate(&mut store).unwrap();
        assert_eq!(call(&mut store, again["both"], "run"), 102);
        assert_eq!(call(&mut store, instances["counter"], "next"), 6);
    }
}

#[test]
fn instances_are_found_by_name() {
    let host = host();
    let mut store = host.store();
    let graph = modules(&host, &[("user", USER), ("counter", COUNTER)]);
    let instances = graph.instantiate(&mut store, &host.linker).unwrap();
    assert_eq!(instances.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["counter", "user"]);
    assert_eq!(instances.get("user"), Some(instances["user"]));
    assert_eq!(instances.get("usr"), None);
    let missing = std::panic::catch_unwind(|| instances["usr"]).unwrap_err();
    assert_eq!(missing.downcast_ref::<String>().unwrap(), "no module named `usr` was linked");
}

#[test]
fn every_import_says_where_it_comes_from() {
    let host = host();
    let stubbed = r#"(module (import "env" "one" (func (result i32))) (import "env" "two" (func))
        (import "counter" "nxt" (func (param i64))))"#;
    let graph = modules(&host, &[("user", USER), ("counter", COUNTER), ("stubbed", stubbed)]).stub_missing();
    let linked = graph.link(host.store(), &host.linker).unwrap();
    let sources: Vec<_> = linked
        .sources()
        .map(|import| (import.importer, import.import.module(), import.import.name(), import.source))
        .collect();
    let counter = Source::Module("counter");
    assert_eq!(
        sources,
        [
            ("counter", "env", "one", Source::Host),
            ("stubbed", "env", "one", Source::Host),
            ("stubbed", "env", "two", Source::Stub),
            ("stubbed", "counter", "nxt", Source::Stub),
            ("user", "counter", "next", counter),
            ("user", "counter", "count", counter),
            ("user", "counter", "memory", counter),
            ("user", "counter", "table", counter),
        ]
    );
    let stubs: Vec<String> = linked.stubs().map(|stub| stub.to_string()).collect();
    assert_eq!(
        stubs,
        [
            "`stubbed` imports `env.two`, func(), from nobody: it is stubbed",
            "`stubbed` imports `counter.nxt`, func(i64), from nobody: it is stubbed",
        ]
    );
}

#[test]
fn what_the_linker_holds_of_a_store_is_taken_as_large_as_it_is_by_then() {
    let mut host = host();
    let mut store = host.store();
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    host.linker.define(&store, "env", "memory", memory).unwrap();
    let wants = r#"(module (import "env" "memory" (memory 3))
        (func (export "run") (result i32) (memory.size)))"#;
    let linked = modules(&host, &[("wants", wants)]).link(&mut store, &host.linker).unwrap();
    let error = linked.instantiate(&mut store).unwrap_err();
    assert!(matches!(&error, LinkError::Instantiate { name, .. } if name == "wants"), "{error:?}");
    memory.grow(&mut store, 2).unwrap();
    let instances = linked.instantiate(&mut store).unwrap();
    assert_eq!(call(&mut store, instances["wants"], "run"), 3);
}

#[test]
fn another_engine_is_an_error_and_not_a_panic() {
    let (host, other) = (host(), host());
    let graph = modules(&host, &[("user", USER), ("counter", COUNTER)]);
    let linked = graph.link(host.store(), &host.linker).unwrap();
    let told = |error: LinkError| match error {
        LinkError::OtherEngine { what } => what,
        error => panic!("{error:?}"),
    };
    assert_eq!(told(linked.instantiate(other.store()).unwrap_err()), "the store");
    assert_eq!(told(graph.link(other.store(), &host.linker).unwrap_err()), "the store");
    assert_eq!(told(graph.link(other.store(), &other.linker).unwrap_err()), "module `counter`");
    let error = host_core::check_imports(host.store(), &host.linker, &other.module("(module $m)"));
    assert_eq!(told(error.unwrap_err()), "module `m`");
}

#[test]
fn types_are_the_same_by_their_declaration() {
    // A subtype will do, a supertype will not, and a type that only looks the same will not either.
    let host = host();
    let offer = |ty: &str| {
        format!(
            r#"(module (type $top (sub (func))) (type $below (sub $top (func)))
                (rec (type $other (sub (func))) (type (struct))) (func (export "f") (type {ty})))"#
        )
    };
    let want = r#"(module (type $top (sub (func))) (type $below (sub $top (func)))
        (import "o" "f" (func (type TYPE))))"#;
    for (offered, wanted, fits) in [
        ("$top", "$top", true),
        ("$below", "$top", true),
        ("$top", "$below", false),
        ("$other", "$top", false),
    ] {
        let (offer, want) = (offer(offered), want.replace("TYPE", wanted));
        let result = modules(&host, &[("o", &offer), ("w", &want)]).link(host.store(), &host.linker);
        match result {
            Ok(linked) => {
                assert!(fits, "{offered} {wanted}");
                linked.instantiate(host.store()).unwrap();
            }
            Err(error) => {
                assert!(!fits, "{offered} {wanted}: {error}");
                assert!(
                    error.to_string().contains("wanted func(), offered func() declared otherwise"),
                    "{error}"
                );
            }
        }
    }
}

// Async.

const ASKS: &str = r#"(module (import "env" "wait" (func $wait (result i32)))
    (import "counter" "next" (func $next (result i32)))
    (func $start (drop (call $wait))) (start $start)
    (func (export "run") (result i32) (i32.add (call $wait) (call $next))))"#;

fn waiting_host() -> Host {
    let mut host = host();
    let env = HostFunctions::new("env").func_async("wait", |_, (): ()| {
        Box::new(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok::<i32, std::io::Error>(40)
        })
    });
    env.add_to_linker(&mut host.linker).unwrap();
    host
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn async_instantiation_waits_in_start_functions_and_runs_as_a_task() {
    let host = std::sync::Arc::new(waiting_host());
    let graph = modules(&host, &[("asks", ASKS), ("user", USER), ("counter", COUNTER)]);
    let linked = std::sync::Arc::new(graph.link(host.store(), &host.linker).unwrap());
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (host, linked) = (host.clone(), linked.clone());
            tokio::spawn(async move {
                let mut store = host.async_store();
                let outcome = guard_async(&mut store, async |store| {
                    let instances = linked.instantiate_async(&mut *store).await?;
                    let run = instances["asks"].get_typed_func::<(), i32>(&mut *store, "run")?;
                    run.call_async(store, ()).await
                });
                outcome.await.unwrap().value
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 41);
    }
}

#[test]
fn a_graph_with_async_functions_is_refused_in_a_sync_store_and_does_not_panic() {
    let host = waiting_host();
    // Also where nothing waits while it is instantiated, but only when it is called.
    let later = ASKS.replace("(start $start)", "");
    for asks in [ASKS, &later] {
        let graph = modules(&host, &[("asks", asks), ("counter", COUNTER)]);
        let error = graph.instantiate(host.store(), &host.linker).unwrap_err();
        let LinkError::Instantiate { name, error } = error else { panic!("{error:?}") };
        assert_eq!(name, "asks");
        assert!(error.to_string().contains("async"), "{error}");
    }
}

#[test]
fn linked_modules_can_be_shared_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Linked<std::cell::Cell<u32>>>();
    check::<HostFunctions<std::cell::Cell<u32>>>();
    check::<Modules>();
}

// Size.

#[test]
fn a_thousand_modules_are_linked_quickly() {
    let host = host();
    let name = |n: usize| format!("m{n:04}");
    let all: Vec<_> = (0..1_000)
        .map(|n| {
            // Each from the next and from the host, the last from the host.
            let import = match n {
                999 => r#"(import "env" "one" (func $next (result i32)))"#.to_owned(),
                _ => format!(
                    r#"(import "{}" "f" (func $next (result i32))) (import "env" "one" (func (result i32)))"#,
                    name(n + 1)
                ),
            };
            (name(n), format!(r#"(module {import} (func (export "f") (result i32) (call $next)))"#))
        })
        .collect();
    let all: Vec<_> = all.iter().map(|(name, wat)| (name.as_str(), wat.as_str())).collect();
    let graph = modules(&host, &all);
    let start = Instant::now();
    let linked = graph.link(host.store(), &host.linker).unwrap();
    let mut store = host.store();
    let limits = Limits { instances: 1_000, ..Limits::untrusted() };
    store.data_mut().meter = host_limits::Meter::new(limits);
    host_limits::arm(&mut store, &host.ticker).unwrap();
    let instances = linked.instantiate(&mut store).unwrap();
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(call(&mut store, instances["m0000"], "f"), 1);
}

#[test]
fn a_hundred_thousand_imports_are_resolved_quickly() {
    // As many as a module may have: once offered, once missing and stubbed, once missing.
    let engine = Engine::default();
    let params = "(param i32 i32 i32)";
    let offers = format!(r#"(module (func (export "f") {params}))"#);
    let offers = Module::new(&engine, offers).unwrap();
    let imports = |name: &str| {
        let import = format!(r#"(import "offers" "{name}" (func (type $t)))"#);
        let wat = format!("(module (type $t (func {params})) {})", import.repeat(100_000));
        Module::new(&engine, wat).unwrap()
    };
    let (good, bad) = (imports("f"), imports("g"));
    let graph = |module: &Module| {
        Modules::new().add("offers", offers.clone()).unwrap().add("many", module.clone()).unwrap()
    };
    let (store, linker) = (|| Store::new(&engine, ()), Linker::new(&engine));
    let start = Instant::now();
    let linked = graph(&good).link(store(), &linker).unwrap();
    assert_eq!(linked.sources().count(), 100_000);
    linked.instantiate(store()).unwrap();
    let stubbed = graph(&bad).stub_missing().link(store(), &linker).unwrap();
    assert_eq!(stubbed.stubs().count(), 100_000);
    let error = graph(&bad).link(store(), &linker).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    let LinkError::Imports { problems, .. } = &error else { panic!("{error:?}") };
    assert_eq!(problems.len(), 100_000);
    assert!(error.to_string().len() < 100_000, "{}", error.to_string().len());
}

#[test]
fn a_function_of_a_thousand_parameters_is_told_in_a_line() {
    let host = host();
    let wat = format!(r#"(module (import "env" "one" (func (param {}))))"#, "i32 ".repeat(1_000));
    let error = host_core::check_imports(host.store(), &host.linker, &host.module(&wat)).unwrap_err();
    let LinkError::Imports { problems, .. } = error else { panic!("{error:?}") };
    assert!(problems[0].wanted.ends_with("i32, i32, and 968 more)"), "{}", problems[0].wanted);
}
