//! A guest that computes, under each kind of metering.

use criterion::Criterion;
use host_limits::{Meter, Ticker, arm};
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Engine, Store};

use crate::comparison::Comparison;

/// Each has a `run` that gives one number.
const TEXTS: [(&str, &str); 3] = [("sieve", SIEVE), ("hash", HASH), ("calls", CALLS)];

/// Counts the primes below thirty thousand, in memory that fits the processor's first cache: with more, two stores that run
/// the very same code differ by a fifth.
const SIEVE: &str = r#"(module (memory 2)
    (func (export "run") (result i32) (local $n i32) (local $m i32) (local $found i32)
        (memory.fill (i32.const 0) (i32.const 0) (i32.const 30000))
        (local.set $n (i32.const 2))
        (loop $next
            (if (i32.eqz (i32.load8_u (local.get $n))) (then
                (local.set $found (i32.add (local.get $found) (i32.const 1)))
                (local.set $m (i32.add (local.get $n) (local.get $n)))
                (block $done (loop $mark
                    (br_if $done (i32.ge_u (local.get $m) (i32.const 30000)))
                    (i32.store8 (local.get $m) (i32.const 1))
                    (local.set $m (i32.add (local.get $m) (local.get $n)))
                    (br $mark)))))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $n) (i32.const 30000))))
        (local.get $found)))"#;

/// An FNV-1a hash of a mebibyte.
const HASH: &str = r#"(module (memory 16)
    (func (export "run") (result i32) (local $at i32) (local $hash i32)
        (local.set $hash (i32.const 0x811c9dc5))
        (loop $next
            (local.set $hash (i32.mul
                (i32.xor (local.get $hash) (i32.load8_u (local.get $at))) (i32.const 0x01000193)))
            (br_if $next (i32.lt_u
                (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 1048576))))
        (local.get $hash)))"#;

/// Many calls of a small function.
const CALLS: &str = r#"(module
    (func $fib (param i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0)) (else (i32.add
            (call $fib (i32.sub (local.get 0) (i32.const 1)))
            (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "run") (result i32) (call $fib (i32.const 24))))"#;

/// What is on, besides the guest.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    /// The meter is asked about memory.
    limiter: bool,
    /// The store is armed: its meter is asked, and its deadline is looked at.
    epochs: bool,
    fuel: bool,
}

const KINDS: [Kind; 5] = [
    Kind { name: "unmetered", limiter: false, epochs: false, fuel: false },
    Kind { name: "limiter", limiter: true, epochs: false, fuel: false },
    Kind { name: "epochs", limiter: true, epochs: true, fuel: false },
    Kind { name: "fuel", limiter: true, epochs: false, fuel: true },
    Kind { name: "epochs+fuel", limiter: true, epochs: true, fuel: true },
];

impl Kind {
    fn engine(self) -> Engine {
        crate::engine(|config| _ = config.epoch_interruption(self.epochs).consume_fuel(self.fuel))
    }

    /// Adds `guest`, run over and over in a store of this kind.
    fn add<F: FnMut(&mut Store<Meter>) + 'static>(
        self,
        comparison: &mut Comparison<'_>,
        guest: impl FnOnce(&mut Store<Meter>) -> F,
    ) {
        let engine = self.engine();
        let ticker = Ticker::start(&engine).expect("there is a thread to be had");
        let mut store = Store::new(&engine, Meter::new(crate::limits(self.fuel)));
        if self.epochs {
            arm(&mut store, &ticker).expect("the engine can hold the limits");
        } else if self.limiter {
            store.limiter(|meter| meter);
        }
        let refuel = move |store: &mut Store<Meter>| {
            if self.fuel {
                store.set_fuel(u64::MAX).expect("the engine meters");
            }
        };
        refuel(&mut store);
        let mut run = guest(&mut store);
        comparison.add(self.name, move || {
            refuel(&mut store);
            run(&mut store);
        });
    }
}

pub(crate) fn measure(criterion: &mut Criterion, table: &mut String) {
    for (name, text) in TEXTS {
        let mut comparison = Comparison::new(name);
        for kind in KINDS {
            kind.add(&mut comparison, |store| {
                let run = crate::run(store, text);
                move |store| _ = run.call(store, ()).expect("the guest returns")
            });
        }
        comparison.measure(criterion, table);
    }
    let mut comparison = Comparison::new("compiled from Rust");
    for kind in KINDS {
        kind.add(&mut comparison, |store| {
            let process = shout(store);
            // What is beyond ASCII is looked up letter by letter.
            let text = "Der Fluß fließt über Kies. ".repeat(1_000);
            move |store| {
                let (answer,) = process.call(store, (text.clone(),)).expect("the guest returns");
                assert!(answer.expect("nothing is wrong with the text").starts_with("DER FLUSS"));
            }
        });
    }
    comparison.measure(criterion, table);
}

type Process = TypedFunc<(String,), (Result<String, String>,)>;

/// The plugin `shout`, compiled from Rust: turns a text into capitals.
fn shout(store: &mut Store<Meter>) -> Process {
    let component =
        Component::new(store.engine(), fixtures::bytes("plugins/shout")).expect("the guest is right");
    let mut linker = Linker::new(store.engine());
    linker.root().func_wrap("log", |_, (_,): (String,)| Ok(())).expect("there is no other `log`");
    linker.define_unknown_imports_as_traps(&component).expect("the imports can be named");
    let instance = linker.instantiate(&mut *store, &component).expect("nothing is missing");
    let api = instance.get_export_index(&mut *store, None, "my-org:my-plugin/plugin-api@0.1.0");
    let process = instance.get_export_index(&mut *store, api.as_ref(), "process").expect("a plugin has it");
    instance.get_typed_func(store, process).expect("its type is that of the world")
}
