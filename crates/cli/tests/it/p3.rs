//! Commands of WASI 0.3: run without being asked for, with the limits of all others.

use crate::{Scratch, guest, wasm_host};

fn command() -> String {
    guest("p3-command")
}

#[test]
fn a_command_of_0_3_runs_like_another() {
    wasm_host(["run", &command(), "print"]).prints("a line of WASI 0.3\n");
    for (what, code) in [("", 0), ("return", 1), ("exit", 7)] {
        let ran = wasm_host(["run", &command(), what]);
        assert_eq!((ran.code, ran.stderr.as_str()), (code, ""), "{what}");
    }
    let scratch = Scratch::new();
    let dir = format!("{}::/data", scratch.text("."));
    wasm_host(["run", "--dir", &dir, &command(), "directories"]).fails(1, &[]);
}

#[test]
fn a_deadline_ends_computing_waiting_and_printing() {
    for what in ["loop", "sleep", "flood"] {
        let ran = wasm_host(["run", "--timeout", "300ms", &command(), what]);
        ran.fails(124, &["wasm-host: budget: deadline of 300ms exceeded; raise it with --timeout"]);
    }
}

#[test]
fn fuel_ends_it_too() {
    wasm_host(["run", "--fuel=100000", &command(), "loop"]).fails(134, &["fuel budget of 100000 exceeded"]);
}

#[test]
fn a_guest_that_waits_for_itself_is_told_so_at_once() {
    wasm_host(["run", &command(), "wait"]).fails(134, &["wasm-host: guest: ", "deadlock detected"]);
}

#[test]
fn a_guest_that_hoards_streams_is_stopped() {
    wasm_host(["run", "--timeout=1m", &command(), "hoard"]).fails(134, &["wasm-host: "]);
}

#[test]
fn a_policy_says_by_itself_what_code_may_use() {
    let scratch = Scratch::new();
    let strict = scratch.file("strict.toml", "");
    wasm_host(["run", "--policy", &strict, &command()]).fails(125, &["it uses `component-model-async`"]);
    let proposals = "proposals = ['component-model', 'component-model-async', 'multi-value']";
    let wide = scratch.file("wide.toml", format!("[profile]\n{proposals}\n[static-limits]\n{proposals}\n"));
    wasm_host(["run", "--policy", &wide, &command(), "print"]).prints("a line of WASI 0.3\n");
}

#[test]
fn it_is_looked_at_and_compiled_like_another() {
    let ran = wasm_host(["inspect", &command()]);
    ran.fails(0, &[]);
    for part in [", a command\n", "  files and directories: [[directories]], or --dir\n"] {
        assert!(ran.stdout.contains(part), "{part} is missing in {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("not served") && !ran.stdout.contains("cannot run"), "{}", ran.stdout);

    let scratch = Scratch::new();
    let file = scratch.text("p3.cwasm");
    wasm_host(["compile", &command(), "-o", &file]).fails(0, &[]);
    let ran = wasm_host(["run", "--allow-precompiled", "--stats", &file, "print"]);
    ran.fails(0, &["code compiled ahead of time, loaded in "]);
    assert_eq!(ran.stdout, "a line of WASI 0.3\n");

    let cache = scratch.text("cache");
    wasm_host(["cache", "prewarm", "--cache-dir", &cache, &command(), &guest("p2-command")]).fails(0, &[]);
    for guest in [command(), guest("p2-command")] {
        let ran = wasm_host(["run", "--cache-dir", &cache, "--stats", &guest]);
        ran.fails(0, &["code cached, loaded in "]);
    }
}
