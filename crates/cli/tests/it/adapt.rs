//! `--adapt`: WASI 0.1 modules that are run, called and compiled as components.

use crate::{Scratch, command, finish, guest, wasm_host};

#[test]
fn a_module_does_the_same_as_a_component() {
    let scratch = Scratch::new();
    scratch.file("in.txt", "contents");
    let dir = format!("{}::/data:ro", scratch.text("."));
    let run = |adapt: &[&str]| {
        let options = ["--dir", &dir, "--env", "NAME=value"];
        let file = guest("p1-command");
        let args =
            [file.as_str(), "one", "--stdin", "--read=/data/in.txt", "--write=/data/no.txt", "--stderr=err"];
        let line = ["run"].iter().chain(adapt).chain(&options).chain(&args).copied();
        let ran = finish(command(line), "typed");
        (ran.code, ran.stdout, ran.stderr)
    };
    let as_module = run(&[]);
    assert!(as_module.1.contains("file /data/in.txt contents\nwrite /data/no.txt error "), "{as_module:?}");
    assert_eq!(run(&["--adapt"]), as_module);
}

#[test]
fn the_exit_code_of_a_component_is_good_or_bad() {
    for (asked, code) in [("0", 0), ("1", 1), ("3", 1)] {
        wasm_host(["run", "--adapt", &guest("p1-command"), &format!("--exit={asked}")]).fails(code, &[]);
    }
}

#[test]
fn limits_and_the_cache_are_for_the_component() {
    let scratch = Scratch::new();
    let run = || {
        let cache = scratch.text("cache");
        wasm_host(["run", "--adapt", "--stats", "--cache-dir", &cache, "--argv0=x", &guest("p1-command")])
    };
    let first = run();
    first.prints("arg 0 x\n");
    assert!(first.stderr.contains("code compiled in"), "{first:?}");
    let second = run();
    second.prints("arg 0 x\n");
    assert!(second.stderr.contains("code cached, loaded in"), "{second:?}");
    let ran = wasm_host(["run", "--adapt", "--timeout=100ms", &guest("p1-command"), "--spin"]);
    ran.fails(124, &["deadline of 100ms exceeded"]);
}

#[test]
fn the_component_can_be_compiled_ahead_of_time() {
    let scratch = Scratch::new();
    let out = scratch.text("out.cwasm");
    wasm_host(["compile", "--adapt", &guest("p1-command"), "-o", &out]).prints("");
    // A component says no more than that it failed.
    wasm_host(["run", "--allow-precompiled", &out, "--exit=3"]).fails(1, &[]);
    let ran = wasm_host(["run", "--adapt", "--allow-precompiled", &out]);
    ran.fails(125, &["is compiled already; give --adapt to `wasm-host compile`"]);
}

#[test]
fn what_cannot_be_adapted_is_refused_with_what_to_do() {
    let refused = |file: &str, says: &[&str]| {
        let ran = wasm_host(["run", "--adapt", file]);
        ran.fails(125, &[&format!("cannot make a component of `{file}`")]);
        ran.fails(125, says);
    };
    refused(&guest("p2-command"), &["this is a component already; run it as it is"]);
    refused(
        &guest("host-imports"),
        &["imports 2 things that WASI 0.1 does not have: `env.host_log`, `env.host_random`"],
    );
    refused(&guest("add"), &["neither `_start` nor", "build it as a command"]);
    let scratch = Scratch::new();
    refused(&scratch.file("text.wat", "(module)"), &["the input is WebAssembly text"]);
    let half = fixtures::bytes("p1-command");
    refused(&scratch.file("half.wasm", &half[..half.len() / 2]), &["not valid WebAssembly"]);
}
