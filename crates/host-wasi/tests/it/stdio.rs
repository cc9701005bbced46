//! Standard streams: closed, given, captured, and captured no further than said.

use std::fs;

use host_wasi::{Grants, Output, OutputRefused, OutputStream, Stdin, Wasi};
use wasmtime::Module;
use wasmtime::component::Component;

use crate::command::{BOTH, ENGINE, run, run_component, run_module};

#[test]
fn stdin_is_closed_unless_given() {
    for form in BOTH {
        let ended = run(form, Grants::default(), &["--stdin"]);
        assert!(ended.printed("stdin 0 bytes "), "{form:?}: {}", ended.stdout());
    }
}

#[test]
fn stdin_can_be_text_bytes_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("input.txt");
    fs::write(&file, "from a file").unwrap();
    let big = "x".repeat(300_000);
    for form in BOTH {
        let check = |stdin: Stdin, line: &str| {
            let ended = run(form, Grants::default().stdin(stdin), &["--stdin"]);
            assert!(ended.printed(line), "{form:?}: {}", ended.stdout());
        };
        check(Stdin::Text("some text".into()), "stdin 9 bytes some text");
        check(Stdin::Bytes(b"some bytes".to_vec()), "stdin 10 bytes some bytes");
        check(Stdin::File(file.clone()), "stdin 11 bytes from a file");
        check(Stdin::Text(big.clone()), &format!("stdin 300000 bytes {big}"));
    }
}

#[test]
fn a_stdin_file_must_be_a_regular_file() {
    let folder = tempfile::tempdir().unwrap();
    let failure = |path| Wasi::new(&Grants::default().stdin(Stdin::File(path))).unwrap_err().to_string();
    let missing = failure(folder.path().join("missing"));
    assert!(missing.starts_with("stdin.file: cannot open"), "{missing}");
    let directory = failure(folder.path().to_owned());
    assert!(directory.ends_with("is not a regular file"), "{directory}");
}

#[test]
fn both_outputs_are_captured_apart() {
    for form in BOTH {
        let ended = run(form, Grants::default().stderr(Output::Capture(100)), &["--stderr=oh"]);
        ended.result.as_ref().unwrap();
        assert_eq!(ended.stdout(), "arg 0 command\narg 1 --stderr=oh\n", "{form:?}");
        assert_eq!(ended.wasi.stderr(), b"oh\n", "{form:?}");
        assert_eq!(ended.wasi.output_refused(), None, "{form:?}");
    }
}

#[test]
fn output_is_discarded_unless_asked_for() {
    for form in BOTH {
        let ended = run(form, Grants::default(), &["--stderr=oh"]);
        ended.result.as_ref().unwrap();
        assert_eq!(ended.wasi.stderr(), b"", "{form:?}");
    }
}

#[test]
fn output_may_fill_its_limit_exactly() {
    let line = "arg 0 command\n";
    for form in BOTH {
        let exact = run(form, Grants::default().stdout(Output::Capture(14)), &[]);
        exact.result.as_ref().unwrap();
        assert_eq!((exact.stdout().as_str(), exact.wasi.output_refused()), (line, None), "{form:?}");

        let short = run(form, Grants::default().stdout(Output::Capture(13)), &[]);
        assert!(short.result.is_err(), "{form:?}");
        assert_eq!(short.stdout(), line[..13], "{form:?}");
        let refused = short.wasi.output_refused().unwrap();
        assert_eq!((refused.stream, refused.limit), (OutputStream::Stdout, 13), "{form:?}");
    }
}

#[test]
fn a_flood_is_kept_to_the_limit_stopped_and_reported() {
    for form in BOTH {
        let ended = run(form, Grants::default().stdout(Output::Capture(100_000)), &["--flood"]);
        assert!(ended.result.is_err(), "{form:?}");
        assert_eq!(ended.wasi.stdout().len(), 100_000, "{form:?}");
        let refused = ended.wasi.output_refused().unwrap();
        assert_eq!(refused.to_string(), "the guest wrote more to stdout than the 100000 bytes it may");
    }
}

#[test]
fn a_module_that_ignores_the_refusal_is_stopped() {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\10\00\00\00\64\00\00\00")
        (func (export "_start")
            (loop $again
                (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
                (br $again))))"#;
    let module = Module::new(&ENGINE, module).unwrap();
    let wasi = Wasi::new(&Grants::default().stderr(Output::Capture(250))).unwrap();
    let ended = run_module(&module, wasi);
    let error = ended.result.unwrap_err();
    let refused = error.downcast_ref::<OutputRefused>().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!((refused.stream, refused.limit), (OutputStream::Stderr, 250));
    assert_eq!(ended.wasi.output_refused(), Some(*refused));
    assert_eq!(ended.wasi.stderr().len(), 250);
}

#[test]
fn a_component_that_ignores_the_refusal_is_stopped() {
    let component = r#"(component
        (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
        (alias export $errors "error" (type $error))
        (import "wasi:io/streams@0.2.0" (instance $streams
            (export "output-stream" (type $stream (sub resource)))
            (alias outer 1 $error (type $failure))
            (type $kinds (variant (case "last-operation-failed" (own $failure)) (case "closed")))
            (export "stream-error" (type $stream-error (eq $kinds)))
            (export "[method]output-stream.blocking-write-and-flush" (func
                (param "self" (borrow $stream)) (param "contents" (list u8))
                (result (result (error $stream-error)))))))
        (alias export $streams "output-stream" (type $stream))
        (import "wasi:cli/stdout@0.2.0" (instance $stdout
            (alias outer 1 $stream (type $own))
            (export "output-stream" (type $given (eq $own)))
            (export "get-stdout" (func (result (own $given))))))
        (core module $memory-module (memory (export "memory") 1))
        (core instance $memory (instantiate $memory-module))
        (core func $get (canon lower (func $stdout "get-stdout")))
        (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
            (memory (core memory $memory "memory"))))
        (core module $main
            (import "host" "get" (func $get (result i32)))
            (import "host" "write" (func $write (param i32 i32 i32 i32)))
            (func (export "run") (result i32)
                (local $stream i32)
                (local.set $stream (call $get))
                (loop $again
                    (call $write (local.get $stream) (i32.const 0) (i32.const 100) (i32.const 1024))
                    (br $again))
                unreachable))
        (core instance $program (instantiate $main
            (with "host" (instance (export "get" (func $get)) (export "write" (func $write))))))
        (func $run (result (result)) (canon lift (core func $program "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $command)))"#;
    let component = Component::new(&ENGINE, component).unwrap();
    let wasi = Wasi::new(&Grants::default().stdout(Output::Capture(250))).unwrap();
    let ended = run_component(&component, wasi);
    let error = ended.result.unwrap_err();
    assert!(error.is::<OutputRefused>(), "{error:?}");
    assert_eq!(ended.wasi.stdout().len(), 250);
}
