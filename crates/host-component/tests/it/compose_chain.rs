//! Three components in Rust that use each other: what comes out, what each is granted, and which of them is stopped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{env, fs, process};

use host_component::compose::{ComponentInstances, Linkers, NodeFailed};
use host_component::{CallError, Components, Composition, HasComposition, LinkedComponents, find};
use host_core::{Fault, FaultKind, guard};
use host_limits::{Bytes, Exceeded, HasMeter, Limits, Meter, Ticker, arm};
use wasmtime::component::{Component, Linker, ResourceTable, Val};
use wasmtime::{Config, Engine, Store, Trap};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

const NAMES: [&str; 3] = ["first", "second", "third"];

/// What one component may do and spend.
struct Share {
    wasi: WasiCtx,
    meter: Meter,
}

impl Share {
    fn new(wasi: WasiCtx, limits: Limits) -> Share {
        Share { wasi, meter: Meter::new(limits) }
    }
}

/// A host whose components have grants and limits of their own.
struct Host {
    composition: Composition,
    shares: BTreeMap<String, Share>,
    /// For when no component runs: nothing.
    nobody: Share,
    table: ResourceTable,
}

impl Host {
    fn new() -> Host {
        let share = || Share::new(WasiCtxBuilder::new().build(), limits());
        let shares = NAMES.iter().map(|name| ((*name).to_owned(), share())).collect();
        Host { composition: Composition::new(), shares, nobody: share(), table: ResourceTable::new() }
    }

    fn with(mut self, name: &str, share: Share) -> Host {
        self.shares.insert(name.to_owned(), share);
        self
    }
}

impl HasComposition for Host {
    fn composition(&mut self) -> &mut Composition {
        &mut self.composition
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let share = self.composition.current().and_then(|name| self.shares.get_mut(name));
        WasiCtxView { ctx: &mut share.unwrap_or(&mut self.nobody).wasi, table: &mut self.table }
    }
}

impl HasMeter for Host {
    fn meter(&mut self) -> &mut Meter {
        let name = self.composition.current().or(self.composition.failed());
        let share = name.and_then(|name| self.shares.get_mut(name));
        &mut share.unwrap_or(&mut self.nobody).meter
    }
}

/// The components, compiled once for all tests of an engine.
struct Chain {
    engine: Engine,
    components: Components,
}

/// An engine as most have it.
static PLAIN: LazyLock<Chain> = LazyLock::new(|| Chain::new(&mut Config::new()));

/// One that holds limits, and without concurrency.
static LIMITED: LazyLock<Chain> = LazyLock::new(|| Chain::new(limits().configure(&mut Config::new())));

impl Chain {
    fn new(config: &mut Config) -> Chain {
        let engine = Engine::new(config).unwrap();
        let components = components(&engine);
        Chain { engine, components }
    }
}

fn limits() -> Limits {
    // These three Wasmtime counts for the whole store, whoever asks for one more.
    Limits { instances: 20, tables: 20, memories: 20, ..Limits::untrusted() }
}

fn components(engine: &Engine) -> Components {
    NAMES.iter().fold(Components::new(), |components, name| {
        let component = Component::from_file(engine, fixtures::path(&format!("chain/{name}"))).unwrap();
        components.add(*name, component).unwrap()
    })
}

fn linker(engine: &Engine) -> Linker<Host> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    linker
}

fn run(
    store: &mut Store<Host>,
    linked: &LinkedComponents<Host>,
    instances: &ComponentInstances,
    text: &str,
) -> Result<String, CallError> {
    let function = find(linked.component("third").unwrap(), "run").unwrap();
    let results = instances.call(store, "third", &function, &[Val::String(text.to_owned())])?;
    match &results[..] {
        [Val::String(text)] => Ok(text.clone()),
        other => panic!("{other:?}"),
    }
}

/// Runs the chain once, in a store of its own.
fn report(host: Host, text: &str) -> (Result<String, CallError>, Store<Host>) {
    let Chain { engine, components } = &*PLAIN;
    let linked = components.link(&linker(engine)).unwrap();
    let mut store = Store::new(engine, host);
    let instances = linked.instantiate(&mut store).unwrap();
    let result = run(&mut store, &linked, &instances, text);
    (result, store)
}

#[test]
fn three_components_make_a_report() {
    let quiet = Chain::new(Config::new().concurrency_support(false));
    for Chain { engine, components } in [&*PLAIN, &quiet] {
        let linked = components.link(&linker(engine)).unwrap();
        assert_eq!(linked.order().collect::<Vec<_>>(), NAMES);
        let mut store = Store::new(engine, Host::new());
        let instances = linked.instantiate(&mut store).unwrap();
        for (text, expected) in [
            ("the quick fox", "The Quick Fox (3 words, longest: quick)"),
            ("", " (0 words, longest: none)"),
            ("äpfel ünd 🦀", "Äpfel Ünd 🦀 (3 words, longest: äpfel)"),
        ] {
            assert_eq!(run(&mut store, &linked, &instances, text).unwrap(), expected);
        }
        // Every document was closed, by the second, and so destroyed by the first.
        assert_eq!(store.data().composition.resources(), 0);
    }
}

#[tokio::test]
async fn they_do_so_in_an_async_store() {
    let quiet = Chain::new(Config::new().concurrency_support(false));
    for Chain { engine, components } in [&*PLAIN, &quiet] {
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        let linked = components.link_async(&linker).unwrap();
        let mut store = Store::new(engine, Host::new());
        let instances = linked.instantiate_async(&mut store).await.unwrap();
        let function = find(linked.component("third").unwrap(), "run").unwrap();
        let text = [Val::String("the quick fox".to_owned())];
        for _ in 0..2 {
            let results = instances.call_async(&mut store, "third", &function, &text).await.unwrap();
            assert_eq!(results, [Val::String("The Quick Fox (3 words, longest: quick)".to_owned())]);
        }
        assert_eq!(store.data().composition.resources(), 0);
    }
}

#[test]
fn one_component_is_an_instance_for_each_name_it_is_added_under() {
    let Chain { engine, components } = &*PLAIN;
    let again = components.get("first").unwrap().clone();
    let components = components
        .clone()
        .add("again", again)
        .unwrap()
        .connect("second", "my-org:chain/words", "again")
        .connect("third", "my-org:chain/words", "again");
    let linked = components.link(&linker(engine)).unwrap();
    let mut store = Store::new(engine, Host::new());
    let instances = linked.instantiate(&mut store).unwrap();
    assert_eq!(run(&mut store, &linked, &instances, "a bc").unwrap(), "A Bc (2 words, longest: bc)");
    assert_eq!(
        instances.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        ["again", "first", "second", "third"]
    );
    assert!(instances.get("fourth").is_none());
}

/// A folder with a note in it, gone when dropped.
struct Notes(PathBuf);

impl Notes {
    fn new(name: &str) -> Notes {
        let folder = env::temp_dir().join(format!("host-component-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("note"), "secret").unwrap();
        Notes(folder)
    }

    /// Leave to read the note.
    fn granted(&self) -> Share {
        let folder: &Path = &self.0;
        let mut wasi = WasiCtxBuilder::new();
        wasi.preopened_dir(folder, "/notes", FsPerms::ReadOnly).unwrap();
        Share::new(wasi.build(), limits())
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn grants_are_those_of_the_component_that_runs() {
    let notes = Notes::new("grants");
    // The first reads when it is called by the third, the second when it is called by the third, and asks the first meanwhile.
    let (by_first, by_second) = ("!read=/notes/note", "!second /notes/note");
    let says = |host: Host, text: &str| report(host, text).0.unwrap();
    for granted in NAMES {
        let host = || Host::new().with(granted, notes.granted());
        assert_eq!(says(host(), by_first).contains("Secret"), granted == "first", "{granted}");
        assert_eq!(says(host(), by_second).contains("secret"), granted == "second", "{granted}");
    }
}

#[test]
fn linkers_are_those_of_the_component_that_imports() {
    let Chain { engine, components } = &*PLAIN;
    let (wasi, nothing) = (linker(engine), Linker::new(engine));
    components.link(&wasi).unwrap();
    let error = components.link(Linkers::new(&wasi).node("second", &nothing)).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("the components do not fit together: `second`: "), "{text}");
    assert!(text.contains("`wasi:"), "{text}");
}

#[test]
fn a_trap_names_the_component_it_happened_in() {
    let (result, store) = report(Host::new(), "one !trap three");
    let Err(CallError::Failed { source, .. }) = result else { panic!("{result:?}") };
    let failed: &NodeFailed = source.downcast_ref().unwrap();
    assert_eq!(failed.node, "first");
    assert_eq!(failed.function.as_deref(), Some("my-org:chain/words@0.1.0#[constructor]document"));
    assert_eq!(source.downcast_ref(), Some(&Trap::UnreachableCodeReached));
    assert_eq!(store.data().composition.failed(), Some("first"));
    assert_eq!(store.data().composition.current(), None);
    assert_eq!(
        failed.to_string(),
        "the component `first` failed in `my-org:chain/words@0.1.0#[constructor]document`"
    );
}

/// Runs the chain under a guard, which tells what ended it.
fn guarded(host: Host, text: &str) -> (Result<String, Fault>, Store<Host>) {
    let Chain { engine, components } = &*LIMITED;
    let ticker = Ticker::start(engine).unwrap();
    let linked = components.link(&linker(engine)).unwrap();
    let mut store = Store::new(engine, host);
    arm(&mut store, &ticker).unwrap();
    let result = guard(&mut store, |store| {
        let instances = linked.instantiate(&mut *store).map_err(|error| error.into_error())?;
        run(store, &linked, &instances, text).map_err(|error| match error {
            CallError::Failed { source, .. } => source,
            other => other.into(),
        })
    });
    (result.map(|outcome| outcome.value), store)
}

fn memory(memory: Bytes) -> Limits {
    Limits { memory, ..limits() }
}

#[test]
fn a_memory_budget_is_that_of_the_component_that_runs() {
    let with = |name: &str, memory| {
        Host::new().with(name, Share::new(WasiCtxBuilder::new().build(), self::memory(memory)))
    };
    // The first takes 16 MiB; that the others may have no more than 8 does not matter.
    for name in ["second", "third"] {
        let (result, _) = guarded(with(name, Bytes::mebi(8)), "!grow");
        assert!(result.unwrap().starts_with("Grown"), "{name}");
    }
    let (result, store) = guarded(with("first", Bytes::mebi(8)), "!grow");
    let fault = result.unwrap_err();
    let FaultKind::Budget(Exceeded::Memory { allowed, .. }) = fault.kind() else { panic!("{fault:#}") };
    assert_eq!(*allowed, Bytes::mebi(8));
    assert_eq!(fault.error().downcast_ref::<NodeFailed>().unwrap().node, "first");
    assert_eq!(store.data().composition.failed(), Some("first"));
}

#[test]
fn a_budget_counts_from_instantiation_on() {
    let share = Share::new(WasiCtxBuilder::new().build(), memory(Bytes::kibi(64)));
    let (result, store) = guarded(Host::new().with("second", share), "!grow");
    let fault = result.unwrap_err();
    assert!(matches!(fault.kind(), FaultKind::Budget(Exceeded::Memory { .. })), "{fault:#}");
    assert_eq!(store.data().composition.failed(), Some("second"));
}

#[test]
fn a_share_of_the_fuel_is_spent_by_its_component_alone() {
    let host = |share: Option<(&str, u64)>| {
        let mut host = Host::new();
        if let Some((name, units)) = share {
            host.composition = host.composition.with_fuel_share(name, units);
        }
        host
    };
    let left = |store: &Store<Host>, name| store.data().composition.fuel_share(name).unwrap();
    let text = "word ".repeat(100);
    let plenty = 500_000_000;
    let (result, store) = guarded(host(None), &text);
    result.unwrap();
    let without = store.get_fuel().unwrap();

    let mut used = BTreeMap::new();
    for name in NAMES {
        let (result, store) = guarded(host(Some((name, plenty))), &text);
        result.unwrap();
        used.insert(name, plenty - left(&store, name));
        // The store pays for everything, whoever has a share.
        assert_eq!(store.get_fuel().unwrap(), without, "{name}");
    }
    for name in NAMES {
        let (result, _) = guarded(host(Some((name, used[name]))), &text);
        result.unwrap();
        let (result, store) = guarded(host(Some((name, used[name] / 2))), &text);
        let fault = result.unwrap_err();
        assert_eq!(fault.trap(), Some(Trap::OutOfFuel), "{name}: {fault:#}");
        let failed: &NodeFailed = fault.error().downcast_ref().unwrap();
        assert_eq!((failed.node.as_str(), failed.fuel_share.is_some()), (name, true));
        assert_eq!(left(&store, name), 0);
        assert!(store.get_fuel().unwrap() > plenty, "{name}");
    }
    // Each pays for what it does itself, and nobody for what the others do.
    let burnt = limits().fuel.unwrap() - without;
    assert_eq!(used.values().sum::<u64>(), burnt);
}

#[test]
fn the_host_enters_a_component_for_typed_calls() {
    let Chain { engine, components } = &*PLAIN;
    let linked = components.link(&linker(engine)).unwrap();
    let mut store = Store::new(engine, Host::new());
    let instances = linked.instantiate(&mut store).unwrap();
    let index = find(linked.component("third").unwrap(), "run").unwrap();
    let (current, report) = instances
        .enter(&mut store, "third", |store| {
            let current = store.data().composition.current().map(str::to_owned);
            let interface =
                instances["third"].get_export_index(&mut *store, None, "my-org:chain/report@0.1.0");
            let run =
                instances["third"].get_export_index(&mut *store, interface.as_ref(), &index.name).unwrap();
            let run = instances["third"].get_typed_func::<(&str,), (String,)>(&mut *store, run)?;
            Ok((current, run.call(&mut *store, ("a bc",))?.0))
        })
        .unwrap();
    assert_eq!((current.as_deref(), report.as_str()), (Some("third"), "A Bc (2 words, longest: bc)"));
    assert_eq!(store.data().composition.current(), None);
}

#[cfg(feature = "compose")]
#[test]
fn put_together_ahead_of_time_they_do_the_same() {
    let Chain { engine, components } = &*PLAIN;
    let bytes = components.compose_ahead("third", |name| fixtures::bytes(&format!("chain/{name}"))).unwrap();
    let composed = Component::new(engine, bytes).unwrap();
    let run = find(&composed, "my-org:chain/report@0.1.0#run").unwrap();
    let mut store = Store::new(engine, Host::new());
    let instance = linker(engine).instantiate(&mut store, &composed).unwrap();
    for text in ["the quick fox", "", "äpfel ünd 🦀"] {
        let ahead =
            host_component::call(&mut store, &instance, &run, &[Val::String(text.to_owned())]).unwrap();
        assert_eq!(ahead, [Val::String(report(Host::new(), text).0.unwrap())]);
    }
    let exports: Vec<String> =
        host_component::exports(&composed).iter().map(|function| function.full_name()).collect();
    assert_eq!(exports, ["my-org:chain/report@0.1.0#run"]);
}

#[cfg(feature = "compose")]
#[test]
fn what_cannot_be_put_together_ahead_of_time_says_why() {
    use host_component::compose::AheadError;

    let components = &PLAIN.components;
    let error = components.compose_ahead("third", |_| *b"no component").unwrap_err();
    assert!(matches!(&error, AheadError::Component { node, .. } if node == "first"), "{error}");
    let error = components.compose_ahead("fourth", |_| *b"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no component named `fourth`; there are `first`, `second`, `third`"
    );
    // Other bytes than those that were compiled.
    let error = components.compose_ahead("second", |_| fixtures::bytes("chain/third")).unwrap_err();
    assert_eq!(error.to_string(), "`second` cannot get `my-org:chain/words@0.1.0` from `first`");
}
