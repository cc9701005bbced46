//! One file for one plugin: what it means under a policy, and what is said when it is wrong.

use std::fs;
use std::time::Duration;

use host_plugins::host_cache::Digest;
use host_plugins::host_limits::Bytes;
use host_plugins::host_wasi::Clocks;
use host_plugins::{BreakerSettings, InstancePolicy, Manifest, ManifestError, Policy};

fn manifest(text: &str) -> Manifest {
    Manifest::from_toml(&format!("name = 'a'\nsource = 'a.wasm'\n{text}")).unwrap()
}

fn policy(text: &str) -> Policy {
    Policy::from_toml(text).unwrap()
}

#[test]
fn nothing_said_is_the_policy_s_limits_and_no_grants() {
    let policy = policy(
        "limits.memory = '7MiB'\ngrants.inherit-env = ['A']\nbreaker.faults = 9\ninstances = { warm = {} }",
    );
    let terms = manifest("").terms(&policy).unwrap();
    assert_eq!(terms.limits, policy.limits);
    assert!(terms.grants.inherit_env.is_empty());
    assert_eq!((terms.breaker.faults, terms.instances), (9, InstancePolicy::warm()));
}

#[test]
fn what_is_named_is_laid_over_the_policy() {
    let policy = policy(
        "limits.memory = '7MiB'\nlimits.tables = 3\ngrants.clocks = { fixed = '2026-01-01T00:00:00Z' }",
    );
    let manifest = manifest("limits.tables = 2\nconfig.A = 'b'\ninstances = 'fresh'\nbreaker.open = '2s'");
    let terms = manifest.terms(&policy).unwrap();
    assert_eq!((terms.limits.memory, terms.limits.tables), (Bytes::mebi(7), 2));
    assert!(matches!(terms.grants.clocks, Clocks::Fixed(_)));
    assert_eq!(terms.config["A"], "b");
    assert_eq!(terms.breaker, BreakerSettings { open: Duration::from_secs(2), ..BreakerSettings::default() });
}

#[test]
fn whatever_is_beyond_the_policy_is_named_with_its_line() {
    let text = "[limits]\nmemory = '1GiB'\nfuel = 'unlimited'\ntables = 1\n[grants]\nnetwork = ['dns']\nstdin = 'inherit'";
    let error = manifest(text).terms(&Policy::default()).unwrap_err();
    let ManifestError::Beyond { parts, .. } = &error else { panic!("{error}") };
    let mut keys: Vec<_> = parts.iter().map(|part| (part.line, part.key.as_str())).collect();
    keys.sort_unstable();
    let expect = [
        (Some(4), "limits.memory"),
        (Some(5), "limits.fuel"),
        (Some(8), "grants.network[0]"),
        (Some(9), "grants.stdin"),
    ];
    assert_eq!(keys, expect);
    assert!(error.to_string().contains("limits.memory: asked is \"1GiB\", allowed is \"256MiB\""), "{error}");
}

#[test]
fn what_the_engine_fixes_cannot_differ() {
    let error = manifest("limits.stack = '64KiB'").terms(&Policy::default()).unwrap_err();
    assert!(error.to_string().contains("line 3: limits.stack: is the engine's"), "{error}");
    let unmetered = policy("limits.fuel = 'unlimited'");
    let error = manifest("limits.fuel = 5").terms(&unmetered).unwrap_err();
    assert!(error.to_string().contains("does not meter fuel"), "{error}");
}

#[test]
fn a_wrong_manifest_is_refused_with_its_line() {
    let long = format!("name = '{}'\nsource = 'a'", "a".repeat(129));
    for (text, line, says) in [
        ("", "line 1", "missing field `source`"),
        ("source = 'a'", "", "name: is missing"),
        ("name = 'a'\nsource = 'a'\nlimit = 1", "line 3", "unknown field `limit`"),
        ("name = 'a'\nsource = 'a'\n[limits]\nmemroy = '1MiB'", "line 4", "unknown field `memroy`"),
        ("name = 'a'\nsource = 'a'\n[health]\nexports = 'x'", "line 4", "unknown field `exports`"),
        ("name = 'a'\nsource = 1", "line 2", "string"),
        ("name = 'a'\nsource = ''", "line 2", "source: is empty"),
        ("name = 'a'\nsource = 'a'\nsha256 = '12'", "line 3", "64 hexadecimal digits"),
        ("name = ''\nsource = 'a'", "line 1", "name: is missing"),
        ("name = '../a'\nsource = 'a'", "line 1", "path separator"),
        ("name = \"a\\u0007\"\nsource = 'a'", "line 1", "control character"),
        (&long, "line 1", "128 bytes"),
        ("name = 'a'\nsource = 'a'\n[breaker]\nfaults = 0", "line 4", "1 or more"),
        ("name = 'a'\nsource = 'a'\n[breaker]\nprobes = 0", "line 4", "1 or more"),
        ("name = 'a'\nsource = 'a'\n[breaker]\nwithin = '0s'", "line 4", "30s"),
        ("name = 'a'\nsource = 'a'\n[breaker]\nlongest-open = '1ms'", "line 4", "shorter than `open`"),
        ("name = 'a'\nsource = 'a'\ninstances.warm.max-calls = 0", "line 3", "fresh"),
        ("name = 'a'\nsource = 'a'\ninstances = { warm = { max-idle = 0 } }", "line 3", "1 or more"),
        ("name = 'a'\nsource = 'a'\ninstances = { warm = { max = 1 } }", "line 3", "max-calls"),
        ("name = 'a'\nsource = 'a'\ngrants.stderr = { lines = 1 }", "line 3", "grants.stderr.lines"),
    ] {
        let error = Manifest::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(line) && error.contains(says), "{text:?}: {error}");
    }
}

#[test]
fn the_policy_s_own_numbers_are_checked() {
    for (text, says) in [
        ("\n[breaker]\nfaults = 0", "in line 3: breaker.faults: "),
        ("instances = { warm = { max-age = '0s' } }", "in line 1: instances.warm.max-age: "),
    ] {
        let error = Policy::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_file_names_the_plugin_and_is_the_start_of_its_paths() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("greeter.toml");
    let digest = Digest::of(b"code");
    fs::write(&path, format!("source = 'g.wasm'\nsha256 = '{digest}'\ngrants.stdin = {{ file = 'in' }}"))
        .unwrap();
    let manifest = Manifest::read(&path).unwrap();
    assert_eq!((manifest.name.as_str(), &manifest.source), ("greeter", &folder.path().join("g.wasm")));
    let policy = policy(&format!("grants.stdin = {{ file = '{}' }}", folder.path().join("in").display()));
    manifest.terms(&policy).unwrap();

    assert!(matches!(manifest.read_source(), Err(ManifestError::Source { .. })));
    fs::write(folder.path().join("g.wasm"), "other").unwrap();
    let error = manifest.read_source().unwrap_err().to_string();
    assert!(
        error.contains(&digest.to_string()) && error.contains(&Digest::of(b"other").to_string()),
        "{error}"
    );
    fs::write(folder.path().join("g.wasm"), "code").unwrap();
    assert_eq!(manifest.read_source().unwrap(), b"code");
}

#[test]
fn what_is_no_text_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    for wrong in [folder.path(), &path] {
        assert!(matches!(Manifest::read(wrong), Err(ManifestError::Read { .. })));
    }
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(Manifest::read(&path), Err(ManifestError::Read { .. })));
    fs::write(&path, "").unwrap();
    assert!(matches!(Manifest::read(&path), Err(ManifestError::Text { .. })));
    fs::write(&path, "#".repeat((1 << 20) + 1)).unwrap();
    assert!(matches!(Manifest::read(&path), Err(ManifestError::TooLong { .. })));
}

#[test]
fn it_is_written_as_it_was_read() {
    let manifest = manifest("limits.memory = '1MiB'\ngrants.args = ['x']\ninstances = { warm = {} }");
    let text = toml::to_string(&manifest).unwrap();
    assert!(!text.contains("tables") && !text.contains("stdin"), "{text}");
    assert_eq!(toml::to_string(&Manifest::from_toml(&text).unwrap()).unwrap(), text);
}
