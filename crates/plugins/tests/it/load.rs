//! Loading: directories, broken plugins among good ones, names.

use std::fs;

use host_plugins::host_cache::{Cache, IntegrityOnly};
use host_plugins::host_core::InputKind;
use host_plugins::{CallError, LoadError, PluginHost, Policy};

use crate::{host, importing, load, ok, string};

#[tokio::test]
async fn a_broken_plugin_is_reported_and_the_good_ones_load() {
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    let greeter = fixtures::bytes("plugins/greeter");
    put("greeter.wasm", &greeter);
    put("shout.wasm", &fixtures::bytes("plugins/shout"));
    put("a-text.wasm", b"this is not WebAssembly");
    put("b-truncated.wasm", &greeter[..greeter.len() / 2]);
    put("c-module.wasm", &fixtures::bytes("add"));
    put("d-empty.wasm", b"");
    put("e-imports.wasm", &importing(&["a:b/c", "wasi:clocks/wall-clock@0.9.0"]));
    put("notes.txt", b"not a plugin, and not looked at");

    let host = host();
    let loaded = host.load_directory(directory.path()).unwrap();
    let names: Vec<_> = loaded.plugins.iter().map(|plugin| plugin.name.as_str()).collect();
    assert_eq!(names, ["c-module", "greeter", "shout"]);
    let failed: Vec<(String, String)> = loaded
        .failed
        .iter()
        .map(|(path, error)| (path.file_name().unwrap().to_str().unwrap().to_owned(), error.to_string()))
        .collect();
    let expected = [
        ("a-text.wasm", "not WebAssembly"),
        ("b-truncated.wasm", "not valid WebAssembly"),
        ("d-empty.wasm", "empty"),
        ("e-imports.wasm", "a:b/c"),
    ];
    assert_eq!(failed.len(), expected.len(), "{failed:?}");
    for ((file, error), (name, says)) in failed.iter().zip(expected) {
        assert_eq!(file, name);
        assert!(error.contains(says), "{file}: {error}");
    }
    // All of the missing imports at once, and what is there instead.
    assert!(failed[3].1.contains("wasi:clocks/wall-clock@0.9.0"), "{}", failed[3].1);
    assert!(failed[3].1.contains("wasi:clocks/wall-clock@0.2"), "{}", failed[3].1);

    let outcome = host.call("greeter", "process", &[string("Ada")]).await.unwrap();
    assert_eq!(outcome.value, [ok("Hello, Ada!")]);
}

#[test]
fn an_unreadable_directory_is_an_error_that_names_it() {
    let error = host().load_directory("no/such/directory").unwrap_err();
    assert!(matches!(&error, LoadError::Read { .. }), "{error}");
    assert!(error.to_string().contains("no/such/directory"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(host().load_directory(file.path()), Err(LoadError::Read { .. })));
}

#[tokio::test]
async fn a_core_module_is_a_plugin_of_another_kind() {
    let host = host();
    let add = host.load_bytes("add", &fixtures::bytes("add")).unwrap();
    assert_eq!((add.kind, add.version, add.exports.len()), (InputKind::Module, 1, 0));
    let error = host.call("add", "add", &[]).await.unwrap_err();
    assert!(matches!(error, CallError::Kind { needed: "component", .. }), "{error}");
}

#[tokio::test]
async fn a_name_stands_for_one_plugin_until_it_is_unloaded() {
    let host = host();
    load(&host, "greeter");
    let again = host.load_bytes("greeter", &fixtures::bytes("plugins/shout")).unwrap_err();
    assert!(matches!(again, LoadError::Loaded { .. }), "{again}");
    assert!(host.unload("greeter"));
    assert!(!host.unload("greeter"));
    assert!(matches!(
        host.call("greeter", "process", &[string("Ada")]).await,
        Err(CallError::UnknownPlugin { .. })
    ));
    host.load_bytes("greeter", &fixtures::bytes("plugins/shout")).unwrap();
    let outcome = host.call("greeter", "process", &[string("Ada")]).await.unwrap();
    assert_eq!(outcome.value, [ok("ADA")]);
}

#[test]
fn the_list_tells_what_each_exports() {
    let host = host();
    load(&host, "greeter");
    load(&host, "shout");
    let list = host.list();
    assert_eq!(list.iter().map(|plugin| plugin.name.as_str()).collect::<Vec<_>>(), ["greeter", "shout"]);
    let exports: Vec<_> = list[0].exports.iter().map(|export| export.full_name()).collect();
    assert_eq!(
        exports,
        ["my-org:my-plugin/plugin-api@0.1.0#process", "my-org:my-plugin/plugin-api@0.1.0#get-version"]
    );
}

#[tokio::test]
async fn input_that_makes_the_compiler_panic_harms_nobody() {
    // Instances that export an instance, deeper than the validator counts: no text format goes that far.
    let instance = |inner: Vec<u8>| [&[0x42, 2, 1], &inner[..], &[4, 0, 1, b'a', 5, 0]].concat();
    let types = (0..150).fold(vec![0x42, 0], |inner, _| instance(inner));
    let types = [&[1], &types[..]].concat();
    let length = [(types.len() % 128) as u8 | 0x80, (types.len() / 128) as u8];
    let nested = [b"\0asm\x0d\0\x01\0", &[7][..], &length, &types].concat();
    // By default it does not get that far.
    let error = host().load_bytes("nested", &nested).unwrap_err();
    assert!(matches!(error, LoadError::Rejected(_)), "{error}");

    let mut policy = Policy::default();
    policy.static_limits.nesting = 200;
    let host = PluginHost::new(policy, None).unwrap();
    let error = host.load_bytes("nested", &nested).unwrap_err();
    assert!(matches!(error, LoadError::CompilerPanicked), "{error}");
    load(&host, "greeter");
    assert_eq!(host.call("greeter", "process", &[string("Ada")]).await.unwrap().value, [ok("Hello, Ada!")]);
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_reported_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("folder.wasm")).unwrap();
    std::os::unix::fs::symlink("nowhere", directory.path().join("link.wasm")).unwrap();
    let pipe = directory.path().join("pipe.wasm");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let loaded = host().load_directory(directory.path()).unwrap();
    assert_eq!((loaded.plugins.len(), loaded.failed.len()), (0, 3));
    assert!(loaded.failed.iter().all(|(_, error)| matches!(error, LoadError::Read { .. })), "{loaded:?}");
}

#[test]
fn what_declares_too_much_is_not_compiled() {
    let greeter = fixtures::bytes("plugins/greeter");
    let policy = |text: &str| Policy::from_toml(text).unwrap();
    let load =
        |policy: Policy| PluginHost::new(policy, None).unwrap().load_bytes("greeter", &greeter).map(drop);
    load(policy("[static-limits]\nfunctions = 10_000")).unwrap();
    let error = load(policy("[static-limits]\nfunctions = 10")).unwrap_err().to_string();
    assert!(
        error.contains("functions, and 10 are allowed") && error.contains("raise `functions`"),
        "{error}"
    );
    let error = load(policy("[static-limits]\nproposals = [\"bulk-memory\"]")).unwrap_err().to_string();
    assert!(error.contains("uses the proposal `component-model`"), "{error}");
    // What the profile turns off is told as such.
    let host = PluginHost::new(Policy::default(), None).unwrap();
    let error = host
        .load_bytes("wide", &wat::parse_str("(component (core module (memory i64 1)))").unwrap())
        .unwrap_err();
    assert!(
        error.to_string().contains("a proposal that the profile turns off: it uses `memory64`"),
        "{error}"
    );
    let error = Policy::from_toml("[static-limits]\nproposals = [\"smid\"]").unwrap_err().to_string();
    assert!(error.contains("no proposal `smid`") && error.contains("line 2"), "{error}");
}

#[test]
fn what_was_compiled_before_is_looked_at_again() {
    let directory = tempfile::tempdir().unwrap();
    let load = |policy: Policy| {
        let cache = Cache::open(directory.path().join("cache"), IntegrityOnly).unwrap();
        PluginHost::new(policy, Some(cache))
            .unwrap()
            .load_bytes("greeter", &fixtures::bytes("plugins/greeter"))
            .map(drop)
    };
    load(Policy::default()).unwrap();
    let mut strict = Policy::default();
    strict.static_limits.functions = 1;
    assert!(matches!(load(strict), Err(LoadError::Rejected(_))));
}
