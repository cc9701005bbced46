//! The linker of WASI 0.3.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use host_wasi::{
    Access, Denial, Grants, HasWasi, Output, OutputRefused, OutputStream, Resolve, Resolving, Wasi,
    WasiOptions, exit_code, p2, p3,
};
use tokio::time::timeout;
use wasmtime::component::{Component, Linker, ResourceType};
use wasmtime::{Config, Engine, Result, Store};
use wasmtime_wasi::p3::bindings::CommandPre;

pub(crate) static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Config::new().consume_fuel(true).wasm_component_model_async(true)).unwrap());

static COMMAND: LazyLock<Component> =
    LazyLock::new(|| Component::new(&ENGINE, fixtures::bytes("p3-command")).unwrap());

pub(crate) fn component() -> &'static Component {
    &COMMAND
}

/// A stranger's data, with the grants in one of its fields.
pub(crate) struct MyData {
    calls: u32,
    wasi: Wasi,
}

impl HasWasi for MyData {
    fn wasi(&mut self) -> &mut Wasi {
        self.calls += 1;
        &mut self.wasi
    }
}

pub(crate) struct Ended {
    /// What the command returned.
    pub(crate) result: Result<Result<(), ()>>,
    pub(crate) data: MyData,
}

/// Finds two public addresses for every name.
struct Two;

impl Resolve for Two {
    fn resolve(&self, _: &str) -> Resolving {
        let found = ["93.184.216.34", "2606:2800:21f::1"].map(|address| address.parse().unwrap());
        Box::pin(async move { Ok(found.into()) })
    }
}

fn linker() -> Linker<MyData> {
    let mut linker = Linker::new(&ENGINE);
    p3::add_to_linker(&mut linker).unwrap();
    linker
}

/// Runs the command, which does what `what` says.
async fn run(what: &str, grants: Grants) -> Ended {
    run_in(&linker(), what, grants).await
}

pub(crate) async fn run_in(linker: &Linker<MyData>, what: &str, grants: Grants) -> Ended {
    let wasi = WasiOptions::new().resolver(Two).open(&grants.args(["command", what])).unwrap();
    let mut store = Store::new(&ENGINE, MyData { calls: 0, wasi });
    store.set_fuel(20_000_000).unwrap();
    store.fuel_async_yield_interval(Some(100_000)).unwrap();
    let result = async {
        let command = CommandPre::new(linker.instantiate_pre(component())?)?;
        let command = command.instantiate_async(&mut store).await?;
        store.run_concurrent(async |store| command.wasi_cli_run().call_run(store).await).await?
    };
    Ended { result: result.await, data: store.into_data() }
}

#[tokio::test]
async fn it_works_with_data_of_ones_own() {
    let ended = run("print", Grants::default().stdout(Output::Capture(100))).await;
    ended.result.unwrap().unwrap();
    assert!(ended.data.calls > 0);
    assert_eq!(ended.data.wasi.stdout(), b"a line of WASI 0.3\n");
}

#[tokio::test]
async fn an_exit_code_comes_whole() {
    let code = async |what| run(what, Grants::default()).await.result.map_err(|error| exit_code(&error));
    assert_eq!(code("").await, Ok(Ok(())));
    assert_eq!(code("return").await, Ok(Err(())));
    assert_eq!(code("exit").await, Err(Some(7)));
    assert_eq!(code("loop").await, Err(None));
}

#[tokio::test]
async fn what_goes_beyond_a_capture_is_an_error_of_the_stream() {
    let ended = run("print", Grants::default().stdout(Output::Capture(6))).await;
    assert_eq!(ended.result.unwrap(), Err(()));
    assert_eq!(ended.data.wasi.stdout(), b"a line");
    assert_eq!(ended.data.wasi.output_refused().unwrap().stream, OutputStream::Stdout);
}

#[tokio::test]
async fn a_flood_ends_the_guest() {
    let ended = run("flood", Grants::default().stdout(Output::Capture(100_000))).await;
    let error = ended.result.unwrap_err();
    let refused = error.downcast_ref::<OutputRefused>().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!((refused.stream, refused.limit), (OutputStream::Stdout, 100_000));
    assert_eq!(ended.data.wasi.stdout().len(), 100_000);
}

#[tokio::test]
async fn only_granted_directories_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let two = Grants::default().directory(folder.path(), "one", Access::ReadOnly).directory(
        folder.path(),
        "two",
        Access::ReadWrite,
    );
    for (grants, number) in [(Grants::default(), 0), (two, 2)] {
        let error = run("directories", grants).await.result.unwrap_err();
        assert_eq!(exit_code(&error), Some(number));
    }
}

#[tokio::test]
async fn a_name_is_looked_up_if_a_rule_says_so_and_else_recorded() {
    let rule = |rule: &str| Grants::default().network(rule.parse().unwrap());
    for granted in [rule("dns"), rule("dns:example.org"), rule("tcp://example.org:443")] {
        let ended = run("names", granted).await;
        assert_eq!(exit_code(&ended.result.unwrap_err()), Some(102));
        assert_eq!(ended.data.wasi.denials(), []);
    }
    for other in [Grants::default(), rule("dns:example.com"), rule("tcp://*:443")] {
        let ended = run("names", other).await;
        assert_eq!(exit_code(&ended.result.unwrap_err()), Some(0), "access denied");
        let denials = ended.data.wasi.denials();
        let [Denial { asked, grant, .. }] = &denials[..] else { panic!("{denials:?}") };
        assert_eq!(
            (asked.as_str(), grant.as_str()),
            ("to look up example.org", r#"network = ["dns:example.org"]"#)
        );
    }
}

#[tokio::test]
async fn a_guest_that_sleeps_for_an_hour_can_be_given_up() {
    let begun = Instant::now();
    assert!(timeout(Duration::from_millis(100), run("sleep", Grants::default())).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn both_generations_stand_beside_each_other_and_none_twice() {
    let mut linker = linker();
    p2::add_to_linker_async(&mut linker).unwrap();
    assert!(p3::add_to_linker(&mut linker).is_err());
}

#[test]
fn an_engine_without_concurrency_is_refused() {
    let engine = Engine::new(Config::new().concurrency_support(false)).unwrap();
    let error = p3::add_to_linker(&mut Linker::<Wasi>::new(&engine)).unwrap_err();
    assert!(format!("{error:#}").contains("concurrency"), "{error:#}");
}

/// Each interface, with one thing that is in it.
pub(crate) const INTERFACES: &[(&str, &str)] = &[
    ("cli/environment", "get-environment"),
    ("cli/exit", "exit"),
    ("cli/stderr", "write-via-stream"),
    ("cli/stdin", "read-via-stream"),
    ("cli/stdout", "write-via-stream"),
    ("cli/terminal-input", "terminal-input"),
    ("cli/terminal-output", "terminal-output"),
    ("cli/terminal-stderr", "get-terminal-stderr"),
    ("cli/terminal-stdin", "get-terminal-stdin"),
    ("cli/terminal-stdout", "get-terminal-stdout"),
    ("clocks/monotonic-clock", "now"),
    ("clocks/system-clock", "now"),
    ("filesystem/preopens", "get-directories"),
    ("filesystem/types", "descriptor"),
    #[cfg(feature = "http")]
    ("http/client", "send"),
    #[cfg(feature = "http")]
    ("http/types", "fields"),
    ("random/insecure-seed", "get-insecure-seed"),
    ("random/insecure", "get-insecure-random-bytes"),
    ("random/random", "get-random-bytes"),
    ("sockets/ip-name-lookup", "resolve-addresses"),
    ("sockets/types", "tcp-socket"),
];

#[test]
fn no_interface_is_forgotten() {
    let mut linker = linker();
    for (interface, item) in INTERFACES {
        // A name that is taken cannot be defined again.
        let name = format!("wasi:{interface}@0.3.0");
        let mut root = linker.root();
        let mut instance = root.instance(&name).unwrap();
        let again = instance.resource(item, ResourceType::host::<()>(), |_, _| Ok(()));
        assert!(again.is_err(), "{name} has no {item}");
    }
    let names: Vec<_> = INTERFACES.iter().map(|(interface, _)| format!("wasi:{interface}@0.3.0")).collect();
    assert_eq!(names, p3::INTERFACES);
}
