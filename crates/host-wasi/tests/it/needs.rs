//! What a guest's imports say it may use.

use host_wasi::{Need, Needs, needs};

use crate::command::{ENGINE, component, module};

#[test]
fn a_module_is_read() {
    let found = needs(module().imports().map(|import| format!("{}.{}", import.module(), import.name())));
    for need in [Need::Arguments, Need::Environment, Need::Directories, Need::Stdout, Need::Exit] {
        assert!(found.may_use.contains(&need), "{need}: {found:?}");
    }
    assert!(!found.may_use.contains(&Need::Network), "{found:?}");
    assert!(found.not_wasi.is_empty(), "{found:?}");
}

#[test]
fn a_component_is_read() {
    let component_type = component().component_type();
    let found = needs(component_type.imports(&ENGINE).map(|(name, _)| name.to_owned()));
    for need in [Need::Arguments, Need::Directories, Need::Network, Need::Names, Need::Clock] {
        assert!(found.may_use.contains(&need), "{need}: {found:?}");
    }
    assert!(found.not_wasi.is_empty() && found.unserved.is_empty(), "{found:?}");
}

#[test]
fn what_is_not_served_and_what_is_not_wasi_is_told_apart() {
    let unserved = [
        "wasi:http/outgoing-handler@0.3.0",
        "wasi:cli/stdin@0.3.0-rc-1",
        "wasi:cli/stdin",
        "wasi_unstable.fd_write",
        "wasi_snapshot_preview1.sock_accept",
        "wasi_snapshot_preview1.no_such_function",
    ];
    let not_wasi = ["env.host_log", "my-org:my-plugin/log@0.1.0", "log", ""];
    let found = needs(unserved.into_iter().chain(not_wasi));
    assert!(found.may_use.is_empty(), "{found:?}");
    assert_eq!(found.unserved, unserved.map(str::to_owned).into());
    assert_eq!(found.not_wasi, not_wasi.map(str::to_owned).into());
    assert_eq!(needs([""; 0]), Needs::default());
}

#[cfg(feature = "p3")]
#[test]
fn both_generations_of_components_need_the_same_grants() {
    let found = needs(host_wasi::p3::INTERFACES);
    assert!(found.unserved.is_empty(), "{found:?}");
    let mut of_0_2 = needs(host_wasi::p2::INTERFACES).may_use;
    #[cfg(feature = "http")]
    of_0_2.extend(needs(host_wasi::http::INTERFACES).may_use);
    assert_eq!(found.may_use, of_0_2);
    assert!(needs(["wasi:cli/types@0.3.1", "wasi:clocks/types@0.3.0"]).unserved.is_empty());
}

/// Requests are served, and needed, only with the feature.
#[test]
fn requests_are_a_need_where_they_are_served() {
    let found = needs(["wasi:http/outgoing-handler@0.2.3", "wasi:http/types@0.2.3"]);
    let served = cfg!(feature = "http");
    assert_eq!(found.may_use.contains(&Need::Requests), served, "{found:?}");
    assert_eq!(found.unserved.is_empty(), served, "{found:?}");
}

#[test]
fn a_need_names_its_grant() {
    assert_eq!(Need::Directories.to_string(), "files and directories ([[directories]])");
    assert_eq!(Need::Clock.to_string(), "clocks");
}
