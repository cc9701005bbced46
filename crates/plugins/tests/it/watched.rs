//! A directory that is followed: what comes is loaded, what changes is reloaded, what goes is unloaded.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use host_plugins::{Event, FollowError, PluginHost, PluginSource, WatchSettings};
use tempfile::TempDir;
use wasmtime::component::Val;

use crate::{counting, heard, host, until};

fn settings() -> WatchSettings {
    WatchSettings {
        quiet: Duration::from_millis(20),
        poll: Duration::from_millis(200),
        ..WatchSettings::default()
    }
}

fn watched() -> (PluginHost, TempDir) {
    let (host, directory) = (host(), tempfile::tempdir().unwrap());
    put(directory.path(), "a.wasm", &counting(1));
    let loaded = host.watch(directory.path(), settings()).unwrap();
    assert_eq!((loaded.plugins.len(), loaded.failed.len()), (1, 0));
    (host, directory)
}

/// As whoever cares for others writes a file.
fn put(directory: &Path, name: &str, bytes: &[u8]) {
    let new = directory.join(format!("{name}.tmp"));
    fs::write(&new, bytes).unwrap();
    fs::rename(&new, directory.join(name)).unwrap();
}

fn version(host: &PluginHost, name: &str) -> u64 {
    host.get(name).map_or(0, |plugin| plugin.version)
}

#[tokio::test]
async fn files_come_change_and_go() {
    let (host, directory) = watched();
    let at = directory.path();
    put(at, "b.wasm", &counting(1));
    until("it is loaded", || version(&host, "b") == 1);
    put(at, "a.wasm", &counting(2));
    until("it is reloaded", || version(&host, "a") == 2);
    assert_eq!(host.call("a", "version", &[]).await.unwrap().value, [Val::U32(2)]);
    let mut events = host.events();
    put(at, "a.wasm", b"broken");
    let mut told = Vec::new();
    until("it is told", || {
        told.extend(heard(&mut events));
        !told.is_empty()
    });
    assert!(matches!(&told[0], Event::NotReloaded { version: 2, .. }), "{told:?}");
    assert_eq!(host.call("a", "version", &[]).await.unwrap().value, [Val::U32(2)]);
    fs::remove_file(at.join("b.wasm")).unwrap();
    until("it is unloaded", || host.get("b").is_none());
    assert_eq!(host.list().len(), 1);
}

#[test]
fn a_file_that_is_written_slowly_is_loaded_when_it_is_whole() {
    use std::io::Write as _;
    let (host, directory) = watched();
    let wasm = fixtures::bytes("plugins/greeter");
    let mut file = fs::File::create(directory.path().join("a.wasm")).unwrap();
    for part in wasm.chunks(wasm.len() / 10) {
        file.write_all(part).unwrap();
        std::thread::sleep(Duration::from_millis(10));
        assert!(version(&host, "a") >= 1);
    }
    drop(file);
    until("it is whole", || host.get("a").is_some_and(|plugin| plugin.exports.len() == 2));
}

#[test]
fn a_directory_goes_and_comes_back() {
    let (host, directory) = watched();
    let at = directory.path().to_owned();
    let mut events = host.events();
    let aside = at.with_extension("aside");
    fs::rename(&at, &aside).unwrap();
    let mut told = Vec::new();
    until("it is told", || {
        told.extend(heard(&mut events));
        told.iter().any(|event| matches!(event, Event::DirectoryGone { .. }))
    });
    assert_eq!(version(&host, "a"), 1);
    fs::create_dir(&at).unwrap();
    put(&at, "a.wasm", &counting(2));
    put(&at, "b.wasm", &counting(1));
    until("it is followed again", || version(&host, "a") == 2 && version(&host, "b") == 1);
    fs::remove_dir_all(aside).unwrap();
}

#[test]
fn beside_a_manifest_files_are_loaded_by_manifests_only() {
    let (host, directory) = (host(), tempfile::tempdir().unwrap());
    let at = directory.path();
    put(at, "a.wasm", &counting(1));
    put(at, "bare.wasm", &counting(1));
    put(at, "m.toml", b"name = 'm'\nsource = 'a.wasm'");
    let loaded = host.watch(at, settings()).unwrap();
    assert_eq!(loaded.plugins.iter().map(|plugin| &*plugin.name).collect::<Vec<_>>(), ["m"]);
    put(at, "more.wasm", &counting(1));
    put(at, "a.wasm", &counting(2));
    until("its file is reloaded", || version(&host, "m") == 2);
    put(at, "m.toml", b"name = 'm'\nsource = 'a.wasm'\nversion = 'two'");
    until("it is another manifest", || version(&host, "m") == 3);
    assert_eq!(host.list().len(), 1);
    fs::remove_file(at.join("m.toml")).unwrap();
    until("it is unloaded", || host.list().is_empty());
}

#[test]
fn a_manifest_may_come_before_its_file() {
    let (host, directory) = (host(), tempfile::tempdir().unwrap());
    let at = directory.path();
    put(at, "first.toml", b"source = 'first.wasm'");
    assert_eq!(host.watch(at, settings()).unwrap().failed.len(), 1);
    let mut events = host.events();
    put(at, "second.toml", b"source = 'second.wasm'");
    until("it is told", || heard(&mut events).iter().any(|event| matches!(event, Event::NotLoaded { .. })));
    put(at, "first.wasm", &counting(1));
    put(at, "second.wasm", &counting(1));
    until("both are loaded", || host.list().len() == 2);
    let source = PluginSource::Manifest(host.get("first").unwrap().source.path().unwrap().to_owned());
    assert_eq!(host.get("first").unwrap().source, source);
    // The same of a manifest that changes its file.
    put(at, "first.toml", b"source = 'other.wasm'");
    until("it is told", || heard(&mut events).iter().any(|event| matches!(event, Event::NotReloaded { .. })));
    put(at, "other.wasm", &counting(2));
    until("it is reloaded", || version(&host, "first") == 2);
}

#[test]
fn a_plugin_goes_from_its_file_to_a_manifest() {
    let (host, directory) = watched();
    put(directory.path(), "a.toml", b"source = 'a.wasm'\nversion = 'by manifest'");
    until("it is the manifest's", || {
        host.get("a").is_some_and(|plugin| plugin.named_version.as_deref() == Some("by manifest"))
    });
    assert_eq!((version(&host, "a"), host.list().len()), (2, 1));
}

#[test]
fn ten_thousand_files() {
    let (host, directory) = (host(), tempfile::tempdir().unwrap());
    for number in 0..9_990 {
        fs::write(directory.path().join(format!("junk-{number}.wasm")), b"junk").unwrap();
    }
    for number in 0..10 {
        put(directory.path(), &format!("good-{number}.wasm"), &counting(number));
    }
    let begun = Instant::now();
    let loaded = host.watch(directory.path(), settings()).unwrap();
    assert_eq!((loaded.plugins.len(), loaded.failed.len()), (10, 9_990));
    put(directory.path(), "good-3.wasm", &counting(100));
    until("it is reloaded", || version(&host, "good-3") == 2);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn a_directory_is_followed_once_and_until_it_is_not() {
    let (host, directory) = watched();
    for again in [directory.path().to_owned(), directory.path().join(".")] {
        let error = host.watch(&again, settings()).err().unwrap();
        assert!(matches!(error, FollowError::Watched { .. }), "{error}");
    }
    assert!(host.watch(directory.path().join("missing"), settings()).is_err());
    assert!(host.unwatch(directory.path()) && !host.unwatch(directory.path()));
    put(directory.path(), "a.wasm", &counting(2));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(version(&host, "a"), 1);
    host.watch(directory.path(), settings()).unwrap();
}

#[test]
fn a_host_ends_while_it_watches() {
    let begun = Instant::now();
    for _ in 0..10 {
        let (host, directory) = watched();
        put(directory.path(), "a.wasm", &counting(2));
        std::thread::sleep(Duration::from_millis(25));
        drop(host);
    }
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
}
