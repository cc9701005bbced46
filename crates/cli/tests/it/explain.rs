//! `explain`: a bundle that the library wrote, for people and as data.

use std::fs;
use std::path::PathBuf;

use host_plugins::host_limits::Limits;
use host_plugins::wasmtime::component::Val;
use host_plugins::{Arguments, CallError, CrashBundles, PluginHost, Policy, Report, blocking};

use crate::{Scratch, guest, wasm_host};

/// Has a plugin stopped, and writes the bundle of it.
fn bundle(scratch: &Scratch) -> PathBuf {
    let policy = Policy::from_toml("[limits]\nfuel = 20_000_000").unwrap();
    let limits: Limits = policy.limits.clone();
    let host = blocking::PluginHost::new(PluginHost::new(policy, None).unwrap()).unwrap();
    let file = guest("plugins/endless-loop");
    host.host().load_file(&file).unwrap();
    let CallError::Fault(stopped) =
        host.call("endless-loop", "process", &[Val::String("Ada".into())]).unwrap_err()
    else {
        panic!("it was not stopped")
    };
    let mut report = Report::new("endless-loop", &stopped.fault, &stopped.captured);
    report.source = Some(file.as_ref());
    report.export = Some("process");
    report.arguments = Some("(\"Ada\")");
    report.limits = Some(&limits);
    CrashBundles::new(scratch.path("bundles")).arguments(Arguments::Written).write(&report, None).unwrap()
}

#[test]
fn a_bundle_is_a_page() {
    let scratch = Scratch::new();
    let path = bundle(&scratch);
    let ran = wasm_host(["explain", path.to_str().unwrap()]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:#?}");
    for part in [
        "endless-loop: budget: fuel budget of 20000000 exceeded\n",
        "the plugin's author, who can spend less, or the operator, who can raise `limits.fuel`",
        "its arguments: as they were\n  (\"Ada\")\n",
    ] {
        assert!(ran.stdout.contains(part), "{part} is missing in {}", ran.stdout);
    }
    // What it says about seeing it again holds.
    let command = ran.stdout.lines().find_map(|line| line.trim().strip_prefix("wasm-host ")).unwrap();
    let file = guest("plugins/endless-loop");
    let words: Vec<String> = command
        .split(' ')
        .map(|word| if word == "endless-loop.wasm" { file.clone() } else { word.replace('\'', "") })
        .collect();
    wasm_host(words).fails(134, &["budget: fuel budget of 20000000 exceeded"]);
}

#[test]
fn a_bundle_is_data() {
    let scratch = Scratch::new();
    let path = bundle(&scratch);
    let ran = wasm_host(["explain", "--json", path.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["format"], 1);
    assert_eq!(value["fault"]["budget"], "fuel");
    assert_eq!(value["arguments"], "(\"Ada\")");
    assert_eq!(value["call"]["arguments"], "written");
    assert_eq!(value["limits"]["fuel"], 20_000_000);
}

#[test]
fn what_is_no_bundle_is_our_own_failure() {
    let scratch = Scratch::new();
    let path = bundle(&scratch);
    let name = path.file_name().unwrap().to_str().unwrap();
    wasm_host(["explain", &scratch.text("none")]).fails(125, &["wasm-host: cannot read `", "because: "]);
    wasm_host(["explain", &scratch.text("bundles")])
        .fails(125, &["is no crash bundle", "name one of those in it, such as", name]);
    fs::write(path.join("bundle.json"), "{\n\"format\": 9 }").unwrap();
    let shown = path.to_str().unwrap();
    wasm_host(["explain", shown]).fails(125, &["is of format 9, and this version reads none after 1"]);
    fs::write(path.join("bundle.json"), "{\n\"format\": 1,\n\u{1b} }").unwrap();
    let ran = wasm_host(["explain", "--json", shown]);
    ran.fails(125, &["line 3 of `", "bundle.json` is not as it was written: "]);
    assert!(!ran.stderr.contains('\u{1b}') && ran.stdout.is_empty(), "{ran:#?}");
}

#[test]
fn the_help_says_what_exit_code_1_is() {
    let ran = wasm_host(["--help"]);
    assert!(ran.stdout.contains("1 if an export returned an error"), "{}", ran.stdout);
    assert!(ran.stdout.contains("explain"), "{}", ran.stdout);
}
