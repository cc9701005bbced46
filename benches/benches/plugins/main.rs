//! A plugin that gives back the text it is given: what does a call cost, fresh or warm, and what a plugin at rest?
//!
//! The same job everywhere, at the same time. The floor is Wasmtime by hand, with the guards that `PluginHost` gives.

#![expect(clippy::print_stdout, reason = "a benchmark talks to the person who runs it")]

#[path = "../../../crates/limits/benches/limits/comparison.rs"]
mod comparison;

mod directory;
mod extism;
mod host;
mod idle;
mod raw;
mod threads;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use comparison::Comparison;
use criterion::Criterion;
use tokio::runtime::Runtime;

mod bindings {
    wasmtime::component::bindgen!({
        world: "echo",
        path: "guests/wit",
        exports: { default: async },
    });
}

fn main() {
    if idle::is_asked() {
        return idle::answer();
    }
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut tables = String::new();
    for (size, length) in [("16 B", 16), ("4 KiB", 4 << 10)] {
        fresh(&mut criterion, &mut tables, size, &"x".repeat(length));
        warm(&mut criterion, &mut tables, size, &"x".repeat(length));
    }
    criterion.final_summary();
    println!("{tables}");
    for (name, table) in [
        (threads::NAME, threads::table as fn() -> String),
        (directory::NAME, directory::table),
        (idle::NAME, idle::table),
    ] {
        if is_wanted(name) {
            println!("{}", table());
        }
    }
}

/// Each call has an instance, and where there is one a store, of its own.
fn fresh(criterion: &mut Criterion, tables: &mut String, size: &str, text: &str) {
    let runtime = runtime();
    let (raw, host, extism) = (raw::Raw::new(&guest()), host::Host::new(&guest()), extism::Extism::new());
    assert!(runtime.block_on(raw.fresh(text)) == text, "raw Wasmtime gave a wrong answer");
    assert!(runtime.block_on(host.typed(text)) == text, "PluginHost gave a wrong answer");
    assert!(runtime.block_on(host.untyped(text)) == text, "PluginHost gave a wrong answer");
    assert!(extism.fresh(text) == text, "Extism gave a wrong answer");

    let mut calls = Comparison::new(format!("a fresh call, {size}"));
    calls.add("raw Wasmtime with the same guards", || {
        black_box(runtime.block_on(raw.fresh(black_box(text))));
    });
    calls.add("PluginHost: call_typed and bindgen", || {
        black_box(runtime.block_on(host.typed(black_box(text))));
    });
    calls.add("PluginHost: call, by name", || {
        black_box(runtime.block_on(host.untyped(black_box(text))));
    });
    calls.add("Extism: plugin from a compiled one", || {
        black_box(extism.fresh(black_box(text)));
    });
    calls.measure(criterion, tables);
}

/// Each call has its limits anew, in an instance that is there already.
fn warm(criterion: &mut Criterion, tables: &mut String, size: &str, text: &str) {
    let runtime = runtime();
    let raw = raw::Raw::new(&guest());
    let mut raw = runtime.block_on(raw.kept());
    let mut extism = extism::Extism::new().kept();
    let host = host::Host::warm(&guest());
    for _ in 0..2 {
        assert!(runtime.block_on(host.typed(text)) == text, "PluginHost gave a wrong answer");
        assert!(runtime.block_on(host.untyped(text)) == text, "PluginHost gave a wrong answer");
    }
    assert!(runtime.block_on(raw.call(text)) == text, "raw Wasmtime gave a wrong answer");
    assert!(extism::call(&mut extism, text) == text, "Extism gave a wrong answer");

    let mut calls = Comparison::new(format!("a warm call, {size}"));
    calls.add("raw Wasmtime, limits set anew", || {
        black_box(runtime.block_on(raw.call(black_box(text))));
    });
    calls.add("PluginHost: call_typed and bindgen", || {
        black_box(runtime.block_on(host.typed(black_box(text))));
    });
    calls.add("PluginHost: call, by name", || {
        black_box(runtime.block_on(host.untyped(black_box(text))));
    });
    calls.add("Extism: plugin that is kept", || {
        black_box(extism::call(&mut extism, black_box(text)));
    });
    calls.measure(criterion, tables);
}

/// As criterion understands it: a benchmark is run if what the person typed is in its name.
fn is_wanted(name: &str) -> bool {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    filter.is_none_or(|filter| name.contains(&filter))
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime of this thread")
}

fn guest() -> Vec<u8> {
    std::fs::read(guest_path("component-echo")).expect("`cargo xtask bench` builds the guests first")
}

/// A guest as `cargo xtask bench` builds it.
fn guest_path(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join("target").join("bench-guests").join(format!("{name}.wasm"))
}

/// Components that differ in a custom section, so that every one is another to a cache.
fn distinct(count: usize) -> impl Iterator<Item = Vec<u8>> {
    let guest = guest();
    (0..count).map(move |number| {
        let number = format!("{number:06}");
        let mut wasm = guest.clone();
        // Section 0, its length, the length of its name, its name, what is in it.
        wasm.extend([0, 8, 1, b'n']);
        wasm.extend(number.bytes());
        wasm
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
