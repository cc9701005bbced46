//! Why did it stop? A match over the kinds of faults and of traps, for guests that end in different ways.
//!
//! Not every error of a call is a trap: budgets and the host's own errors are told apart too.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_core::{Fault, FaultKind, Profile, guard};
use host_limits::{Exceeded, Limits, Meter, Ticker, arm};
use wasmtime::{Engine, Linker, Module, Store, Trap};

const GUESTS: [(&str, &str, &str); 6] = [
    ("gives up", "unreachable", "its code"),
    ("reads past its memory", "(drop (i32.load (i32.const 65536)))", "its memory"),
    ("divides by zero", "(drop (i32.div_s (i32.const 1) (i32.const 0)))", "its arithmetic"),
    ("recurses", "(call $run)", "its stack"),
    ("spins", "(loop (br 0))", "its fuel"),
    ("asks a host that fails", "(call $fail)", "us"),
];

/// Whom to talk to.
fn blame(fault: &Fault) -> &'static str {
    match fault.kind() {
        FaultKind::Trap(Trap::UnreachableCodeReached) => "its code",
        FaultKind::Trap(Trap::MemoryOutOfBounds) | FaultKind::BadArgument(_) => "its memory",
        FaultKind::Trap(Trap::IntegerDivisionByZero | Trap::IntegerOverflow) => "its arithmetic",
        FaultKind::Trap(_) => "its code, in another way",
        FaultKind::Budget(Exceeded::Stack { .. }) => "its stack",
        FaultKind::Budget(Exceeded::Fuel { .. }) => "its fuel",
        FaultKind::Budget(_) => "another budget",
        FaultKind::Panic(_) | FaultKind::Host => "us",
        _ => "something newer than this example",
    }
}

fn main() -> wasmtime::Result<()> {
    let limits = Limits { fuel: Some(10_000_000), ..Limits::untrusted() };
    let engine = Engine::new(limits.configure(&mut Profile::Untrusted.config()))?;
    let ticker = Ticker::start(&engine)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "fail", || Err::<(), _>(std::io::Error::other("disk full").into()))?;

    for (name, body, expected) in GUESTS {
        let module = Module::new(
            &engine,
            format!(
                r#"(module (import "host" "fail" (func $fail)) (memory 1) (func $run (export "run") {body}))"#
            ),
        )?;
        let mut store = Store::new(&engine, Meter::new(limits.clone()));
        arm(&mut store, &ticker)?;
        let fault = guard(&mut store, |store| {
            let instance = linker.instantiate(&mut *store, &module)?;
            instance.get_typed_func::<(), ()>(&mut *store, "run")?.call(store, ())
        })
        .expect_err("none of these guests returns");
        println!("the guest that {name}: {fault} (blame {})", blame(&fault));
        assert_eq!(blame(&fault), expected, "{name}");
        if fault.kind().who() == "host" {
            assert!(fault.error().downcast_ref::<std::io::Error>().is_some());
        }
    }
    Ok(())
}
