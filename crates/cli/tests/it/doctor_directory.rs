//! `wasm-host doctor DIR`: which plugins of a directory fit, and why not the others.

use std::fs;

use crate::{Scratch, guest, wasm_host};

fn plugins() -> Scratch {
    let scratch = Scratch::new();
    fs::copy(guest("plugins/greeter"), scratch.path("greeter.wasm")).unwrap();
    scratch
}

fn directory(scratch: &Scratch) -> String {
    scratch.text("")
}

#[test]
fn files_that_fit_and_files_that_do_not() {
    let scratch = plugins();
    wasm_host(["doctor", &directory(&scratch)]).prints("fits          greeter.wasm: greeter\n1 of 1 fit\n");
    scratch.file("broken.wasm", "no plugin");
    let ran = wasm_host(["doctor", &directory(&scratch)]);
    // Nobody looks: no bar.
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{ran:#?}");
    let broken = "does not fit  broken.wasm: the input is not WebAssembly: ";
    assert!(ran.stdout.lines().nth(1).unwrap().starts_with(broken), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\n1 of 2 fit\n"), "{}", ran.stdout);
}

#[test]
fn manifests_are_held_against_the_policy() {
    let scratch = plugins();
    scratch.file("greeter.toml", "source = \"greeter.wasm\"\nversion = \"1.2\"\nlimits.memory = \"300MiB\"");
    let ran = wasm_host(["doctor", &directory(&scratch)]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(
        ran.stdout.contains("limits.memory: asked is \"300MiB\", allowed is \"256MiB\""),
        "{}",
        ran.stdout
    );

    let elsewhere = Scratch::new();
    let policy = elsewhere.file("policy.toml", "limits.memory = \"400MiB\"");
    let ran = wasm_host(["doctor", "--policy", &policy, &directory(&scratch)]);
    ran.prints("fits          greeter.toml: greeter 1.2\n1 of 1 fit\n");
}

#[test]
fn manifests_may_name_the_world_that_was_given() {
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/my-plugin");
    for name in ["my-plugin", "my-org:my-plugin/my-plugin@0.1.0"] {
        let scratch = plugins();
        scratch.file("greeter.toml", format!("source = \"greeter.wasm\"\nworld = \"{name}\""));
        wasm_host(["doctor", "--world", wit, &directory(&scratch)]).fails(0, &[]);
        let ran = wasm_host(["doctor", "--json", &directory(&scratch)]);
        assert_eq!(ran.code, 1, "{ran:#?}");
        let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(value[0]["fits"], false);
        let reason = format!("the host knows no world named `{name}`; it knows none");
        assert_eq!(value[0]["reasons"], serde_json::json!([reason]));
    }
}

#[test]
fn what_cannot_be_looked_at_is_no_verdict() {
    let scratch = plugins();
    let policy = scratch.text("absent.toml");
    wasm_host(["doctor", "--policy", &policy, &directory(&scratch)]).fails(125, &["cannot read the policy"]);
}
