//! Plugins of two versions of one world, side by side, through one type.

use std::error::Error as _;

use host_component::plugin::{Config, Failure, PluginError, PluginPre, Version};
use host_limits::Limits;
use wasmtime::component::Component;

use crate::armed::Armed;

const OLD: &str = "plugins/greeter";
const NEW: &str = "plugins-0.2/tally";

fn config(name: &str, debug: bool) -> Config {
    Config { name: name.to_owned(), debug }
}

#[test]
fn plugins_of_both_versions_work_with_one_linker() {
    let armed = Armed::sync(Limits::untrusted());
    let answers = [OLD, NEW].map(|name| {
        let (mut store, plugin) = armed.plugin(name);
        let version = plugin.get_version(&mut store).unwrap();
        let answer = plugin.process(&mut store, "Ada").unwrap().unwrap();
        let refused = plugin.process(&mut store, "").unwrap().unwrap_err();
        (plugin.version(), version, answer, refused, store.into_data().log.drain())
    });
    let [old, new] = answers;
    assert_eq!((old.0, old.1.as_str(), old.2.as_str()), (Version::V0_1, "0.1.0", "Hello, Ada!"));
    assert_eq!((old.3, old.4), (Failure::Other("nobody to greet".into()), vec!["greeting Ada".to_owned()]));
    assert_eq!((new.0, new.1.as_str(), new.2.as_str()), (Version::V0_2, "0.2.0", "Ada: 1"));
    let refused = Failure::InvalidInput("no word to count".into());
    assert_eq!((new.3, new.4), (refused, vec!["info: counting Ada".to_owned()]));
}

#[test]
fn plugins_of_both_versions_may_live_in_one_store() {
    let armed = Armed::sync(Limits::untrusted());
    let mut store = armed.store();
    let old = armed.pre(OLD).instantiate(&mut store).unwrap();
    let new = armed.pre(NEW).instantiate(&mut store).unwrap();
    assert_eq!(old.process(&mut store, "Ada").unwrap().as_deref(), Ok("Hello, Ada!"));
    assert_eq!(new.process(&mut store, "Ada").unwrap().as_deref(), Ok("Ada: 1"));
    assert_eq!(store.data().log.lines(), ["greeting Ada", "info: counting Ada"]);
    // A session of the one is nothing to the other, and asking does no harm.
    let mut session = old.new_session(&mut store, &config("mine", false)).unwrap();
    let error = new.process_in(&mut store, &mut session, "Ada").unwrap_err();
    assert!(error.to_string().contains("another version"), "{error}");
    assert_eq!(new.process(&mut store, "Ada").unwrap().as_deref(), Ok("Ada: 2"));
}

#[test]
fn sessions_count_with_both() {
    let armed = Armed::sync(Limits::untrusted());
    for (name, first) in [(OLD, "Hello, Ada!"), (NEW, "mine: Ada: 1")] {
        let (mut store, plugin) = armed.plugin(name);
        let mut session = plugin.new_session(&mut store, &config("mine", true)).unwrap();
        assert_eq!(plugin.process_in(&mut store, &mut session, "Ada").unwrap().as_deref(), Ok(first));
        assert!(plugin.process_in(&mut store, &mut session, "").unwrap().is_err());
        assert!(plugin.process_in(&mut store, &mut session, "Grace").unwrap().is_ok());
        assert_eq!(plugin.processed(&mut store, &session).unwrap(), 2, "{name}");
        let other = plugin.new_session(&mut store, &config("other", false)).unwrap();
        assert_eq!(plugin.processed(&mut store, &other).unwrap(), 0, "{name}");
        plugin.end_session(&mut store, session).unwrap();
        plugin.end_session(&mut store, other).unwrap();
        // What the older cannot do is said, and nothing of the newer.
        assert_eq!(plugin.version().lacks().is_empty(), name == NEW);
        let debug = store.data().log.lines().iter().any(|line| line == "debug: mine processes Ada");
        assert_eq!(debug, name == NEW);
    }
}

#[tokio::test]
async fn async_stores_take_both_too() {
    let armed = Armed::asynchronous(Limits::untrusted());
    for (name, version, first) in [(OLD, "0.1.0", "Hello, Ada!"), (NEW, "0.2.0", "mine: Ada: 2")] {
        let mut store = armed.async_store();
        let plugin = armed.pre(name).instantiate_async(&mut store).await.unwrap();
        assert_eq!(plugin.get_version_async(&mut store).await.unwrap(), version);
        assert!(plugin.process_async(&mut store, "Ada").await.unwrap().is_ok());
        let mut session = plugin.new_session_async(&mut store, &config("mine", false)).await.unwrap();
        let answer = plugin.process_in_async(&mut store, &mut session, "Ada").await.unwrap();
        assert_eq!(answer.as_deref(), Ok(first));
        assert_eq!(plugin.processed_async(&mut store, &session).await.unwrap(), 1);
        plugin.end_session_async(&mut store, session).await.unwrap();
        let over = store.data().log.lines().iter().any(|line| line == "debug: mine is over");
        assert_eq!(over, name.ends_with("tally"));
    }
}

/// A component that exports an empty instance under `name`.
fn exporting(name: &str) -> String {
    format!(r#"(component (instance $i) (export "{name}" (instance $i)))"#)
}

fn refused(wat: &str) -> PluginError {
    let armed = Armed::sync(Limits::untrusted());
    let component = Component::new(&armed.engine, wat).unwrap();
    PluginPre::new(armed.linker.instantiate_pre(&component).unwrap()).err().unwrap()
}

#[test]
fn a_component_of_no_version_is_named_with_what_it_exports() {
    let error = refused(&exporting("my-org:my-plugin/plugin-api@0.3.0"));
    assert!(matches!(error, PluginError::OtherWorld { .. }));
    assert_eq!(
        error.to_string(),
        "not a plugin: it exports neither `my-org:my-plugin/plugin-api@0.2.0` nor \
         `my-org:my-plugin/plugin-api@0.1.0`, but `my-org:my-plugin/plugin-api@0.3.0`; build it for the world \
         `my-org:my-plugin`"
    );
    assert!(refused("(component)").to_string().contains("but nothing"));
    // A core module never gets so far.
    assert!(Component::new(&Armed::sync(Limits::untrusted()).engine, "(module)").is_err());
}

#[test]
fn a_component_that_only_claims_a_version_is_refused_before_it_runs() {
    for (version, missing) in [("0.1.0", "process"), ("0.2.0", "process"), ("0.2.7", "process")] {
        let error = refused(&exporting(&format!("my-org:my-plugin/plugin-api@{version}")));
        assert!(matches!(error, PluginError::Incomplete { .. }), "{error}");
        let source = error.source().unwrap().to_string();
        assert!(source.contains(missing), "{source}");
    }
}

#[test]
fn a_component_that_exports_both_versions_is_taken_as_the_newer() {
    let error = refused(
        r#"(component (instance $i)
            (export "my-org:my-plugin/plugin-api@0.1.0" (instance $i))
            (export "my-org:my-plugin/plugin-api@0.2.0" (instance $i)))"#,
    );
    assert!(error.to_string().contains(Version::V0_2.interface()), "{error}");
}
