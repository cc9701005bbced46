//! Spans, for those who listen.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use host_core::{Export, compile_module, guard, guard_async, invoke};
use host_limits::Limits;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, dispatcher};
use wasmtime::Val;

use crate::Host;

const GUEST: &str = r#"(module $calculator
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "fail") unreachable))"#;

/// A span as it was told: its name, and its fields as text.
type Told = (String, BTreeMap<String, String>);

/// Keeps all spans of `host_core`.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Told>>>);

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "host_core" && *metadata.level() == Level::DEBUG
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut spans = self.0.lock().unwrap();
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        spans.push((span.metadata().name().to_owned(), fields));
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut spans = self.0.lock().unwrap();
        let index = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut Fields(&mut spans[index].1));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        let mut spans = self.0.lock().unwrap();
        let index = usize::try_from(span.into_u64()).unwrap() - 1;
        spans[index].1.insert("entered".to_owned(), "yes".to_owned());
    }

    fn exit(&self, _: &Id) {}
}

/// The spans of what `work` does on this thread.
fn spans(work: impl FnOnce()) -> Vec<Told> {
    let recorder = Recorder::default();
    let dispatch = Dispatch::new(recorder.clone());
    // While there is only one subscriber, tracing asks the thread that first comes to a span, and another test may do that,
    // on a thread where nobody listens.
    let _second = Dispatch::new(Recorder::default());
    dispatcher::with_default(&dispatch, work);
    recorder.0.lock().unwrap().clone()
}

/// The fields of a span in which the work was done.
fn fields<const N: usize>(fields: [(&str, &str); N]) -> BTreeMap<String, String> {
    let fields = fields.into_iter().chain([("entered", "yes")]);
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn compiling_tells_size_module_and_result() {
    let host = Host::new(Limits::untrusted());
    let bytes = wat::parse_str(GUEST).unwrap();
    let told = spans(|| {
        compile_module(&host.engine, &bytes).unwrap();
        compile_module(&host.engine, b"").unwrap_err();
    });
    let length = bytes.len().to_string();
    let good = fields([("bytes", &length), ("module", "calculator"), ("result", "ok")]);
    let bad = fields([("bytes", "0"), ("result", "the input is empty; give a WebAssembly binary (.wasm)")]);
    assert_eq!(told, [("compile".to_owned(), good), ("compile".to_owned(), bad)]);
}

#[test]
fn a_call_tells_module_export_fuel_and_result() {
    let host = Host::new(Limits::untrusted());
    let mut store = host.store();
    let module = host.module(GUEST);
    let instance = guard(&mut store, |store| host.linker.instantiate(store, &module)).unwrap().value;
    let add = Export::<(i32, i32), i32>::find(&mut store, &instance, "add").unwrap();
    let fail = Export::<(), ()>::find(&mut store, &instance, "fail").unwrap();
    let mut fuel = Vec::new();
    let told = spans(|| {
        fuel.push(add.call(&mut store, (1, 2)).unwrap().usage.fuel.unwrap());
        let by_name = |store: &mut _| invoke(store, &instance, "add", &[Val::I32(1), Val::I32(2)]);
        let before = fuel[0];
        fuel.push(guard(&mut store, by_name).unwrap().usage.fuel.unwrap() - before);
        fuel.push(fail.call(&mut store, ()).unwrap_err().usage().fuel.unwrap());
    });
    let calls: Vec<_> = told.iter().map(|(name, fields)| (name.as_str(), fields.clone())).collect();
    let expected = |export: &str, fuel: u64, result: &str| {
        let fuel = fuel.to_string();
        ("call", fields([("module", "calculator"), ("export", export), ("fuel", &fuel), ("result", result)]))
    };
    let failed = &told[2].1["result"];
    assert!(failed.starts_with("guest: wasm trap: wasm `unreachable` instruction executed"), "{failed}");
    assert_eq!(
        calls,
        [expected("add", fuel[0], "ok"), expected("add", fuel[1], "ok"), expected("fail", fuel[2], failed)]
    );
}

#[test]
fn an_async_call_tells_the_same() {
    let host = Host::new(Limits::untrusted());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut store = host.async_store();
    let module = host.module(GUEST);
    let told = spans(|| {
        runtime.block_on(async {
            let instantiate = async |store: &mut _| host.linker.instantiate_async(store, &module).await;
            let instance = guard_async(&mut store, instantiate).await.unwrap().value;
            let add = Export::<(i32, i32), i32>::find(&mut store, &instance, "add").unwrap();
            add.call_async(&mut store, (1, 2)).await.unwrap();
        });
    });
    let [(name, fields)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((name.as_str(), fields["export"].as_str()), ("call", "add"));
    assert_eq!((fields["module"].as_str(), fields["result"].as_str()), ("calculator", "ok"));
    assert_eq!(fields["entered"], "yes");
}

#[test]
fn what_a_guest_named_stays_on_one_line() {
    let host = Host::new(Limits::untrusted());
    let name = format!("a\\0a{}", "x".repeat(1_000));
    let bytes = wat::parse_str(format!(r#"(module (@name "{name}"))"#)).unwrap();
    let told = spans(|| drop(compile_module(&host.engine, &bytes)));
    let module = &told[0].1["module"];
    assert!(module.starts_with("a x") && module.len() < 400, "{module}");
}
