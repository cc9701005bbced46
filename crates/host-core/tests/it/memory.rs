//! What a guest says about its memory, true or not.

use host_core::{FaultKind, MemoryAccess, MemoryError, Profile, exported_memory, guard, instance_memory};
use host_limits::Limits;
use wasmtime::{Caller, Memory, MemoryType, MemoryTypeBuilder, Module, Store};
use zerocopy::little_endian::{F32, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes};

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
    let error = MemoryError::NotMemory { name: "memory".into(), found: "func()".into() };
    assert_eq!(*fault.kind(), FaultKind::BadArgument(error));
    check_text(&fault);
}

#[test]
fn the_memory_of_an_instance_is_found_by_name() {
    let host = host();
    let mut store = host.store();
    let wat =
        r#"(module (memory (export "mem") 1) (data (i32.const 3) "abc") (table (export "table") 2 funcref))"#;
    let instance = host.linker.instantiate(&mut store, &host.module(wat)).unwrap();
    let memory = instance_memory(&mut store, &instance, "mem").unwrap();
    assert_eq!(memory.read_utf8(&store, 3u32, 3u32).unwrap(), "abc");

    let none = instance_memory(&mut store, &instance, "memory").unwrap_err();
    assert_eq!(none, MemoryError::NoExport { name: "memory".into() });
    let other = instance_memory(&mut store, &instance, "table").unwrap_err();
    assert!(matches!(&other, MemoryError::NotMemory { name, .. } if name == "table"));
    assert_eq!(
        other.to_string(),
        "the guest's export `table` is not a memory but table of 2 or more (ref null func)"
    );
}

#[test]
fn the_type_of_what_is_no_memory_is_printed_in_part() {
    let host = host();
    let mut store = host.store();
    let wat = format!(r#"(module (func (export "memory") (param {})))"#, "i32 ".repeat(900));
    let instance = host.linker.instantiate(&mut store, &host.module(&wat)).unwrap();
    let error = instance_memory(&mut store, &instance, "memory").unwrap_err();
    assert!(error.to_string().len() < 400, "{error}");
}

/// As a guest lays it out: 12 bytes, the last of which say nothing.
#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Point {
    x: F32,
    id: U32,
    tag: u8,
    padding: [u8; 3],
}

#[test]
fn host_functions_take_and_give_numbers_and_structs() {
    let mut host = host();
    // Takes a list of points; gives their number and the one with the largest `x`.
    host.linker
        .func_wrap(
            "env",
            "host_max",
            |mut caller: Caller<'_, Data>, address: u32, count: u32, result: u32| {
                let memory = exported_memory(&mut caller, "memory")?;
                let points = memory.read_slice::<Point>(&caller, address, count)?;
                let max = points.iter().max_by(|a, b| a.x.get().total_cmp(&b.x.get()));
                memory.write_number(&mut caller, result, points.len() as u16)?;
                if let Some(max) = max {
                    memory.write_struct(&mut caller, result.wrapping_add(2), max)?;
                }
                Ok(())
            },
        )
        .unwrap();
    let guest = |address: u32, count: u32, result: u32| {
        format!(
            r#"(module (import "env" "host_max" (func $max (param i32 i32 i32)))
                (memory (export "memory") 1)
                (data (i32.const 101) "\00\00\80\3f\01\00\00\00\07\00\00\00" "\00\00\00\40\02\00\00\00\08\00\00\00")
                (func (export "run") (result i32)
                    (call $max (i32.const {address}) (i32.const {count}) (i32.const {result}))
                    (i32.add (i32.load16_u (i32.const 201)) (i32.load (i32.const 207)))))"#
        )
    };
    // Two points, and the second's identifier is two.
    assert_eq!(host.run(&guest(101, 2, 201)).unwrap().value, 4);
    assert_eq!(host.run(&guest(101, 0, 201)).unwrap().value, 0);
    for (address, count, result) in [
        (101, u32::MAX, 201),
        (65_536 - 23, 2, 201),
        (u32::MAX, 1, 201),
        (101, 2, 65_535),
        (101, 2, 65_524),
        (101, 2, u32::MAX),
        (101, 2, u32::MAX - 1),
    ] {
        let fault = host.run(&guest(address, count, result)).unwrap_err();
        assert!(
            matches!(fault.kind(), FaultKind::BadArgument(MemoryError::OutOfBounds { size: 65536, .. })),
            "{fault:?}"
        );
        check_text(&fault);
    }
}

#[test]
fn numbers_are_little_endian_and_keep_every_bit() {
    let (mut store, memory) = (Store::<()>::default(), MemoryType::new(1, None));
    let memory = Memory::new(&mut store, memory).unwrap();
    memory.write_number(&mut store, 1u32, 0x0102_0304_u32).unwrap();
    assert_eq!(memory.read_bytes(&store, 1u32, 4u32).unwrap(), [4, 3, 2, 1]);
    assert_eq!(memory.read_number::<i8>(&store, 4u32).unwrap(), 1);
    assert_eq!(memory.read_number::<u16>(&store, 2u32).unwrap(), 0x0203);
    // A signalling NaN with a payload.
    memory.write_number(&mut store, 3u32, f64::from_bits(0x7ff4_0000_dead_beef)).unwrap();
    assert_eq!(memory.read_number::<f64>(&store, 3u32).unwrap().to_bits(), 0x7ff4_0000_dead_beef);
    memory.write_number(&mut store, 65_520u32, i128::MIN + 1).unwrap();
    assert_eq!(memory.read_number::<i128>(&store, 65_520u32).unwrap(), i128::MIN + 1);
    assert_eq!(memory.read_number::<u128>(&store, 65_520u32).unwrap(), 1 << 127 | 1);
    let error = memory.write_number(&mut store, 65_521u32, 0u128).unwrap_err();
    assert_eq!(error, MemoryError::OutOfBounds { address: 65_521, length: 16, size: 65_536 });
}

#[test]
fn a_count_that_overflows_is_out_of_bounds() {
    let mut store = Store::<()>::default();
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    for (count, length) in [(u64::MAX, u64::MAX), (1 << 61, u64::MAX), (8_193, 65_544)] {
        let error = memory.read_slice::<u64>(&store, 0u32, count).unwrap_err();
        assert_eq!(error, MemoryError::OutOfBounds { address: 0, length, size: 65_536 });
    }
    assert_eq!(memory.read_slice::<u64>(&store, 0u32, 8_192u32).unwrap().len(), 8_192);
    assert!(memory.read_slice::<u64>(&store, 65_536u32, 0u32).unwrap().is_empty());
}

#[test]
fn addresses_above_four_gibibytes() {
    const GIB: u64 = 1 << 30;
    let mut store = Store::<()>::default();
    // Reserved, not used: only the pages that are touched take memory.
    let wide = MemoryTypeBuilder::default().memory64(true).min(4 * GIB / 65_536 + 1).build().unwrap();
    let wide = Memory::new(&mut store, wide).unwrap();
    wide.write_bytes(&mut store, 4 * GIB + 3, b"far\0").unwrap();
    assert_eq!(wide.read_nul_terminated_utf8(&store, 4 * GIB + 3, 9u32).unwrap(), "far");
    assert_eq!(wide.read_bytes(&store, 3u32, 4u32).unwrap(), [0; 4], "not folded to 32 bits");
    let size = 4 * GIB + 65_536;
    let error = wide.read_number::<u16>(&store, size - 1).unwrap_err();
    assert_eq!(error, MemoryError::OutOfBounds { address: size - 1, length: 2, size });

    let narrow = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    narrow.write_bytes(&mut store, 3u32, b"near").unwrap();
    let error = narrow.read_bytes(&store, 4 * GIB + 3, 4u32).unwrap_err();
    assert_eq!(error, MemoryError::OutOfBounds { address: 4 * GIB + 3, length: 4, size: 65_536 });
}

#[test]
fn a_guest_of_64_bits_gives_addresses_of_64_bits() {
    let mut host = Host::with_profile(Profile::Development, Limits::untrusted());
    host.linker
        .func_wrap("env", "host_log64", |mut caller: Caller<'_, Data>, address: u64, length: u64| {
            let line =
                exported_memory(&mut caller, "memory")?.read_utf8(&caller, address, length)?.to_owned();
            caller.data_mut().lines.push(line);
            Ok(())
        })
        .unwrap();
    let guest = |address: u64, length: u64| {
        format!(
            r#"(module (import "env" "host_log64" (func $log (param i64 i64)))
                (memory (export "memory") i64 1) (data (i64.const 65531) "hello")
                (func (export "run") (result i32)
                    (call $log (i64.const {address}) (i64.const {length})) (i32.const 1)))"#
        )
    };
    let mut store = host.store();
    host.run_in(&mut store, &host.module(&guest(65_531, 5))).unwrap();
    assert_eq!(store.data().lines, ["hello"]);
    for (address, length) in [(u64::MAX, 1), (1, u64::MAX), (1 << 32 | 65_531, 5), (65_531, 1 << 32 | 5)] {
        let fault = host.run(&guest(address, length)).unwrap_err();
        let outside = MemoryError::OutOfBounds { address, length, size: 65_536 };
        assert_eq!(*fault.kind(), FaultKind::BadArgument(outside));
    }
}
