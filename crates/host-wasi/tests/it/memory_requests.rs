//! How much one call may ask of the host: random bytes, lists of what to wait for, zeroes.

use host_wasi::{Access, Grants, Output, Wasi};
use wasmtime::component::{Component, Linker, ResourceTableError};
use wasmtime::{Module, Trap};
use wasmtime_wasi::p2::bindings::sync::Command;

use crate::command::{ENGINE, run_component, run_module, store};

/// Asks for BYTES random bytes of the kind KIND, without any room for them.
const RANDOM: &str = r#"(component
    (import "wasi:random/INTERFACE@0.2.0" (instance $random
        (export "FUNCTION" (func (param "len" u64) (result (list u8))))))
    (core module $memory-module
        (memory (export "memory") 64)
        (func (export "allocate") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
    (core instance $memory (instantiate $memory-module))
    (core func $get (canon lower (func $random "FUNCTION")
        (memory (core memory $memory "memory")) (realloc (core func $memory "allocate"))))
    (core module $main
        (import "host" "get" (func $get (param i64 i32)))
        (func (export "run") (result i32) (call $get (i64.const BYTES) (i32.const 0)) (i32.const 0)))
    (core instance $program (instantiate $main (with "host" (instance (export "get" (func $get))))))
    (func $run (result (result)) (canon lift (core func $program "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $command)))"#;

#[test]
fn gigabytes_of_randomness_are_refused() {
    for (interface, function) in [("random", "get-random-bytes"), ("insecure", "get-insecure-random-bytes")] {
        let run = |bytes: u64| {
            let text = RANDOM.replace("INTERFACE", interface).replace("FUNCTION", function);
            let component = Component::new(&ENGINE, text.replace("BYTES", &bytes.to_string())).unwrap();
            run_component(&component, Wasi::new(&Grants::default()).unwrap()).result
        };
        run(Wasi::DEFAULT_MAX_RANDOM).unwrap();
        for bytes in [Wasi::DEFAULT_MAX_RANDOM + 1, 8 << 30, u64::MAX >> 1] {
            let error = run(bytes).unwrap_err();
            assert!(error.root_cause().to_string().contains("exceeds limit"), "{function}: {error:?}");
        }
    }
}

/// Waits for COUNT timers at once, all of an hour.
const POLL: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1300)
    (func (export "_start")
        (local $at i32)
        (loop $next
            ;; The clock that only goes forward, one hour.
            (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const 1))
            (i64.store (i32.add (local.get $at) (i32.const 24)) (i64.const NANOSECONDS))
            (local.set $at (i32.add (local.get $at) (i32.const 48)))
            (br_if $next (i32.lt_u (local.get $at) (i32.mul (i32.const 48) (i32.const FILLED)))))
        (if (call $poll (i32.const 0) (i32.const 0x3000000) (i32.const COUNT) (i32.const 0)) (then unreachable))))"#;

fn poll(count: u32, nanoseconds: u64) -> wasmtime::Result<()> {
    let text = POLL
        .replace("COUNT", &count.to_string())
        .replace("FILLED", &count.min(1000).to_string())
        .replace("NANOSECONDS", &nanoseconds.to_string());
    run_module(&Module::new(&ENGINE, text).unwrap(), Wasi::new(&Grants::default()).unwrap()).result
}

/// Each of a list of a million is a timer in the host, and those are counted.
#[test]
fn a_module_that_waits_for_a_million_timers_is_stopped() {
    poll(10, 1).unwrap();
    let error = poll(1_000_000, 3_600_000_000_000).unwrap_err();
    let full = error.downcast_ref::<ResourceTableError>();
    assert!(matches!(full, Some(ResourceTableError::Full)), "{error:?}");
}

/// A list so long that it would not fit in the module's memory, and that nobody makes room for.
#[test]
fn a_list_that_is_not_there_is_not_made_room_for() {
    let error = poll(u32::MAX / 48, 1).unwrap_err();
    assert!(!error.is::<ResourceTableError>(), "{error:?}");
}

/// Waits for one timer, named COUNT times in one list.
const POLL_ONE: &str = r#"(component
    (import "wasi:io/poll@0.2.0" (instance $poll
        (export "pollable" (type $pollable (sub resource)))
        (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
        (alias outer 1 $pollable (type $own))
        (export "pollable" (type $given (eq $own)))
        (export "subscribe-duration" (func (param "when" u64) (result (own $given))))))
    (core module $memory-module
        (memory (export "memory") 1300)
        (func (export "allocate") (param i32 i32 i32 i32) (result i32) (i32.const 0x2800000)))
    (core instance $memory (instantiate $memory-module))
    (core func $subscribe (canon lower (func $clock "subscribe-duration")))
    (core func $poll (canon lower (func $poll "poll")
        (memory (core memory $memory "memory")) (realloc (core func $memory "allocate"))))
    (core module $main
        (import "memory" "memory" (memory 1))
        (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
        (import "host" "poll" (func $poll (param i32 i32 i32)))
        (func (export "run") (result i32)
            (i32.store (i32.const 16) (call $subscribe (i64.const 1)))
            ;; One copy of the handle, then as many as there are, and so on.
            (memory.copy (i32.const 20) (i32.const 16) (i32.const 4))
            (memory.copy (i32.const 24) (i32.const 16) (i32.const 8))
            FILL
            (call $poll (i32.const 16) (i32.const COUNT) (i32.const 0))
            ;; As many are ready as were named.
            (i32.ne (i32.load (i32.const 4)) (i32.const COUNT))))
    (core instance $program (instantiate $main
        (with "memory" (instance $memory))
        (with "host" (instance (export "subscribe" (func $subscribe)) (export "poll" (func $poll))))))
    (func $run (result (result)) (canon lift (core func $program "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $command)))"#;

fn poll_one(doublings: u32, lifted: usize) -> wasmtime::Result<()> {
    let fill: String = (4..=doublings + 1)
        .map(|power| {
            let bytes = 1u32 << power;
            format!("(memory.copy (i32.const {}) (i32.const 16) (i32.const {bytes}))", 16 + bytes)
        })
        .collect();
    let text = POLL_ONE.replace("FILL", &fill).replace("COUNT", &(1u32 << doublings).to_string());
    let component = Component::new(&ENGINE, text).unwrap();
    let mut store = store(Wasi::new(&Grants::default()).unwrap());
    store.set_fuel(u64::MAX).unwrap();
    store.set_hostcall_fuel(lifted);
    let mut linker = Linker::new(&ENGINE);
    host_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    let command = Command::instantiate(&mut store, &component, &linker).unwrap();
    command.wasi_cli_run().call_run(&mut store).map(|said| said.unwrap())
}

/// One handle can be named as often as there is memory; how much of that the host reads is bounded by the store.
#[test]
fn a_component_that_waits_for_one_timer_a_million_times_is_stopped() {
    poll_one(10, 1 << 20).unwrap();
    let error = poll_one(20, 1 << 20).unwrap_err();
    assert!(format!("{error:?}").contains("fuel"), "{error:?}");
}

/// Writes COUNT zeroes to standard output.
const ZEROES: &str = r#"(component
    (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
    (alias export $errors "error" (type $error))
    (import "wasi:io/streams@0.2.0" (instance $streams
        (export "output-stream" (type $stream (sub resource)))
        (alias outer 1 $error (type $failure))
        (type $kinds (variant (case "last-operation-failed" (own $failure)) (case "closed")))
        (export "stream-error" (type $stream-error (eq $kinds)))
        (export "[method]output-stream.FUNCTION" (func
            (param "self" (borrow $stream)) (param "len" u64) (result (result (error $stream-error)))))))
    (alias export $streams "output-stream" (type $stream))
    (import "wasi:cli/stdout@0.2.0" (instance $stdout
        (alias outer 1 $stream (type $own))
        (export "output-stream" (type $given (eq $own)))
        (export "get-stdout" (func (result (own $given))))))
    (core module $memory-module (memory (export "memory") 1))
    (core instance $memory (instantiate $memory-module))
    (core func $get (canon lower (func $stdout "get-stdout")))
    (core func $write (canon lower (func $streams "[method]output-stream.FUNCTION")
        (memory (core memory $memory "memory"))))
    (core module $main
        (import "host" "get" (func $get (result i32)))
        (import "host" "write" (func $write (param i32 i64 i32)))
        (func (export "run") (result i32)
            (call $write (call $get) (i64.const COUNT) (i32.const 64))
            (i32.const 0)))
    (core instance $program (instantiate $main
        (with "host" (instance (export "get" (func $get)) (export "write" (func $write))))))
    (func $run (result (result)) (canon lift (core func $program "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $command)))"#;

/// The host would have to hold them all before it writes the first.
#[test]
fn more_zeroes_than_a_write_may_have_are_refused() {
    for output in [Output::Capture(1 << 40), Output::Discard] {
        for function in ["write-zeroes", "blocking-write-zeroes-and-flush"] {
            let run = |count: u64| {
                let text = ZEROES.replace("FUNCTION", function).replace("COUNT", &count.to_string());
                let component = Component::new(&ENGINE, text).unwrap();
                let ended =
                    run_component(&component, Wasi::new(&Grants::default().stdout(output.clone())).unwrap());
                (ended.result.is_ok(), ended.wasi.stdout().len())
            };
            let kept = if matches!(output, Output::Capture(_)) { 4096 } else { 0 };
            assert_eq!(run(4096), (true, kept), "{output:?} {function}");
            for count in [1 << 20, 1 << 40, u64::MAX >> 1] {
                assert_eq!(run(count), (false, 0), "{output:?} {function}");
            }
        }
    }
}

/// Reads a file of a terabyte, all of it into a buffer that says it is so long.
#[test]
fn a_buffer_that_is_not_there_is_not_made_room_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::File::create(folder.path().join("huge")).unwrap().set_len(1 << 40).unwrap();
    let module = r#"(module
        (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 16) "huge")
        (data (i32.const 64) "\00\00\00\00\ff\ff\ff\ff")
        (func (export "_start")
            (if (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0)
                    (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0))
                (then unreachable))
            (if (call $read (i32.load (i32.const 0)) (i32.const 64) (i32.const 1) (i32.const 32))
                (then (return)))
            unreachable))"#;
    let module = Module::new(&ENGINE, module).unwrap();
    let grants = Grants::default().directory(folder.path(), "data", Access::ReadOnly);
    let result = run_module(&module, Wasi::new(&grants).unwrap()).result;
    // An error to the guest or its end: all that matters is that nothing was read.
    assert!(
        result.is_ok() || !matches!(result.unwrap_err().downcast_ref(), Some(Trap::UnreachableCodeReached))
    );
}
