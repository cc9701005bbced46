//! What a guest says about its memory, true or not.

use host_core::{FaultKind, MemoryAccess, MemoryError, exported_memory, guard};
use host_limits::Limits;
use wasmtime::{Caller, Module};

use crate::{Data, Host, check_text};

fn host() -> Host {
    let mut host = Host::new(Limits::untrusted());
    host.linker.func_wrap("env", "host_random", || 1234).unwrap();
    host.linker
        .func_wrap("env", "host_fill", |mut caller: Caller<'_, Data>, address: u32, length: u32| {
            // What the host writes is its own; only where it goes is the guest's.
            let bytes = vec![b'.'; (length as usize).min(100)];
            exported_memory(&mut caller, "memory")?.write_bytes(&mut caller, address, &bytes)?;
            Ok(())
        })
        .unwrap();
    host
}

/// A guest with one page that gives `function` the arguments as they stand here.
fn guest(function: &str, address: i64, length: i64) -> String {
    format!(
        r#"(module (import "env" "{function}" (func $call (param i32 i32)))
            (memory (export "memory") 1) (data (i32.const 65531) "hello") (data (i32.const 8) "ok\ff")
            (func (export "run") (result i32)
                (call $call (i32.const {address}) (i32.const {length})) (i32.const 1)))"#
    )
}

#[test]
fn a_guest_built_from_rust_logs_a_line() {
    let host = host();
    let module = Module::new(&host.engine, fixtures::bytes("host-imports")).unwrap();
    let mut store = host.store();
    guard(&mut store, |store| {
        let instance = host.linker.instantiate(&mut *store, &module)?;
        instance.get_typed_func::<(), ()>(&mut *store, "run")?.call(store, ())
    })
    .unwrap();
    assert_eq!(store.data().lines, ["the host's random number is 1234"]);
}

#[test]
fn the_last_byte_of_the_memory_can_be_read_and_written() {
    let host = host();
    let (mut store, module) = (host.store(), host.module(&guest("host_log", 65531, 5)));
    host.run_in(&mut store, &module).unwrap();
    assert_eq!(store.data().lines, ["hello"]);
    host.run(&guest("host_fill", 65531, 5)).unwrap();
    host.run(&guest("host_log", 65536, 0)).unwrap();
}

#[test]
fn no_pointer_or_length_of_a_guest_hurts_its_host() {
    let host = host();
    for (address, length) in [
        (0xffff_ffff, 0xffff_ffff),
        (65530, 100),
        (65536, 1),
        (65537, 0),
        (0, 65537),
        (-1, 1),
        (1, -1),
        (i64::from(i32::MIN), 1),
        (1, i64::from(i32::MIN)),
        (0x7fff_ffff, 0x7fff_ffff),
    ] {
        let fault = host.run(&guest("host_log", address, length)).unwrap_err();
        // As the guest meant them: 32 bits without a sign.
        let unsigned = |number: i64| number as u64 & 0xffff_ffff;
        let (address, length) = (unsigned(address), unsigned(length));
        let outside = MemoryError::OutOfBounds { address, length, size: 65536 };
        assert_eq!(*fault.kind(), FaultKind::BadArgument(outside.clone()));
        assert_eq!(fault.kind().who(), "guest");
        assert!(fault.to_string().starts_with(&format!("guest: {outside}, in ")), "{fault}");
        check_text(&fault);
    }
    // The same host goes on.
    host.run(&guest("host_log", 65531, 5)).unwrap();
}

#[test]
fn a_write_that_does_not_fit_is_the_guests_fault_too() {
    let host = host();
    for (address, length) in [(65530, 100), (-1, 1), (0xffff_ffff, 0xffff_ffff)] {
        let fault = host.run(&guest("host_fill", address, length)).unwrap_err();
        assert!(
            matches!(fault.kind(), FaultKind::BadArgument(MemoryError::OutOfBounds { size: 65536, .. })),
            "{fault:?}"
        );
        check_text(&fault);
    }
}

#[test]
fn text_that_is_not_utf8_says_where_it_stops_being_so() {
    let fault = host().run(&guest("host_log", 8, 3)).unwrap_err();
    assert!(
        matches!(fault.kind(), FaultKind::BadArgument(MemoryError::Utf8 { address: 8, .. })),
        "{fault:?}"
    );
    let cause = std::error::Error::source(&fault).unwrap().to_string();
    assert!(cause.contains("from index 2"), "{cause}");
    check_text(&fault);
}

#[test]
fn an_export_named_memory_that_is_none() {
    let wat = r#"(module (import "env" "host_log" (func $log (param i32 i32)))
        (func (export "memory")) (func (export "run") (result i32)
            (call $log (i32.const 0) (i32.const 0)) (i32.const 1)))"#;
    let fault = host().run(wat).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::BadArgument(MemoryError::NoExport { name: "memory".into() }));
}
