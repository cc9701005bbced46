//! Linkers that have only what a component imports and is granted.

use host_wasi::{Access, Grants, Quota, RefusedImport, StrictError, Wasi, p2};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker, ResourceType};
use wasmtime_wasi::p2::bindings::Command;

use crate::command::{ENGINE, component, store};
use crate::p2::INTERFACES;

fn refused(result: Result<(), StrictError>) -> Vec<RefusedImport> {
    match result {
        Err(StrictError::NotGranted { refused }) => refused,
        other => panic!("{other:?}"),
    }
}

/// Whether the linker has an interface, told by a thing that is in it.
fn has<T: 'static>(linker: &mut Linker<T>, interface: &str, item: &str) -> bool {
    let mut root = linker.root();
    let mut instance = root.instance(interface).unwrap();
    instance.resource(item, ResourceType::host::<()>(), |_, _| Ok(())).is_err()
}

/// A component that imports all of these interfaces, and nothing in them.
fn importing(engine: &Engine, interfaces: &[&str]) -> Component {
    let imports = interfaces.iter().map(|name| format!("(import {name:?} (instance))"));
    Component::new(engine, format!("(component {})", imports.collect::<String>())).unwrap()
}

fn granted() -> Grants {
    ["dns", "tcp://127.0.0.1:80", "udp://127.0.0.1:53"]
        .into_iter()
        .fold(Grants::default(), |grants, rule| grants.network(rule.parse().unwrap()))
        .directory(".", "data", Access::ReadOnly)
}

#[test]
fn every_import_that_is_refused_is_named_with_what_to_add() {
    let mut linker = Linker::<Wasi>::new(&ENGINE);
    let result = p2::add_to_linker_strict_sync(&mut linker, component(), &Grants::default());
    let text = result.as_ref().unwrap_err().to_string();
    let refused = refused(result);
    for (interface, grant) in [
        ("wasi:filesystem/preopens@0.2.", "[[directories]]"),
        ("wasi:filesystem/types@0.2.", "[[directories]]"),
        ("wasi:sockets/ip-name-lookup@0.2.", "network = [\"dns\"]"),
        ("wasi:sockets/tcp@0.2.", "network = [\"tcp://HOST:PORT\"]"),
        ("wasi:sockets/udp-create-socket@0.2.", "network = [\"udp://HOST:PORT\"]"),
    ] {
        let found = refused.iter().find(|found| found.import.starts_with(interface));
        let found = found.unwrap_or_else(|| panic!("{interface}: {refused:?}"));
        assert_eq!(found.grant, grant);
        assert!(text.contains(&format!("\n{} needs {grant}", found.import)), "{text}");
    }
    // What tells nothing of the host is not refused; and nothing was added.
    assert!(refused.iter().all(|found| {
        ["wasi:filesystem/", "wasi:sockets/"].iter().any(|granted| found.import.starts_with(granted))
    }));
    assert!(!has(&mut linker, "wasi:cli/environment@0.2.12", "get-environment"));
}

#[test]
fn each_grant_opens_what_it_is_for() {
    let left = |rule: &str| {
        let grants =
            Grants::default().network(rule.parse().unwrap()).directory(".", "data", Access::ReadOnly);
        let mut linker = Linker::<Wasi>::new(&ENGINE);
        let refused = refused(p2::add_to_linker_strict_sync(&mut linker, component(), &grants));
        let interface = |import: &str| import.split(['/', '@']).nth(1).unwrap().to_owned();
        refused.iter().map(|found| interface(&found.import)).collect::<Vec<_>>()
    };
    assert_eq!(left("dns"), ["tcp-create-socket", "tcp", "udp-create-socket", "udp"]);
    assert_eq!(left("tcp://*:80"), ["ip-name-lookup", "udp-create-socket", "udp"]);
    assert_eq!(left("tcp://example.org:80"), ["udp-create-socket", "udp"]);
    assert_eq!(left("udp://*:80"), ["ip-name-lookup", "tcp-create-socket", "tcp"]);
}

#[test]
fn what_is_granted_is_linked_and_nothing_else() {
    let text = r#"(component (import "wasi:cli/environment@0.2.3" (instance
        (export "get-arguments" (func (result (list string)))))))"#;
    let small = Component::new(&ENGINE, text).unwrap();
    let mut linker = Linker::<Wasi>::new(&ENGINE);
    p2::add_to_linker_strict_sync(&mut linker, &small, &granted()).unwrap();
    linker.instantiate(&mut store(Wasi::new(&Grants::default()).unwrap()), &small).unwrap();
    assert!(has(&mut linker, "wasi:cli/environment@0.2.12", "get-environment"));
    assert!(!has(&mut linker, "wasi:cli/exit@0.2.12", "exit"));
    assert!(!has(&mut linker, "wasi:filesystem/types@0.2.12", "descriptor"));
    assert!(!has(&mut linker, "wasi:io/poll@0.2.12", "pollable"));
    let again = p2::add_to_linker_strict_sync(&mut linker, &small, &granted());
    assert!(matches!(again, Err(StrictError::Linker(_))), "{again:?}");
}

#[test]
fn whoever_imports_everything_and_is_granted_it_has_everything() {
    let everything = importing(&ENGINE, p2::INTERFACES);
    let mut linkers = [Linker::<Wasi>::new(&ENGINE), Linker::<Wasi>::new(&ENGINE)];
    p2::add_to_linker_strict_sync(&mut linkers[0], &everything, &granted()).unwrap();
    p2::add_to_linker_strict_async(&mut linkers[1], &everything, &granted()).unwrap();
    for linker in &mut linkers {
        for (interface, item) in INTERFACES {
            assert!(has(linker, &format!("wasi:{interface}@0.2.12"), item), "{interface}");
        }
    }
}

#[tokio::test]
async fn a_command_with_all_it_imports_runs() {
    let mut linker = Linker::<Wasi>::new(&ENGINE);
    p2::add_to_linker_strict_async(&mut linker, component(), &granted()).unwrap();
    let mut store = store(Wasi::new(&Grants::default().args(["strict"])).unwrap());
    let command = Command::instantiate_async(&mut store, component(), &linker).await.unwrap();
    command.wasi_cli_run().call_run(&mut store).await.unwrap().unwrap();
}

#[cfg(feature = "http")]
#[test]
fn requests_need_a_rule_with_a_url() {
    let text = r#"(component
        (import "wasi:http/types@0.2.0" (instance (export "fields" (type (sub resource)))))
        (import "wasi:http/outgoing-handler@0.2.0" (instance)))"#;
    let client = Component::new(&ENGINE, text).unwrap();
    let mut linker = Linker::<Wasi>::new(&ENGINE);
    let refused = refused(p2::add_to_linker_strict_sync(&mut linker, &client, &granted()));
    let [RefusedImport { import, grant, .. }] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!(
        (import.as_str(), *grant),
        ("wasi:http/outgoing-handler@0.2.0", "network = [\"https://HOST/PATH\"]")
    );

    let url = Grants::default().network("https://example.org/*".parse().unwrap());
    p2::add_to_linker_strict_sync(&mut linker, &client, &url).unwrap();
    assert!(has(&mut linker, "wasi:http/types@0.2.12", "fields"));
    assert!(has(&mut linker, "wasi:http/outgoing-handler@0.2.12", "handle"));
    assert!(!has(&mut linker, "wasi:io/poll@0.2.12", "pollable"));
}

#[cfg(feature = "p3")]
#[tokio::test]
async fn the_same_holds_for_0_3() {
    use crate::p3;

    let mut linker = Linker::new(&p3::ENGINE);
    let result = host_wasi::p3::add_to_linker_strict(&mut linker, p3::component(), &Grants::default());
    let refused = refused(result);
    let names: Vec<_> = refused.iter().map(|found| found.import.as_str()).collect();
    let wanted = [
        "wasi:filesystem/preopens@0.3.0",
        "wasi:filesystem/types@0.3.0",
        "wasi:sockets/ip-name-lookup@0.3.0",
    ];
    assert_eq!(names, wanted);

    host_wasi::p3::add_to_linker_strict(&mut linker, p3::component(), &granted()).unwrap();
    p3::run_in(&linker, "", Grants::default()).await.result.unwrap().unwrap();
    assert!(!has(&mut linker, "wasi:random/random@0.3.0", "get-random-bytes"));
    assert!(has(&mut linker, "wasi:clocks/monotonic-clock@0.3.0", "now"));

    let everything = importing(&p3::ENGINE, host_wasi::p3::INTERFACES);
    let mut linker = Linker::<Wasi>::new(&p3::ENGINE);
    let mut grants = granted();
    if cfg!(feature = "http") {
        let refused = self::refused(host_wasi::p3::add_to_linker_strict(&mut linker, &everything, &grants));
        let names: Vec<_> = refused.iter().map(|found| found.import.as_str()).collect();
        assert_eq!(names, ["wasi:http/client@0.3.0"]);
        grants = grants.network("https://example.org/*".parse().unwrap());
    }
    host_wasi::p3::add_to_linker_strict(&mut linker, &everything, &grants).unwrap();
    for (interface, item) in p3::INTERFACES {
        assert!(has(&mut linker, &format!("wasi:{interface}@0.3.0"), item), "{interface}");
    }
}

#[test]
fn every_kind_of_directory_opens_files() {
    let files = importing(&ENGINE, &["wasi:filesystem/types@0.2.0"]);
    let linked =
        |grants: Grants| p2::add_to_linker_strict_sync(&mut Linker::<Wasi>::new(&ENGINE), &files, &grants);
    assert!(linked(Grants::default()).is_err());
    assert!(linked(Grants::default().scratch("tmp", Quota { bytes: 1, files: 1 })).is_ok());
    assert!(linked(Grants::default().files("config", [("a", "b")])).is_ok());
}
