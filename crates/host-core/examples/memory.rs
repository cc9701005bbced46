//! The host reads, writes and grows a guest's memory.
//!
//! Where a slice of the memory would panic on an offset past its end, this gives an error.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_core::{MemoryAccess, MemoryError, Profile};
use host_limits::{Bytes, Limits, Meter, Ticker, arm, usage};
use wasmtime::{Engine, Linker, Module, Store};

const GUEST: &str = r#"(module
    (memory (export "memory") 1)
    (data (i32.const 16) "hello from the guest")
    (func (export "first") (param $address i32) (result i32) (i32.load8_u (local.get $address))))"#;

fn main() -> wasmtime::Result<()> {
    let limits = Limits { memory: Bytes::kibi(192), ..Limits::untrusted() };
    let engine = Engine::new(limits.configure(&mut Profile::Untrusted.config()))?;
    let ticker = Ticker::start(&engine)?;
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker)?;
    let instance = Linker::new(&engine).instantiate(&mut store, &Module::new(&engine, GUEST)?)?;
    let memory = instance.get_memory(&mut store, "memory").expect("the guest above exports it");

    // Read.
    let text = memory.read_utf8(&store, 16u32, 20u32)?;
    println!("the guest's memory says: {text}");
    assert_eq!(text, "hello from the guest");

    // Write, and let the guest read it.
    memory.write_bytes(&mut store, 1024u32, b"written by the host")?;
    let first = instance.get_typed_func::<u32, u32>(&mut store, "first")?;
    assert_eq!(first.call(&mut store, 1024)?, u32::from(b'w'));

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
