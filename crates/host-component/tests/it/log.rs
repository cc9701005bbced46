//! The guest writes, the host decides how much is kept.

use std::sync::{Arc, Mutex};

use host_component::log::{self, LINE_COST, Log};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

/// `say(times, length)` logs that many lines of that many x.
pub(crate) const CHATTY: &str = r#"
(component
    (import "log" (func $log (param "msg" string)))
    (core module $libc
        (memory (export "memory") 64)
        (func $start (memory.fill (i32.const 0) (i32.const 120) (i32.const 4194304)))
        (start $start))
    (core instance $libc (instantiate $libc))
    (core func $log (canon lower (func $log) (memory (core memory $libc "memory"))))
    (core module $m
        (import "host" "log" (func $log (param i32 i32)))
        (func (export "say") (param $times i32) (param $length i32)
            (loop $again
                (if (local.get $times) (then
                    (call $log (i32.const 0) (local.get $length))
                    (local.set $times (i32.sub (local.get $times) (i32.const 1)))
                    (br $again))))))
    (core instance $i (instantiate $m (with "host" (instance (export "log" (func $log))))))
    (func (export "say") (param "times" u32) (param "length" u32) (canon lift (core func $i "say"))))
"#;

/// What is left in `log` after the guest has said `times` lines of `length`.
fn said(log: Log, times: u32, length: u32) -> Log {
    let engine = Engine::default();
    let component = Component::new(&engine, CHATTY).unwrap();
    let mut linker = Linker::new(&engine);
    log::add_to_linker(&mut linker).unwrap();
    let mut store = Store::new(&engine, log);
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let say = instance.get_typed_func::<(u32, u32), ()>(&mut store, "say").unwrap();
    say.call(&mut store, (times, length)).unwrap();
    store.into_data()
}

#[test]
fn lines_are_kept_in_order() {
    let log = said(Log::new(), 3, 4);
    assert_eq!(log.lines(), ["xxxx", "xxxx", "xxxx"]);
    assert_eq!((log.dropped().lines, log.dropped().bytes), (0, 0));
}

#[test]
fn a_flood_of_lines_is_counted_and_not_kept() {
    let log = said(Log::with_limit(1000), 100_000, 100);
    let fitting = 1000 / (100 + LINE_COST);
    assert_eq!(log.lines().len(), fitting);
    assert_eq!(log.dropped().lines, 100_000 - fitting as u64);
    assert_eq!(log.dropped().bytes, 100 * (100_000 - fitting as u64));
}

#[test]
fn empty_lines_are_not_free() {
    let log = said(Log::with_limit(1000), 100_000, 0);
    assert_eq!(log.lines().len(), 1000 / LINE_COST);
}

#[test]
fn a_huge_line_is_cut_where_it_is_taken() {
    let log = said(Log::with_limit(1000), 1, 4_000_000);
    assert!(log.lines().is_empty());
    assert_eq!((log.dropped().lines, log.dropped().bytes), (1, 4_000_000));
}

#[test]
fn what_is_dropped_leaves_no_gap() {
    let mut log = Log::with_limit(300);
    log.write("first");
    log.write(&"x".repeat(290));
    log.write("last");
    assert_eq!(log.lines(), ["first"]);
    assert_eq!(log.dropped().lines, 2);
    assert_eq!(log.drain(), ["first"]);
    log.write("again");
    assert_eq!(log.lines(), ["again"]);
    assert_eq!(log.dropped().lines, 0);
}

#[test]
fn a_line_is_cut_between_characters() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let mut log = Log::with_limit(5).to(move |line| sink.lock().unwrap().push(line.to_owned()));
    log.write("ßßß");
    assert_eq!(*seen.lock().unwrap(), ["ßß"]);
}

#[test]
fn lines_are_forwarded_also_when_they_are_not_kept() {
    let count = Arc::new(Mutex::new((0_u32, 0_usize)));
    let sink = Arc::clone(&count);
    let log = Log::with_limit(1000).to(move |line| {
        let mut count = sink.lock().unwrap();
        *count = (count.0 + 1, count.1.max(line.len()));
    });
    said(log, 50, 2_000_000);
    assert_eq!(*count.lock().unwrap(), (50, 1000));
}

#[test]
fn a_pointer_out_of_the_guests_memory_ends_the_call_and_not_the_host() {
    let engine = Engine::default();
    let component = Component::new(&engine, CHATTY).unwrap();
    let mut linker = Linker::new(&engine);
    log::add_to_linker(&mut linker).unwrap();
    let mut store = Store::new(&engine, Log::new());
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let say = instance.get_typed_func::<(u32, u32), ()>(&mut store, "say").unwrap();
    assert!(say.call(&mut store, (1, u32::MAX)).is_err());
}
