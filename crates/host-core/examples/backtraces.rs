//! Where did it stop? The guest's stack, with file and line from its own debug information.
//!
//! A profile for development reads debug information, one for production only names. Then the same for a debugger: a core dump.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_core::{EngineSettings, Fault, Profile, guard};
use host_limits::{Bytes, Limits, Meter, Ticker, arm};
use wasmtime::{Linker, Module, Store};

/// How the guest `backtrace` ends, which traps three functions deep, and the store that it leaves.
fn fault(profile: Profile) -> wasmtime::Result<(Store<Meter>, Fault)> {
    let limits = Limits::untrusted();
    let engine = EngineSettings { core_dumps: true, ..profile.settings() }.engine(&limits)?;
    let ticker = Ticker::start(&engine)?;
    let module = Module::from_file(&engine, fixtures::path("backtrace"))?;
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker)?;
    let result = guard(&mut store, |store| {
        let instance = Linker::new(&engine).instantiate(&mut *store, &module)?;
        instance.get_typed_func::<(), i32>(&mut *store, "run")?.call(store, ())
    });
    Ok((store, result.expect_err("the guest traps")))
}

fn main() -> wasmtime::Result<()> {
    for profile in [Profile::Development, Profile::Untrusted] {
        let (mut store, fault) = fault(profile)?;
        println!("{profile:?}: {fault:#}");
        for name in ["inner", "middle", "outer"] {
            let frame = fault
                .backtrace()
                .iter()
                .find(|frame| frame.function.as_deref().is_some_and(|function| function.ends_with(name)))
                .expect("the guest carries its names");
            assert_eq!(frame.line.is_some(), profile == Profile::Development);
            assert_eq!(frame.file.is_some(), profile == Profile::Development);
        }
        // `wasm-tools print` shows what is in it, as would `wasmgdb`.
        let path = std::env::temp_dir().join(format!("host-core-example-{}.coredump", std::process::id()));
        let size = fault.write_core_dump(&mut store, "backtrace.wasm", Bytes::mebi(16), &path)?;
        println!("A core dump of {size}: {}", path.display());
        assert!(size > Bytes::new(100));
        std::fs::remove_file(path)?;
    }
    Ok(())
}
