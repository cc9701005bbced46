//! What cannot be done is refused with what, where and what to do, and exit code 125.

use crate::{Scratch, guest, wasm_host};

#[test]
fn files_that_are_no_program() {
    let scratch = Scratch::new();
    let whole = fixtures::bytes("p1-command");
    let cases: [(&str, &[u8], &str); 6] = [
        ("empty.wasm", b"", "the input is empty"),
        ("page.wasm", b"<html></html>", "the input is not WebAssembly: it begins with \"<html></\""),
        ("text.wat", b"(module)", "the input is WebAssembly text"),
        ("header.wasm", &whole[..6], "the input ends after 6 of the 8 bytes"),
        ("truncated.wasm", &whole[..whole.len() / 2], "not valid WebAssembly"),
        ("version.wasm", b"\0asm\x07\0\0\0", "unknown kind (version 7, layer 0)"),
    ];
    for (name, contents, says) in cases {
        let file = scratch.file(name, contents);
        let out = scratch.text("out");
        for args in [
            vec!["run", file.as_str()],
            vec!["call", file.as_str(), "f()"],
            vec!["inspect", file.as_str()],
            vec!["doctor", file.as_str()],
            vec!["compile", file.as_str(), "-o", out.as_str()],
        ] {
            wasm_host(&args).fails(125, &[&format!("`{file}`"), "\n  because: ", says]);
        }
        assert!(!scratch.path("out").exists(), "{name}");
    }
}

#[test]
fn files_that_cannot_be_read() {
    let scratch = Scratch::new();
    for (file, says) in [(scratch.text("absent.wasm"), "No such file"), (scratch.text("."), "Is a directory")]
    {
        wasm_host(["run", &file]).fails(125, &[&format!("cannot read `{file}`"), says]);
    }
}

#[test]
fn a_program_that_is_no_command() {
    let ran = wasm_host(["run", &guest("add")]);
    ran.fails(
        125,
        &["--invoke", "`wasm-host inspect", "this core module is not a command: it exports no `_start`"],
    );
    let ran = wasm_host(["run", &guest("plugins/greeter")]);
    ran.fails(125, &["--invoke", "this component is not a command: it exports no `wasi:cli/run`"]);
}

#[test]
fn exports_that_are_not_there() {
    let ran = wasm_host(["run", "--invoke", "sub", &guest("add"), "2", "3"]);
    ran.fails(125, &["the module exports no function named `sub`; it exports add(i32, i32)"]);
    let ran = wasm_host(["call", &guest("plugins/greeter"), r#"proces("Ada")"#]);
    ran.fails(125, &["exports no function `proces`", "did you mean `process`"]);
    let ran = wasm_host(["run", "--invoke", "add", &guest("p2-command"), "2", "3"]);
    ran.fails(125, &["the component exports no function `add`", "wasi:cli/run"]);
}

#[test]
fn arguments_that_do_not_fit() {
    let add = guest("add");
    wasm_host(["run", "--invoke", "add", &add, "2"])
        .fails(125, &["`add` takes 2 arguments (i32, i32), but 1"]);
    wasm_host(["call", &add, "add(2, x)"])
        .fails(125, &["argument 2 of `add`: `x` is not a value of type i32"]);
    wasm_host(["call", &add, "add(2, 3"]).fails(125, &["no `)` at its end"]);
    wasm_host(["call", &add, "add"]).fails(125, &["expected a call such as"]);
    let greeter = guest("plugins/greeter");
    let ran = wasm_host(["call", &greeter, "process(Ada)"]);
    ran.fails(125, &["text stands in double quotes", "the list of arguments is not well-formed at byte 9"]);
    wasm_host(["call", &greeter, "process(3)"])
        .fails(125, &["text stands in double quotes", "argument `input`: expected `string` at byte 8"]);
    wasm_host(["call", &greeter, "process()"]).fails(125, &["0 given where 1 are needed"]);
    wasm_host(["call", &greeter, "process", "--json-args", "[3]"]).fails(125, &["at `$[0]`"]);
    wasm_host(["call", &greeter, "process", "--json-args", "[3"]).fails(125, &["--json-args is not JSON"]);
    wasm_host(["call", &add, "add", "--json-args", "3"]).fails(125, &["must be an array"]);
}

#[test]
fn imports_that_nobody_satisfies_are_all_named() {
    let ran = wasm_host(["run", "--invoke", "run", &guest("host-imports")]);
    let offered = "offered: wasi_snapshot_preview1.";
    ran.fails(125, &["2 imports cannot be linked", "`env.host_log`", "`env.host_random`", offered]);

    let scratch = Scratch::new();
    let text = r#"(component (import "clock" (func)) (import "lo" (func (param "msg" string))))"#;
    let file = scratch.file("needy.wasm", wat::parse_str(text).unwrap());
    let ran = wasm_host(["call", &file, "f()"]);
    ran.fails(
        125,
        &[
            "2 reasons",
            "the function `clock` is missing",
            "the function `lo` is missing; did you mean `log`?",
        ],
    );
}

#[test]
fn policies_name_the_line_that_is_wrong() {
    let scratch = Scratch::new();
    for (line, says) in [
        ("memroy = \"1MiB\"", "unknown field `memroy`"),
        ("memory = \"64MB\"", "no known unit"),
        ("memory = \"-1MiB\"", "whole number from 0 up"),
        ("deadline = \"2 fortnights\"", "is not a time"),
    ] {
        let file = scratch.file("policy.toml", format!("[limits]\n{line}\n"));
        wasm_host(["run", "--policy", &file, &guest("add")]).fails(125, &[&file, "line 2", line, says]);
    }
    // What can be seen in the text, and what only shows when the program is to run.
    let directory = "[[grants.directories]]\nguest = \"data\"\n";
    let file = scratch.file("policy.toml", format!("{directory}host = \"\"\n"));
    let says =
        format!("the policy `{file}` is wrong in line 3: grants.directories[0].host: the path is empty");
    wasm_host(["run", "--policy", &file, &guest("p1-command")]).fails(125, &[&says]);
    let file = scratch.file("policy.toml", format!("{directory}host = \"absent\"\n"));
    let says = format!("the policy `{file}`, line 3, grants what cannot be given");
    let ran = wasm_host(["run", "--policy", &file, &guest("p1-command")]);
    ran.fails(125, &[&says, "directories[0].host: cannot open the directory", "No such file"]);
    let absent = scratch.text("absent.toml");
    let ran = wasm_host(["run", "--policy", &absent, &guest("add")]);
    ran.fails(125, &[&format!("cannot read the policy `{absent}`"), "No such file"]);
}

#[test]
fn directories_that_cannot_be_granted() {
    let scratch = Scratch::new();
    let (absent, add) = (scratch.text("absent"), guest("add"));
    let ran = wasm_host(["run", "--dir", &absent, &add]);
    ran.fails(125, &[&format!("cannot open the directory `{absent}` of --dir"), "No such file"]);
    let file = scratch.file("file", "");
    wasm_host(["run", "--dir", &file, &add]).fails(125, &["is not a directory"]);
    let dir = scratch.text(".");
    let ran = wasm_host([
        "run",
        "--dir",
        &format!("{dir}::a"),
        "--dir",
        &format!("{dir}::./a"),
        &guest("p1-command"),
    ]);
    ran.fails(125, &["is granted twice"]);
}

#[test]
fn wrong_options_are_told_apart_with_code_2() {
    let add = guest("add");
    for (option, value, says) in [
        ("--memory", "64MB", "no known unit"),
        ("--memory", "-1MiB", "whole number from 0 up"),
        ("--timeout", "2", "is not a time"),
        ("--timeout", "-2s", "is not a time"),
        ("--fuel", "-1", "whole number of fuel units"),
        ("--dir", "../data", "name one for it, such as ../data::data"),
    ] {
        let ran = wasm_host(["run", &format!("{option}={value}"), &add]);
        ran.fails(2, &[option, value, says]);
    }
    wasm_host(["run", "--no-such-option", &add]).fails(2, &["--no-such-option"]);
    wasm_host(["run"]).fails(2, &["FILE"]);
}
