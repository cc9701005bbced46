//! `wasm-host inspect`: both kinds, as text and as JSON, without running them.

use crate::{Scratch, guest, wasm_host};

#[test]
fn a_core_module() {
    let ran = wasm_host(["inspect", &guest("p1-command")]);
    ran.fails(0, &[]);
    for part in [
        "core module of ",
        ", a command\n",
        "import wasi_snapshot_preview1.fd_write: func(i32, i32, i32, i32) -> i32\n",
        "export _start: func()\n",
        "export memory: memory of 1.",
        "  arguments: args, or ARGS\n",
        "  environment variables: [env], inherit-env, or --env\n",
        "  files and directories: [[directories]], or --dir\n",
        "  and what every program has: ",
    ] {
        assert!(ran.stdout.contains(part), "{part} is missing in {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("cannot"), "{}", ran.stdout);
}

#[test]
fn a_component() {
    let ran = wasm_host(["inspect", &guest("plugins/greeter")]);
    ran.fails(0, &[]);
    for part in [
        "component of ",
        "import log: func(msg: string);",
        "export my-org:my-plugin/plugin-api@0.1.0 {",
        "process: func(input: string) -> result<string, string>;",
    ] {
        assert!(ran.stdout.contains(part), "{part} is missing in {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("a command"), "{}", ran.stdout);
    let ran = wasm_host(["inspect", &guest("p2-command")]);
    for part in
        ["a command\n", "  the network: network = ", "  files and directories: [[directories]], or --dir\n"]
    {
        assert!(ran.stdout.contains(part), "{part} is missing in {}", ran.stdout);
    }
}

#[test]
fn what_a_component_is_made_of() {
    let greeter = guest("plugins/greeter");
    let ran = wasm_host(["inspect", &greeter]);
    for part in ["\nsize: ", "  code\n", "\ninside:\n", "core module", "\nproducers:\n", "  language: Rust"] {
        assert!(ran.stdout.contains(part), "{part} is missing in {}", ran.stdout);
    }
    let ran = wasm_host(["inspect", "--json", &greeter]);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["binary"]["bytes"], value["bytes"]);
    assert!(value["binary"]["parts"]["code"].as_u64().unwrap() > 0, "{value:#}");
}

#[test]
fn the_schema_of_each_export_is_that_of_its_arguments() {
    let ran = wasm_host(["inspect", "--schema", &guest("plugins/greeter")]);
    ran.fails(0, &[]);
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let functions = &schema["functions"];
    let process = &functions["my-org:my-plugin/plugin-api@0.1.0#process"];
    assert_eq!(process["arguments"]["description"], "func(input: string) -> result<string, string>");
    assert!(process["result"]["anyOf"].is_array(), "{schema:#}");
    wasm_host(["inspect", "--schema", &guest("p1-command")]).fails(125, &["is a core module"]);
}

#[test]
fn the_world_as_wit_is_read_by_the_doctor() {
    let greeter = guest("plugins/greeter");
    let ran = wasm_host(["inspect", "--wit", &greeter]);
    ran.fails(0, &[]);
    assert!(ran.stdout.starts_with("package root:component;\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("  export my-org:my-plugin/plugin-api@0.1.0;\n"), "{}", ran.stdout);
    let scratch = Scratch::new();
    let file = scratch.file("greeter.wit", &ran.stdout);
    wasm_host(["doctor", "--world", &format!("{file}#root"), &greeter]).fails(0, &[]);
    wasm_host(["inspect", "--wit", &guest("add")]).fails(125, &["there is no WIT text of", "a core module"]);
}

#[test]
fn what_nobody_offers_is_named_and_shown_all_the_same() {
    let ran = wasm_host(["inspect", &guest("host-imports")]);
    ran.fails(0, &[]);
    for part in [
        "import env.host_log: func(i32, i32)\n",
        "export run: func()\n",
        "wasm-host cannot run it:\n  2 imports cannot be linked:\n",
        "`env.host_random` is missing: func() -> i32",
    ] {
        assert!(ran.stdout.contains(part), "{part} is missing in {}", ran.stdout);
    }
}

#[test]
fn json_is_one_value() {
    let add = wasm_host(["inspect", "--json", &guest("add")]);
    add.fails(0, &[]);
    let value: serde_json::Value = serde_json::from_str(&add.stdout).unwrap();
    assert_eq!(value["kind"], "core module");
    assert_eq!(value["bytes"], fixtures::bytes("add").len());
    assert_eq!(value["command"], false);
    assert_eq!(value["imports"], serde_json::json!([]));
    let export = serde_json::json!({ "name": "add", "type": "func(i32, i32) -> i32" });
    assert!(value["exports"].as_array().unwrap().contains(&export), "{value}");
    assert_eq!(value["cannot-run"], serde_json::Value::Null);

    let command = wasm_host(["inspect", "--json", &guest("p2-command")]);
    let value: serde_json::Value = serde_json::from_str(&command.stdout).unwrap();
    assert_eq!((&value["kind"], &value["command"]), (&"component".into(), &true.into()));
    let need = serde_json::json!({ "what": "files and directories", "grant": "[[directories]]" });
    assert!(value["may-use"].as_array().unwrap().contains(&need), "{value}");

    let needy = wasm_host(["inspect", "--json", &guest("host-imports")]);
    let value: serde_json::Value = serde_json::from_str(&needy.stdout).unwrap();
    assert_eq!(value["not-wasi"], serde_json::json!(["env.host_log", "env.host_random"]));
    assert!(value["cannot-run"].as_str().unwrap().contains("env.host_log"), "{value}");
}

#[test]
fn nothing_runs() {
    // Its start function never ends.
    wasm_host(["inspect", &guest("plugins/endless-start")]).fails(0, &[]);
}

#[test]
fn what_a_program_gets_is_explained() {
    let scratch = Scratch::new();
    let policy = scratch
        .file("policy.toml", "[grants]\ninherit-env = [\"LC_*\"]\nnetwork = [\"tcp://10.0.0.0/8:5432\"]");
    let wishes = scratch.file(
        "wishes.toml",
        "[network]\n\"tcp://10.0.0.7:5432\" = \"the data base\"\n\"https://example.org/*\" = \"news\"",
    );
    let file = guest("p2-command");
    let ran = wasm_host(["inspect", "--policy", &policy, "--wishes", &wishes, &file]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    for line in [
        "  granted    network.\"tcp://10.0.0.7:5432\"",
        "  refused    network.\"https://example.org/*\"",
        "add: network = [\"https://example.org/*\"]",
        "asked for: news",
        "  not asked  inherit-env = [\"LC_*\"]",
    ] {
        assert!(ran.stdout.contains(line), "{line} is missing in {}", ran.stdout);
    }
    let ran = wasm_host(["inspect", "--json", "--policy", &policy, &file]);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["explanation"]["wishes"], serde_json::json!([]), "{report:#}");

    let wrong = scratch.file("wrong.toml", "[networks]");
    wasm_host(["inspect", "--wishes", &wrong, &file]).fails(125, &["the wishes", "wrong.toml", "networks"]);
}
