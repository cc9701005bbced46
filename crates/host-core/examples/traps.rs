//! Why did it stop? A match over the kinds of faults and of traps, for guests that end in different ways.
//!
//! Not every error of a call is a trap: budgets, exits, denials and the host's own errors are told apart too.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_core::{Denied, Exit, Export, Fault, FaultKind, Profile, guard};
use host_limits::{Exceeded, Limits, Meter, Ticker, arm};
use wasmtime::{Engine, Linker, Module, Store, Trap};

const GUESTS: [(&str, &str, &str); 9] = [
    ("gives up", "unreachable", "its code"),
    ("reads past its memory", "(drop (i32.load (i32.const 65536)))", "its memory"),
    ("divides by zero", "(drop (i32.div_s (i32.const 1) (i32.const 0)))", "its arithmetic"),
    ("recurses", "(call $run)", "its stack"),
    ("spins", "(loop (br 0))", "its fuel"),
    ("asks a host that fails", "(call $fail)", "us"),
    ("asks the time", "(call $time)", "its policy"),
    ("ends itself", "(call $exit (i32.const 3))", "nobody: exit code 3"),
    ("throws", "(throw $oops (i32.const 7))", "its exceptions"),
];

/// Whom to talk to.
fn blame(fault: &Fault) -> String {
    let whom = match fault.kind() {
        FaultKind::Trap(Trap::UnreachableCodeReached) => "its code",
        FaultKind::Trap(Trap::MemoryOutOfBounds) | FaultKind::BadArgument(_) => "its memory",
        FaultKind::Trap(Trap::IntegerDivisionByZero | Trap::IntegerOverflow) => "its arithmetic",
        FaultKind::Trap(_) => "its code, in another way",
        FaultKind::Budget(Exceeded::Stack { .. }) => "its stack",
        FaultKind::Budget(Exceeded::Fuel { .. }) => "its fuel",
        FaultKind::Budget(_) => "another budget",
        FaultKind::Exception(_) => "its exceptions",
        FaultKind::Denied(_) => "its policy",
        FaultKind::Exit(code) => return format!("nobody: exit code {code}"),
        FaultKind::Panic(_) | FaultKind::Host | FaultKind::Busy(_) | FaultKind::Poisoned => "us",
        _ => "something newer than this example",
    };
    whom.to_owned()
}

fn main() -> wasmtime::Result<()> {
    let limits = Limits { fuel: Some(10_000_000), ..Limits::untrusted() };
    let engine = Engine::new(limits.configure(&mut Profile::Development.config()))?;
    let ticker = Ticker::start(&engine)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "fail", || Err::<(), _>(std::io::Error::other("disk full").into()))?;
    linker.func_wrap("host", "time", || Err::<(), _>(Denied::new("asking the time", "clocks").into()))?;
    linker.func_wrap("host", "exit", |code: i32| Err::<(), _>(Exit(code).into()))?;

    for (name, body, expected) in GUESTS {
        let module = Module::new(
            &engine,
            format!(
                r#"(module (import "host" "fail" (func $fail)) (import "host" "time" (func $time))
                    (import "host" "exit" (func $exit (param i32)))
                    (memory 1) (tag $oops (param i32)) (func $run (export "run") {body}))"#
            ),
        )?;
        let mut store = Store::new(&engine, Meter::new(limits.clone()));
        arm(&mut store, &ticker)?;
        let instance = guard(&mut store, |store| linker.instantiate(store, &module))?.value;
        let run = Export::<(), ()>::find(&mut store, &instance, "run")?;
        let fault = run.call(&mut store, ()).expect_err("none of these guests returns");
        println!("the guest that {name}: {fault} (blame {})", blame(&fault));
        assert_eq!(blame(&fault), expected, "{name}");
        if fault.kind().who() == "host" {
            assert!(fault.error().downcast_ref::<std::io::Error>().is_some());
        }
        // The same for machines.
        let json = serde_json::to_value(&fault).expect("a fault is plain data");
        assert_eq!(json["kind"], fault.kind().name());
    }
    Ok(())
}
