//! The guests: those that `cargo xtask bench` builds, and small ones as text.

use std::path::{Path, PathBuf};

/// Bindings of the guest that echoes a string.
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        world: "echo",
        path: "guests/wit",
        exports: { default: async },
    });
}

/// A guest as `cargo xtask bench` builds it.
pub(crate) fn read(name: &str) -> Vec<u8> {
    let path = folder("bench-guests").join(format!("{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask bench` builds it first", path.display()))
}

/// The folder of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is in the project")
}

/// A folder of the main workspace's build directory.
pub(crate) fn folder(name: &str) -> PathBuf {
    root().join("target").join(name)
}

/// Components that differ in a custom section, so that every one is another to a cache.
pub(crate) fn distinct(name: &str, count: usize) -> impl Iterator<Item = Vec<u8>> {
    let guest = read(name);
    (0..count).map(move |number| {
        let number = format!("{number:06}");
        let mut wasm = guest.clone();
        // Section 0, its length, the length of its name, its name, what is in it.
        wasm.extend([0, 8, 1, b'n']);
        wasm.extend(number.bytes());
        wasm
    })
}

/// Gives back the bytes that it is given, from memory that is there: it never grows.
pub(crate) fn bytes_echo() -> Vec<u8> {
    text(
        r#"(module
            (memory (export "memory") 32)
            (func (export "alloc") (param i32) (result i32) (i32.const 65536))
            (func (export "dealloc") (param i32 i32))
            (func (export "process") (param i32 i32) (result i64)
                (i64.or
                    (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32))
                    (i64.extend_i32_u (local.get 1)))))"#,
    )
}

/// Calls the host a thousand times, and wants the numbers one after another.
pub(crate) fn calls_host() -> Vec<u8> {
    text(
        r#"(module
            (import "env" "next" (func $next (param i64) (result i64)))
            (func (export "run") (result i32) (local $value i64)
                (loop $again
                    (local.set $value (call $next (local.get $value)))
                    (br_if $again (i64.lt_u (local.get $value) (i64.const 1000))))
                (i32.const 0)))"#,
    )
}

/// Never ends.
pub(crate) fn spins() -> Vec<u8> {
    waits("", "(loop $again (br $again)) (i32.const 0)")
}

/// Asks WASI to wake it in a second.
pub(crate) fn sleeps() -> Vec<u8> {
    waits(
        r#"(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
            ;; A subscription to the monotonic clock: what it is for, its kind, the clock, how long, how exact, relative.
            (data (i32.const 16) "\01\00\00\00")
            (data (i32.const 24) "\00\ca\9a\3b\00\00\00\00")"#,
        "(call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))",
    )
}

/// Does so when it is called without anything, and when it is called with bytes.
fn waits(needs: &str, how: &str) -> Vec<u8> {
    text(&format!(
        r#"(module
            {needs}
            (memory (export "memory") 1)
            (func $run (export "run") (result i32) {how})
            (func (export "alloc") (param i32) (result i32) (i32.const 1024))
            (func (export "dealloc") (param i32 i32))
            (func (export "process") (param i32 i32) (result i64) (i64.extend_i32_u (call $run))))"#
    ))
}

/// As a compiler leaves it: a memory with data, a table, and a function that writes to its memory.
pub(crate) fn small() -> Vec<u8> {
    text(
        r#"(module
            (memory (export "memory") 17)
            (table 20 funcref)
            (elem (i32.const 1) $touch)
            (data (i32.const 1048576) "what the guest brings along")
            (func $touch (export "run") (result i32)
                (i32.store (i32.const 1048600) (i32.const 1))
                (i32.sub (i32.load (i32.const 1048600)) (i32.const 1))))"#,
    )
}

fn text(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the guest is right")
}
