//! `wasm-host call`: exports by WAVE and by JSON, and what their plugins say meanwhile.

use crate::{guest, wasm_host};

#[test]
fn wave_in_and_wave_out() {
    let greeter = guest("plugins/greeter");
    let ran = wasm_host(["call", &greeter, r#"process("Ada")"#]);
    ran.prints("ok(\"Hello, Ada!\")\n");
    assert_eq!(ran.stderr, "log: greeting Ada\n");
    wasm_host(["call", &greeter, "get-version()"]).prints("\"0.1.0\"\n");
    let full = r#"my-org:my-plugin/plugin-api@0.1.0#process("Ada")"#;
    wasm_host(["call", &greeter, full]).prints("ok(\"Hello, Ada!\")\n");
}

#[test]
fn an_error_that_is_returned_is_printed_and_makes_the_exit_code_1() {
    let greeter = guest("plugins/greeter");
    let ran = wasm_host(["call", &greeter, r#"process("")"#]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "err(\"nobody to greet\")\n"), "{ran:?}");
    let ran = wasm_host(["call", "--json", &greeter, r#"process("")"#]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "{\"err\":\"nobody to greet\"}\n"), "{ran:?}");
}

#[test]
fn json_in_and_json_out() {
    let greeter = guest("plugins/greeter");
    wasm_host(["call", "--json", &greeter, r#"process("Ada")"#]).prints("{\"ok\":\"Hello, Ada!\"}\n");
    let ran = wasm_host(["call", "--json", &greeter, "process", "--json-args", r#"["\"Ada\""]"#]);
    ran.prints("{\"ok\":\"Hello, \\\"Ada\\\"!\"}\n");
    let ran = wasm_host(["call", &greeter, "process", "--json-args", r#"{"input": "Ada"}"#]);
    ran.prints("ok(\"Hello, Ada!\")\n");
}

#[test]
fn core_modules_are_called_alike() {
    let add = guest("add");
    wasm_host(["call", &add, "add(2, 3)"]).prints("5\n");
    wasm_host(["call", &add, "add( -2 ,0xffffffff)"]).prints("-3\n");
    wasm_host(["call", "--json", &add, "add", "--json-args", "[2, 3]"]).prints("5\n");
    wasm_host(["call", &guest("logger"), "count()"]).prints("0\n");
    wasm_host(["call", "--json", &guest("logger"), "log(1)"]).prints("null\n");
}

#[test]
fn what_a_plugin_prints_is_kept_out_of_the_result() {
    let ran = wasm_host(["call", &guest("p2-command"), "run()"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "ok\n"), "{ran:?}");
    let ran = wasm_host(["call", "--env", "KEY=VALUE", &guest("p2-command"), "run()"]);
    assert!(ran.stdout == "ok\n" && ran.stderr.contains("env KEY=VALUE\n"), "{ran:?}");
}

#[test]
fn a_plugin_that_is_stopped_has_no_result() {
    let ran = wasm_host(["call", "--timeout=300ms", &guest("plugins/endless-start"), r#"process("x")"#]);
    ran.fails(124, &["deadline of 300ms exceeded"]);
    assert_eq!(ran.stdout, "");
    wasm_host(["call", &guest("plugins/trap"), r#"process("x")"#])
        .fails(134, &["wasm-host: guest: wasm trap"]);
}
