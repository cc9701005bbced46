//! `wasm-host doctor`: what does not fit is said at once, with both sides and what to do.

use crate::{Scratch, guest, wasm_host};

fn wit() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/my-plugin").to_owned()
}

/// The world of the example plugin, with a record in place of text, and a function more.
const OTHER: &str = "
    package my-org:my-plugin@0.1.0;
    interface plugin-api {
        record request { text: string, count: u32 }
        process: func(input: request) -> result<string, string>;
        get-version: func() -> string;
        forget: func();
    }
    world my-plugin { import log: func(msg: list<string>); export plugin-api; }
    world empty {}
";

#[test]
fn what_fits_is_told_so() {
    let greeter = guest("plugins/greeter");
    let ran = wasm_host(["doctor", &greeter]);
    ran.fails(0, &[]);
    assert!(ran.stdout.starts_with(&format!("`{greeter}` fits wasm-host\n")), "{}", ran.stdout);
    let ran = wasm_host(["doctor", "--world", &wit(), &greeter]);
    ran.fails(0, &[]);
    assert!(ran.stdout.contains("fits the world `my-org:my-plugin/"), "{}", ran.stdout);
    let ran = wasm_host(["doctor", &guest("p1-command")]);
    ran.fails(0, &[]);
    assert!(ran.stdout.contains("  files and directories: [[directories]], or --dir\n"), "{}", ran.stdout);
}

#[test]
fn both_sides_of_a_difference_are_shown_with_advice() {
    let scratch = Scratch::new();
    let world = scratch.file("other.wit", OTHER);
    let ran = wasm_host(["doctor", "--world", &format!("{world}#my-plugin"), &guest("plugins/greeter")]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{}", ran.stdout);
    assert!(
        ran.stdout.contains(
            "does not fit the world `my-org:my-plugin/my-plugin@0.1.0`, for 3 reasons:

1. `log` has another type: `msg` is `string` in the component, but `list<string>` in the host
     the component:  func(msg: string)
                          ^^^^^^^^^^^
     the host:       func(msg: list<string>)
                          ^^^^^^^^^^^^^^^^^
   the component's author: build against the host's WIT, with its type of `log`
   the embedder: define `log` with the component's type

2. the export `my-org:my-plugin/plugin-api@0.1.0#process` has another type: `input` is `string` in the component, \
but `request` in the expected world
"
        ),
        "{}",
        ran.stdout
    );
    let missing = "3. the component does not export `my-org:my-plugin/plugin-api@0.1.0#forget`\n";
    assert!(ran.stdout.contains(missing), "{}", ran.stdout);
}

#[test]
fn what_wasm_host_does_not_have_is_named_with_versions() {
    let scratch = Scratch::new();
    let text = r#"(component
        (import "wasi:cli/exit@0.9.0" (instance (export "exit" (func (param "status" (result))))))
        (import "lo" (func (param "msg" string))))"#;
    let file = scratch.file("needy.wasm", wat::parse_str(text).unwrap());
    let ran = wasm_host(["doctor", &file]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    for part in [
        "does not fit wasm-host, for 2 reasons:",
        "1. the interface `wasi:cli/exit@0.9.0` is missing; the host offers `wasi:cli/exit@0.2.",
        "which is not compatible: below 1.0 the second number must be the same",
        "the component's author: build against `wasi:cli/exit@0.2.",
        "2. the function `lo` is missing; did you mean `log`?",
    ] {
        assert!(ran.stdout.contains(part), "{part} is missing in {}", ran.stdout);
    }
    let ran = wasm_host(["doctor", "--json", &file]);
    assert_eq!(ran.code, 1);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["fits"], false);
    assert_eq!(value["problems"][1]["problem"], "missing");
    assert_eq!(value["problems"][1]["near"], serde_json::json!(["log"]));
    assert!(value["problems"][1]["advice"]["guest"].as_str().unwrap().contains("`log`"), "{value:#}");
}

#[test]
fn core_modules_are_looked_at_too_but_have_no_world() {
    let ran = wasm_host(["doctor", &guest("host-imports")]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    for part in ["does not fit wasm-host:\n", "2 imports cannot be linked:\n", "`env.host_random` is missing"]
    {
        assert!(ran.stdout.contains(part), "{part} is missing in {}", ran.stdout);
    }
    let ran = wasm_host(["doctor", "--world", &wit(), &guest("add")]);
    ran.fails(125, &["a core module has no world"]);
}

#[test]
fn worlds_that_cannot_be_taken_are_no_diagnosis() {
    let scratch = Scratch::new();
    let greeter = guest("plugins/greeter");
    let other = scratch.file("other.wit", OTHER);
    let wrong = scratch.file("wrong.wit", "package a:b;\nworld w {\n  export run: fun();\n}");
    for (world, says) in [
        (scratch.text("absent.wit"), "cannot read `"),
        (other.clone(), "there are several worlds, and one must be named: `my-plugin`, `empty`"),
        (format!("{other}#my-plugim"), "there is no world `my-plugim`; did you mean `my-plugin`?"),
        (wrong, "wrong.wit:3:"),
        (guest("add"), "is a core module, which has no world"),
    ] {
        wasm_host(["doctor", "--world", &world, &greeter]).fails(125, &["cannot take a world from", says]);
    }
    // The world of a component will do as well, its own before all.
    wasm_host(["doctor", "--world", &greeter, &greeter]).fails(0, &[]);
}
