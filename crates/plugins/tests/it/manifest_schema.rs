//! The JSON Schema says of a manifest what its reader says.

use std::fs;

use host_plugins::{Manifest, ManifestError};
use serde_json::{Value, json};

const FULL: &str = r#"
name = "greeter"
version = "1.2.0"
source = "greeter.wasm"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
world = "my-plugin"
instances = { warm = { max-idle = 4, max-calls = 1000, max-age = "5m" } }
config = { colour = "red" }
breaker = { faults = 5, within = "30s", open = "1s", longest-open = "1m 30s", probes = 1, scope = "tenant" }
health = { export = "get-version", arguments = '("x")' }

[limits]
memory = "64 MiB"
tables = 3
fuel = "unlimited"
deadline = "1.5s"
on-refusal = "trap"

[grants]
args = ["a"]
stdin = { bytes = [1] }
stdout = { file = { path = "out", size = 1 } }
stderr = "inherit"
inherit-env = ["LC_*"]
network = ["dns", "tcp://*.example.org:443", "udp://[fd00::/8]:53-60", "https://a.org/v1/*", "tcp://10.0.0.0/8:*"]
clocks = { stepped = { start = "2026-01-01T00:00:00Z", step = "1ms" } }
random = { seeded = 1 }
env = { A = "b" }
directories = [{ host = "d", guest = "d", access = "read-write", quota = { bytes = 1, files = 1 } }]
scratch = [{ guest = "s", bytes = 1, files = 1 }]
files = [{ guest = "f", contents = { a = "b", c = { bytes = [0, 255] } } }]
"#;

/// What no schema can say, such as a quota on what is read-only, is an error of its own kind, and lets the two differ.
fn agree(validator: &jsonschema::Validator, manifest: &Value) -> bool {
    let text = toml::to_string(manifest).unwrap();
    let (read, valid) = (Manifest::from_toml(&text), validator.is_valid(manifest));
    let only_the_reader_knows =
        matches!(read, Err(ManifestError::Grant { .. } | ManifestError::Value { .. }));
    let differ = read.is_ok() != valid && !(valid && only_the_reader_knows);
    assert!(!differ, "{text}\n{read:?}\n{:?}", validator.validate(manifest).err());
    valid
}

/// Every place in a value, as a JSON pointer.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(table) => {
            table.iter().for_each(|(key, value)| places(value, &format!("{at}/{key}"), found))
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

#[test]
fn the_schema_and_the_reader_agree() {
    let validator = jsonschema::validator_for(&Manifest::json_schema()).unwrap();
    let full: Value = toml::from_str(FULL).unwrap();
    assert!(agree(&validator, &full));
    let mut all = Vec::new();
    places(&full, "", &mut all);
    let (mut good, mut bad) = (0, 0);
    let mut count = |valid| if valid { good += 1 } else { bad += 1 };
    let others = [
        json!("x"),
        json!(3),
        json!(-1),
        json!(1.5),
        json!(true),
        json!(["x"]),
        json!({ "x": "y" }),
        json!("2s"),
        json!("1KB"),
    ];
    for place in all.iter().filter(|place| !place.is_empty()) {
        // serde reads a list as a table, too, whose values stand in the order of the fields; nobody is told to write so.
        let is_table = full.pointer(place).unwrap().is_object();
        for other in others.iter().filter(|other| !(is_table && other.is_array())) {
            let mut changed = full.clone();
            *changed.pointer_mut(place).unwrap() = other.clone();
            count(agree(&validator, &changed));
        }
        let (parent, key) = place.rsplit_once('/').unwrap();
        for add in [false, true] {
            let mut changed = full.clone();
            let Some(table) = changed.pointer_mut(parent).unwrap().as_object_mut() else { continue };
            if add {
                drop(table.insert(format!("{key}-x"), json!("x")))
            } else {
                drop(table.remove(key))
            }
            // Without a name only a file will do, which gives its own.
            if !add && place == "/name" {
                assert!(validator.is_valid(&changed));
                continue;
            }
            count(agree(&validator, &changed));
        }
    }
    assert!(good > 50 && bad > 300, "{good} good, {bad} bad");
}

#[test]
fn the_schema_in_the_repository_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.schema.json");
    let text = serde_json::to_string_pretty(&Manifest::json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &text).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(written == text, "manifest.schema.json is out of date; run this test with UPDATE=1 to write it");
}
