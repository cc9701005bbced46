//! The host reads, writes, grows and allocates in a guest's memory.
//!
//! Where a slice of the memory would panic on an offset past its end, this gives an error.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_core::{AllocDealloc, Allocator, MemoryAccess, MemoryError, Profile, guard, instance_memory};
use host_limits::{Bytes, Limits, Meter, Ticker, arm, usage};
use wasmtime::{Engine, Linker, Module, Store};
use zerocopy::FromBytes;
use zerocopy::little_endian::{F32, U32};

const GUEST: &str = r#"(module
    (memory (export "memory") 1)
    (data (i32.const 16) "hello from the guest\00")
    (data (i32.const 41) "\00\00\c0\3f" "\07\00\00\00")
    (func (export "first") (param $address i32) (result i32) (i32.load8_u (local.get $address)))
    ;; The simplest allocator: upwards from 32 KiB, and what was allocated last can be freed.
    (global $next (mut i32) (i32.const 32768))
    (func (export "alloc") (param $size i32) (result i32)
        (global.get $next)
        (global.set $next (i32.add (global.get $next) (local.get $size))))
    (func (export "dealloc") (param $address i32) (param $size i32)
        (global.set $next (local.get $address))))"#;

/// A struct as the guest has it, at any address. These field types are little-endian on every host, as guests are.
#[derive(FromBytes)]
#[repr(C)]
struct Reading {
    value: F32,
    sensor: U32,
}

fn main() -> wasmtime::Result<()> {
    let limits = Limits { memory: Bytes::kibi(192), ..Limits::untrusted() };
    let engine = Engine::new(limits.configure(&mut Profile::Untrusted.config()))?;
    let ticker = Ticker::start(&engine)?;
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker)?;
    let instance = Linker::new(&engine).instantiate(&mut store, &Module::new(&engine, GUEST)?)?;
    let memory = instance_memory(&mut store, &instance, "memory")?;

    // Read: text of a known length, text up to a NUL, a number, a struct.
    let text = memory.read_utf8(&store, 16u32, 20u32)?;
    println!("the guest's memory says: {text}");
    assert_eq!(text, "hello from the guest");
    assert_eq!(memory.read_nul_terminated_utf8(&store, 16u32, 100u32)?, text);
    assert_eq!(memory.read_number::<f32>(&store, 41u32)?, 1.5);
    let reading = memory.read_struct::<Reading>(&store, 41u32)?;
    println!("sensor {} measures {}", reading.sensor, reading.value);
    assert_eq!((reading.sensor.get(), reading.value.get()), (7, 1.5));

    // Write, and let the guest read it.
    memory.write_bytes(&mut store, 1024u32, b"written by the host")?;
    let first = instance.get_typed_func::<u32, u32>(&mut store, "first")?;
    assert_eq!(first.call(&mut store, 1024)?, u32::from(b'w'));

    // Allocate by the guest's own functions: where the text goes is its choice, and the host gives it back.
    let allocator = Allocator::find(&mut store, &instance, AllocDealloc::default())?;
    let outcome = guard(&mut store, |store| {
        let mut text = allocator.allocate_from(store, b"of any length")?;
        let address = text.address() as u32;
        println!("the guest made room for {} bytes at address {address}", text.size());
        let answer = first.call(&mut text, address)?;
        text.free()?; // or let it be dropped
        Ok(answer)
    })
    .map_err(wasmtime::Error::new)?;
    assert_eq!(outcome.value, u32::from(b'o'));

    // Size: in pages of 64 KiB, and in bytes.
    assert_eq!((memory.size(&store), memory.data_size(&store)), (1, 65_536));

    // Past the end: an error that says where, and nothing is written.
    let error = memory.write_bytes(&mut store, 65_530u32, b"too long").expect_err("two bytes too many");
    println!("{error}");
    assert_eq!(error, MemoryError::OutOfBounds { address: 65_530, length: 8, size: 65_536 });
    assert_eq!(memory.read_bytes(&store, 65_530u32, 6u32)?, [0; 6]);

    // Grow: gives the old size in pages; now it fits.
    assert_eq!(memory.grow(&mut store, 1)?, 1);
    memory.write_bytes(&mut store, 65_530u32, b"too long")?;
    assert_eq!((memory.size(&store), memory.data_size(&store)), (2, 131_072));

    // The store's budget holds for the host's growths as well: three pages, not four.
    assert!(memory.grow(&mut store, 2).is_err());
    let spent = usage(&mut store);
    println!("{} of memory in use, {} growth refused", spent.memory, spent.refusals);
    assert_eq!((spent.memory, spent.refusals), (Bytes::kibi(128), 1));
    Ok(())
}
