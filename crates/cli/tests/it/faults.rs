//! How a program is stopped: one line that says why, and an exit code that says what kind.

use std::process::Stdio;

use crate::{Ran, Scratch, command, guest, wasm_host};

const BOTH: [&str; 2] = ["p1-command", "p2-command"];

/// The line that the command itself adds to what the guest has said.
fn line(ran: &Ran) -> &str {
    let mut ours = ran.stderr.lines().filter(|line| line.starts_with("wasm-host: "));
    let line = ours.next().unwrap_or_else(|| panic!("nothing is said: {ran:#?}"));
    assert_eq!(ours.next(), None, "more than one line: {ran:#?}");
    line
}

#[test]
fn a_deadline_ends_computing_and_waiting() {
    for name in BOTH {
        for guest_does in ["--spin", "--sleep=3600000"] {
            let ran = wasm_host(["run", "--timeout", "300ms", &guest(name), guest_does]);
            assert_eq!(ran.code, 124, "{name} {guest_does}: {ran:#?}");
            assert_eq!(
                line(&ran),
                "wasm-host: budget: deadline of 300ms exceeded; raise it with --timeout",
                "{name} {guest_does}"
            );
        }
    }
}

#[test]
fn a_deadline_ends_waiting_for_input_that_never_comes() {
    for name in BOTH {
        let mut command = command(["run", "--timeout", "300ms", &guest(name), "--stdin"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Waiting for the child would close it.
        let open = child.stdin.take();
        assert_eq!(child.wait().unwrap().code(), Some(124), "{name}");
        drop(open);
    }
}

/// Opening one would wait for its other end, where no deadline reaches.
#[test]
#[cfg(unix)]
fn a_pipe_in_a_directory_is_not_opened() {
    let scratch = Scratch::new();
    let made = std::process::Command::new("mkfifo").arg(scratch.path("pipe")).status().unwrap();
    assert!(made.success());
    let dir = format!("{}::/d", scratch.text("."));
    for name in BOTH {
        let ran = wasm_host(["run", "--dir", &dir, &guest(name), "--read=/d/pipe"]);
        assert!(ran.code == 0 && ran.stdout.contains("file /d/pipe error PermissionDenied"), "{ran:#?}");
    }
}

#[test]
fn a_memory_budget_ends_a_program_that_takes_more() {
    for name in BOTH {
        let ran = wasm_host(["run", "--memory", "16MiB", &guest(name), "--alloc=100"]);
        assert_eq!(ran.code, 137, "{name}: {ran:#?}");
        let line = line(&ran);
        assert!(line.starts_with("wasm-host: budget: memory budget of 16MiB exceeded: "), "{line}");
        assert!(line.ends_with("; raise it with --memory"), "{line}");
        let ran = wasm_host(["run", "--memory", "200MiB", &guest(name), "--alloc=100"]);
        assert!(ran.code == 0 && ran.stdout.ends_with("allocated\n"), "{name}: {ran:#?}");
    }
}

#[test]
fn tables_count_as_memory() {
    let ran = wasm_host(["call", &guest("plugins/table-bomb"), r#"process("x")"#]);
    assert_eq!(ran.code, 137, "{ran:#?}");
    assert!(line(&ran).contains("table elements exceeded"), "{ran:#?}");
}

#[test]
fn a_trap_says_which_and_where() {
    for name in BOTH {
        let ran = wasm_host(["run", &guest(name), "--panic"]);
        assert_eq!(ran.code, 134, "{name}: {ran:#?}");
        assert!(line(&ran).starts_with("wasm-host: guest: wasm trap: wasm `unreachable`"), "{ran:#?}");
        assert!(line(&ran).contains(", in "), "{ran:#?}");
    }
}

#[test]
fn fuel_runs_out() {
    for name in BOTH {
        let ran = wasm_host(["run", "--fuel", "10_000_000", &guest(name), "--spin"]);
        assert_eq!(ran.code, 134, "{name}: {ran:#?}");
        assert_eq!(line(&ran), "wasm-host: budget: fuel budget of 10000000 exceeded; raise it with --fuel");
    }
}

#[test]
fn the_stack_runs_out() {
    let ran = wasm_host(["call", &guest("plugins/deep-recursion"), r#"process("x")"#]);
    assert_eq!(ran.code, 134, "{ran:#?}");
    assert_eq!(line(&ran), "wasm-host: budget: stack budget of 1MiB exceeded; raise it with a --policy file");
}

#[test]
fn captured_output_is_bounded_and_what_was_kept_is_printed() {
    let scratch = Scratch::new();
    let policy = scratch
        .file("policy.toml", "[limits]\noutput = \"100KiB\"\n[grants]\nstdout = { capture = 1000000 }");
    for name in BOTH {
        let ran = wasm_host(["run", "--policy", &policy, &guest(name), "--flood"]);
        assert_eq!(ran.code, 134, "{name}: {:?}", ran.stderr);
        assert!(line(&ran).contains("output budget of 100KiB exceeded"), "{}", ran.stderr);
        assert_eq!(ran.stdout.len(), 100 << 10);
    }
}

#[test]
fn the_backtrace_is_printed_on_request() {
    let file = guest("backtrace");
    let ran = wasm_host(["run", "--invoke", "run", "--backtrace", &file]);
    assert_eq!(ran.code, 134, "{ran:#?}");
    let frames: Vec<&str> = ran.stderr.lines().skip_while(|line| !line.starts_with("wasm-host: ")).collect();
    for name in ["inner", "middle", "outer"] {
        let frame = frames.iter().skip(1).find(|frame| frame.contains(name));
        assert!(frame.is_some_and(|frame| frame.contains(".rs:")), "{name}: {frames:#?}");
    }
    let ran = wasm_host(["run", "--invoke", "run", &file]);
    assert!(line(&ran).contains(", in "), "{ran:#?}");
    assert!(ran.code == 134 && ran.stderr.lines().last() == Some(line(&ran)), "{ran:#?}");

    // A precompiled file is optimised already, and so are its backtraces: names, no lines.
    let scratch = Scratch::new();
    let compiled = scratch.text("backtrace.cwasm");
    wasm_host(["compile", &file, "-o", &compiled]).prints("");
    let ran = wasm_host(["run", "--allow-precompiled", "--invoke", "run", "--backtrace", &compiled]);
    assert_eq!(ran.code, 134, "{ran:#?}");
    assert!(ran.stderr.contains("\n    0: ") && ran.stderr.contains("outer"), "{ran:#?}");
}
