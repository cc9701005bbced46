//! `wasm-host run`: commands of both generations, and what they are given.

use crate::{Scratch, command, finish, guest, wasm_host};

const BOTH: [&str; 2] = ["p1-command", "p2-command"];

#[test]
fn arguments_are_the_programs_also_if_they_look_like_ours() {
    for name in BOTH {
        let file = guest(name);
        let ran = wasm_host(["run", &file, "one", "--fuel=1", "--help", "--", "-x"]);
        ran.prints(&format!(
            "arg 0 {name}.wasm\narg 1 one\narg 2 --fuel=1\narg 3 --help\narg 4 --\narg 5 -x\n"
        ));
        wasm_host(["run", "--argv0", "tool", &file]).prints("arg 0 tool\n");
    }
}

#[test]
fn the_environment_is_what_was_asked_for() {
    for name in BOTH {
        let file = guest(name);
        let args = ["run", "--argv0=x", "--env", "KEY=a=b", "--env", "OURS", "--env=ABSENT", &file];
        let mut command = command(args);
        command.env("OURS", "passed on").env("SECRET", "kept").env_remove("ABSENT");
        finish(command, "").prints("arg 0 x\nenv KEY=a=b\nenv OURS=passed on\n");
    }
}

#[test]
fn directories_are_seen_under_their_guest_path() {
    for name in BOTH {
        let scratch = Scratch::new();
        scratch.file("in.txt", "contents");
        let dir = format!("{}::/data", scratch.text("."));
        let file = guest(name);
        let ran = wasm_host(["run", "--dir", &dir, &file, "--read=/data/in.txt", "--write=/data/out.txt"]);
        ran.fails(0, &[]);
        assert!(ran.stdout.ends_with("file /data/in.txt contents\nwrote /data/out.txt\n"), "{ran:?}");
        assert_eq!(std::fs::read_to_string(scratch.path("out.txt")).unwrap(), "written by guest\n");

        let dir = format!("{dir}:ro");
        let ran = wasm_host(["run", "--dir", &dir, &file, "--read=/data/in.txt", "--write=/data/no.txt"]);
        assert!(ran.stdout.contains("file /data/in.txt contents\nwrite /data/no.txt error "), "{ran:?}");
        assert!(!scratch.path("no.txt").exists());

        let ran = wasm_host(["run", &file, "--read=/data/in.txt"]);
        assert!(ran.stdout.contains("file /data/in.txt error "), "{ran:?}");
    }
}

#[test]
fn a_directory_without_a_guest_path_keeps_its_own() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("sub")).unwrap();
    scratch.file("sub/in.txt", "contents");
    for (dir, read) in [("sub", "sub/in.txt"), ("sub:ro", "sub/in.txt"), (".", "sub/in.txt")] {
        let mut command = command(["run", "--dir", dir, &guest("p1-command"), &format!("--read={read}")]);
        command.current_dir(scratch.path("."));
        let ran = finish(command, "");
        assert!(ran.stdout.ends_with(&format!("file {read} contents\n")), "{dir}: {ran:?}");
    }
}

#[test]
fn standard_streams_are_passed_through() {
    for name in BOTH {
        let ran = finish(command(["run", &guest(name), "--stdin", "--stderr=to stderr"]), "piped in");
        ran.fails(0, &["to stderr"]);
        assert!(ran.stdout.ends_with("stdin 8 bytes piped in\n"), "{ran:?}");
    }
}

#[test]
fn the_exit_code_is_the_programs() {
    for (name, asked, code) in
        [("p1-command", "0", 0), ("p1-command", "3", 3), ("p2-command", "0", 0), ("p2-command", "3", 1)]
    {
        let ran = wasm_host(["run", &guest(name), &format!("--exit={asked}")]);
        assert_eq!((ran.code, ran.stderr.as_str()), (code, ""), "{name} {asked}: {ran:?}");
    }
}

#[test]
fn an_export_is_invoked_with_the_arguments_as_values() {
    wasm_host(["run", "--invoke", "add", &guest("add"), "2", "3"]).prints("5\n");
    wasm_host(["run", "--invoke", "add", &guest("add"), "-2", "-3"]).prints("-5\n");

    let greeter = guest("plugins/greeter");
    wasm_host(["run", "--invoke", "process", &greeter, r#""Ada""#]).prints("ok(\"Hello, Ada!\")\n");
    let ran = wasm_host(["run", "--invoke", r#"process("Ada")"#, &greeter]);
    ran.prints("ok(\"Hello, Ada!\")\n");
    assert_eq!(ran.stderr, "log: greeting Ada\n");
    wasm_host(["run", "--invoke", "get-version()", &greeter, "1"]).fails(125, &["give them in one place"]);
}

#[test]
fn a_policy_is_the_base_and_options_go_over_it() {
    let scratch = Scratch::new();
    let policy = scratch.file(
        "policy.toml",
        "[limits]\nfuel = 10\n[grants]\nargs = [\"not\", \"these\"]\nstdin = { text = \"from the policy\" }\n\
         [grants.env]\nFROM = \"policy\"\n[[grants.directories]]\nhost = \".\"\nguest = \"/here\"",
    );
    scratch.file("in.txt", "contents");
    let file = guest("p1-command");
    wasm_host(["run", "--policy", &policy, &file]).fails(134, &["fuel budget of 10 exceeded"]);
    // The streams that it does not name are passed through, and its directory is the one it lies in.
    let args = ["--stdin", "--stderr=heard", "--read=/here/in.txt"];
    let ran = wasm_host(["run", "--policy", &policy, "--fuel=unlimited", &file].into_iter().chain(args));
    ran.fails(0, &["heard"]);
    for part in ["env FROM=policy\n", "stdin 15 bytes from the policy\n", "file /here/in.txt contents"] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    assert!(!ran.stdout.contains("these"), "{ran:?}");
}

#[test]
fn streams_that_a_policy_names_are_as_it_says() {
    let scratch = Scratch::new();
    let file = guest("p2-command");
    let discard = scratch.file("discard.toml", "[grants]\nstdout = \"discard\"\nstderr = \"discard\"");
    let ran = wasm_host(["run", "--policy", &discard, &file, "--stderr=unheard"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
    let capture = scratch.file("capture.toml", "[grants]\nstdout = { capture = 1000 }");
    wasm_host(["run", "--policy", &capture, "--argv0=x", &file]).prints("arg 0 x\n");
}

#[test]
fn a_program_gets_no_more_than_it_asks_for() {
    let scratch = Scratch::new();
    scratch.file("in.txt", "contents");
    let wishes = scratch.file(
        "wishes.toml",
        "stdout = \"\"\n[env]\nKEY = \"\"\n[[directories]]\nguest = \"/data\"\naccess = \"read-only\"",
    );
    let dir = format!("{}::/data", scratch.text("."));
    for name in BOTH {
        let args = ["run", "--argv0=x", "--wishes", &wishes, "--dir", &dir, "--env=KEY=1", "--env=OTHER=2"];
        let mut command = command(args);
        command.args([&guest(name), "--read=/data/in.txt", "--write=/data/no.txt"]);
        let ran = finish(command, "");
        assert!(
            ran.stdout.contains("env KEY=1\nfile /data/in.txt contents\nwrite /data/no.txt error"),
            "{ran:#?}"
        );
        assert!(!scratch.path("no.txt").exists());
    }
}
