//! Resources through the typed bindings: the host's in a plugin's hands, and a plugin's in the host's.

use host_component::bindings::v0_2::sync::exports::my_org::my_plugin::plugin_api::Config;
use host_component::bindings::v0_2::{asynchronous, sync};
use host_core::{FaultKind, guard};
use host_limits::{Exceeded, Limits};
use wasmtime::Store;
use wasmtime::component::{Component, ResourceAny};

use crate::armed::{Armed, Data};

const TALLY: &str = "plugins-0.2/tally";

fn tally(armed: &Armed) -> (Store<Data>, sync::MyPlugin) {
    let component = Component::from_file(&armed.engine, fixtures::path(TALLY)).unwrap();
    let mut store = armed.store();
    let plugin = sync::MyPlugin::instantiate(&mut store, &component, &armed.linker).unwrap();
    (store, plugin)
}

fn begin(store: &mut Store<Data>, plugin: &sync::MyPlugin, name: &str) -> ResourceAny {
    let config = Config { name: name.to_owned(), debug: false };
    plugin.my_org_my_plugin_plugin_api().session().call_constructor(store, &config).unwrap()
}

/// The names of the sessions that are over, as their destructors logged them.
fn over(store: &Store<Data>) -> Vec<String> {
    let lines = store.data().log.lines().iter();
    lines
        .filter_map(|line| Some(line.strip_prefix("debug: ")?.strip_suffix(" is over")?.to_owned()))
        .collect()
}

#[test]
fn a_destructor_runs_when_the_host_says_so_and_once() {
    let (mut store, plugin) = tally(&Armed::sync(Limits::untrusted()));
    let (a, b) = (begin(&mut store, &plugin, "a"), begin(&mut store, &plugin, "b"));
    assert!(over(&store).is_empty());
    b.resource_drop(&mut store).unwrap();
    assert_eq!(over(&store), ["b"]);
    // The handle is gone: saying it again is an error, and costs nothing.
    assert!(b.resource_drop(&mut store).is_err());
    assert_eq!(over(&store), ["b"]);
    a.resource_drop(&mut store).unwrap();
    assert_eq!(over(&store), ["b", "a"]);
}

#[test]
fn borrowed_sessions_stay_and_given_ones_are_gone() {
    let (mut store, plugin) = tally(&Armed::sync(Limits::untrusted()));
    let api = plugin.my_org_my_plugin_plugin_api();
    let sessions = api.session();
    let (a, b) = (begin(&mut store, &plugin, "a"), begin(&mut store, &plugin, "b"));
    for (session, word) in [(a, "x"), (b, "y"), (b, "z")] {
        sessions.call_process(&mut store, session, word).unwrap().unwrap();
    }
    assert_eq!(api.call_total(&mut store, &[a, b, a]).unwrap(), 4);
    assert!(over(&store).is_empty());

    // Both move into the call, and end in it; one comes back that is neither.
    let both = sessions.call_merge(&mut store, a, b).unwrap();
    assert_eq!(over(&store).len(), 2);
    assert_eq!(sessions.call_processed(&mut store, both).unwrap(), 3);
    assert_eq!(sessions.call_process(&mut store, both, "x").unwrap().unwrap(), "a+b: x: 2");

    // Used after it was given away: an error of the host's own, with which the plugin has nothing to do.
    for gone in [a, b] {
        assert!(sessions.call_processed(&mut store, gone).is_err());
        assert!(api.call_total(&mut store, &[both, gone]).is_err());
    }
    // One session cannot be given away twice.
    let twice = sessions.call_merge(&mut store, both, both).unwrap_err();
    assert!(!twice.is::<wasmtime::Trap>(), "{twice:?}");
}

#[test]
fn a_session_used_after_it_ended_harms_nobody() {
    let (mut store, plugin) = tally(&Armed::sync(Limits::untrusted()));
    let sessions = plugin.my_org_my_plugin_plugin_api().session();
    let (gone, kept) = (begin(&mut store, &plugin, "gone"), begin(&mut store, &plugin, "kept"));
    gone.resource_drop(&mut store).unwrap();
    assert!(sessions.call_process(&mut store, gone, "x").is_err());
    assert_eq!(sessions.call_process(&mut store, kept, "x").unwrap().unwrap(), "kept: x: 1");
}

#[test]
fn a_session_of_another_instance_is_refused() {
    let armed = Armed::sync(Limits::untrusted());
    let (mut store, plugin) = tally(&armed);
    let component = Component::from_file(&armed.engine, fixtures::path(TALLY)).unwrap();
    let other = sync::MyPlugin::instantiate(&mut store, &component, &armed.linker).unwrap();
    let session = begin(&mut store, &plugin, "a");
    let sessions = other.my_org_my_plugin_plugin_api().session();
    assert!(sessions.call_processed(&mut store, session).is_err());
    let sessions = plugin.my_org_my_plugin_plugin_api().session();
    assert_eq!(sessions.call_processed(&mut store, session).unwrap(), 0);
}

#[test]
fn buckets_are_dropped_with_their_handles() {
    let (mut store, plugin) = tally(&Armed::sync(Limits::untrusted()));
    let api = plugin.my_org_my_plugin_plugin_api();
    for n in 1..=300 {
        assert_eq!(api.call_process(&mut store, "word").unwrap().unwrap(), format!("word: {n}"));
        assert_eq!(store.data().storage.open(), 0, "each call closes the bucket it opened");
    }
    assert_eq!(store.data().storage.get("counts", "word"), Some(&300_u32.to_le_bytes()[..]));
}

#[test]
fn a_host_that_never_ends_sessions_runs_into_the_budget_of_handles() {
    let limits = Limits { handles: 50, ..Limits::untrusted() };
    let armed = Armed::sync(limits);
    let (mut store, plugin) = tally(&armed);
    let mut begun = 0;
    let fault = guard(&mut store, |store| {
        let config = Config { name: "kept".to_owned(), debug: false };
        loop {
            plugin.my_org_my_plugin_plugin_api().session().call_constructor(&mut *store, &config)?;
            begun += 1;
        }
        #[expect(unreachable_code, reason = "says what the call gives")]
        Ok(())
    })
    .unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Handles { allowed: 50 }));
    assert_eq!(begun, 50);
}

#[tokio::test]
async fn own_borrow_and_destructors_in_async_stores() {
    let armed = Armed::asynchronous(Limits::untrusted());
    let component = Component::from_file(&armed.engine, fixtures::path(TALLY)).unwrap();
    let mut store = armed.async_store();
    let plugin =
        asynchronous::MyPlugin::instantiate_async(&mut store, &component, &armed.linker).await.unwrap();
    let api = plugin.my_org_my_plugin_plugin_api();
    let sessions = api.session();
    let mut begun = Vec::new();
    for name in ["a", "b", "c"] {
        let config = asynchronous::exports::my_org::my_plugin::plugin_api::Config {
            name: name.to_owned(),
            debug: false,
        };
        begun.push(sessions.call_constructor(&mut store, &config).await.unwrap());
    }
    for session in &begun {
        sessions.call_process(&mut store, *session, "x").await.unwrap().unwrap();
    }
    assert_eq!(api.call_total(&mut store, &begun).await.unwrap(), 3);
    let both = sessions.call_merge(&mut store, begun[0], begun[1]).await.unwrap();
    assert!(sessions.call_processed(&mut store, begun[0]).await.is_err());
    assert_eq!(sessions.call_processed(&mut store, both).await.unwrap(), 2);
    both.resource_drop_async(&mut store).await.unwrap();
    assert_eq!(over(&store).len(), 3, "{:?}", over(&store));
}
