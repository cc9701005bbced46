//! Output to files and to a callback for lines: what arrives, and what becomes of a guest that floods.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use host_wasi::{GrantError, Grants, OnLinePanicked, Output, OutputRefused, OutputStream, Wasi, WasiOptions};
use wasmtime::Module;

use crate::command::{BOTH, ENGINE, Ended, Form, component, module, run, run_component, run_module};

fn run_in(form: Form, wasi: Wasi) -> Ended {
    match form {
        Form::P1 => run_module(module(), wasi),
        Form::P2 => run_component(component(), wasi),
    }
}

fn file(path: &Path, size: u64) -> Output {
    Output::File { path: path.to_owned(), size }
}

/// Writes a text to both outputs for ever, whatever comes of it.
fn spinner(text: &str) -> Module {
    let length = text.len();
    let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(
        r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 16) "{escaped}")
        (func (export "_start")
            (i32.store (i32.const 0) (i32.const 16))
            (i32.store (i32.const 4) (i32.const {length}))
            (loop $again
                (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                (br $again))))"#
    );
    Module::new(&ENGINE, text).unwrap()
}

#[test]
fn a_file_takes_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    for form in BOTH {
        fs::write(&out, "what was there before, and is longer than what comes now").unwrap();
        let grants = Grants::default().stdout(file(&out, 1000)).stderr(file(&err, 3));
        let ended = run(form, grants, &["--stderr=oh"]);
        ended.result.as_ref().unwrap();
        assert_eq!(fs::read_to_string(&out).unwrap(), "arg 0 command\narg 1 --stderr=oh\n", "{form:?}");
        assert_eq!(fs::read_to_string(&err).unwrap(), "oh\n", "{form:?}");
        assert_eq!(ended.wasi.output_refused(), None, "{form:?}");
        assert_eq!(ended.wasi.stdout(), b"", "{form:?}");
    }
}

#[test]
fn two_streams_may_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let both = folder.path().join("both");
    for form in BOTH {
        run(form, Grants::default().stdout(file(&both, 99)).stderr(file(&both, 99)), &["--stderr=oh"])
            .result
            .unwrap();
        let text = fs::read_to_string(&both).unwrap();
        assert_eq!(text, "arg 0 command\narg 1 --stderr=oh\noh\n", "{form:?}");
    }
}

#[test]
fn a_flood_into_a_file_is_cut_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for form in BOTH {
        let ended = run(form, Grants::default().stdout(file(&out, 100_001)), &["--flood"]);
        assert!(ended.result.is_err(), "{form:?}");
        assert_eq!(fs::metadata(&out).unwrap().len(), 100_001, "{form:?}");
        let refused = ended.wasi.output_refused().unwrap();
        assert_eq!((refused.stream, refused.limit), (OutputStream::Stdout, 100_001), "{form:?}");
    }
    let wasi = Wasi::new(&Grants::default().stdout(file(&out, 250))).unwrap();
    let error = run_module(&spinner("0123456789"), wasi).result.unwrap_err();
    assert!(error.is::<OutputRefused>(), "{error:?}");
    assert_eq!(fs::metadata(&out).unwrap().len(), 250);
}

/// A device that is always full: the guest hears of it, and is stopped if it does not listen.
#[cfg(target_os = "linux")]
#[test]
fn only_a_regular_file_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let problem = |path: &str| Wasi::new(&Grants::default().stderr(file(Path::new(path), 9))).unwrap_err();
    for path in ["/dev/full", folder.path().to_str().unwrap()] {
        let error = problem(path);
        assert!(matches!(error, GrantError::OutputNotRegular { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("stderr.file.path: `{path}` is not a regular file"));
    }
    let error = problem(folder.path().join("missing/out").to_str().unwrap());
    assert!(matches!(error, GrantError::OutputFile { .. }), "{error:?}");
    assert!(matches!(problem(""), GrantError::OutputPath { .. }));
}

/// The lines that came, each with its stream and whether it goes on.
type Seen = Arc<Mutex<Vec<(OutputStream, String, bool)>>>;

fn seeing(options: WasiOptions) -> (WasiOptions, Seen) {
    let seen = Seen::default();
    let keep = Arc::clone(&seen);
    let options = options.on_line(move |line| {
        keep.lock().unwrap().push((line.stream, line.text.to_owned(), line.cut));
    });
    (options, seen)
}

#[test]
fn lines_come_one_by_one() {
    for form in BOTH {
        let (options, seen) = seeing(WasiOptions::new());
        let grants = Grants::default()
            .args(["command", "--stderr=one\ntwo", "--stderr=12345"])
            .stderr(Output::Lines(4));
        let ended = run_in(form, options.open(&grants).unwrap());
        ended.result.as_ref().unwrap();
        let expect = [("one", false), ("two", false), ("1234", true), ("5", false)];
        let expect = expect.map(|(text, cut)| (OutputStream::Stderr, text.to_owned(), cut));
        assert_eq!(*seen.lock().unwrap(), expect, "{form:?}");
        assert_eq!(ended.wasi.output_refused(), None, "{form:?}");
    }
}

#[test]
fn the_last_line_needs_no_newline() {
    let module = Module::new(
        &ENGINE,
        r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\10\00\00\00\07\00\00\00")
        (data (i32.const 16) "one\nend")
        (func (export "_start")
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#,
    )
    .unwrap();
    for asked in [true, false] {
        let (options, seen) = seeing(WasiOptions::new());
        let wasi = options.open(&Grants::default().stdout(Output::Lines(99))).unwrap();
        let mut ended = run_module(&module, wasi);
        ended.result.unwrap();
        assert_eq!(seen.lock().unwrap().len(), 1);
        if asked {
            ended.wasi.finish_lines();
            assert_eq!(seen.lock().unwrap().len(), 2);
        }
        drop(ended.wasi);
        let seen = seen.lock().unwrap();
        assert_eq!(seen.iter().map(|line| line.1.as_str()).collect::<Vec<_>>(), ["one", "end"]);
    }
}

#[test]
fn a_flood_of_lines_is_ended() {
    for form in BOTH {
        let (options, seen) = seeing(WasiOptions::new().max_lines(100_000));
        let grants = Grants::default().args(["command", "--flood"]).stdout(Output::Lines(4096));
        let ended = run_in(form, options.open(&grants).unwrap());
        assert!(ended.result.is_err(), "{form:?}");
        let refused = ended.wasi.output_refused().unwrap();
        assert_eq!((refused.stream, refused.limit), (OutputStream::Stdout, 100_000), "{form:?}");
        drop(ended.wasi);
        let seen = seen.lock().unwrap();
        assert!(seen.iter().all(|(_, text, _)| text.len() <= 4096), "{form:?}");
        let newlines = seen.iter().filter(|(_, _, cut)| !cut).count() - 1;
        assert_eq!(seen.iter().map(|(_, text, _)| text.len()).sum::<usize>() + newlines, 100_000, "{form:?}");
    }
    for text in ["\n", "no newline at all"] {
        let (options, seen) = seeing(WasiOptions::new().max_lines(250));
        let wasi = options.open(&Grants::default().stdout(Output::Lines(100))).unwrap();
        let error = run_module(&spinner(text), wasi).result.unwrap_err();
        assert!(error.is::<OutputRefused>(), "{error:?}");
        assert!(seen.lock().unwrap().len() <= 250);
    }
}

#[test]
fn a_callback_that_panics_ends_its_own_guest() {
    let seen = Arc::new(Mutex::new(0));
    let count = Arc::clone(&seen);
    let options = WasiOptions::new().on_line(move |line| {
        *count.lock().unwrap() += 1;
        assert_ne!(line.text, "arg 1 bad", "this one was to come");
    });
    for form in BOTH {
        let grants = |arg| Grants::default().args(["command", arg, "more"]).stdout(Output::Lines(99));
        let mut other = options.open(&grants("good")).unwrap();
        let ended = run_in(form, options.open(&grants("bad")).unwrap());
        let error = ended.result.unwrap_err();
        assert!(error.is::<OnLinePanicked>(), "{form:?}: {error:?}");
        drop(ended.wasi);
        assert!(!seen.is_poisoned() && *seen.lock().unwrap() == 2, "{form:?}");
        other.finish_lines();
        run_in(form, other).result.unwrap();
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), 5, "{form:?}");
    }
}

#[test]
fn lines_need_a_callback_and_a_length() {
    let problem = |longest| {
        let grants = Grants::default().stderr(Output::Lines(longest));
        Wasi::new(&grants).unwrap_err().to_string()
    };
    assert!(problem(4).starts_with("stderr.lines: this host has no callback for lines"), "{}", problem(4));
    assert_eq!(problem(3), "stderr.lines: a longest line of 3 bytes is too short; write 4 or more");
}
