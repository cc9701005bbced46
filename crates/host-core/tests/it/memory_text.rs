//! Text in a guest's memory: UTF-8 or not, of a length or up to a NUL.

use std::borrow::Cow;

use host_core::{MemoryAccess, MemoryError};
use wasmtime::{Memory, MemoryType, Store};

fn memory() -> (Store<()>, Memory) {
    let mut store = Store::default();
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    (store, memory)
}

#[test]
fn text_must_be_utf8() {
    let (mut store, memory) = memory();
    memory.write_bytes(&mut store, 8u32, b"ok\xff").unwrap();
    let error = memory.read_utf8(&store, 8u32, 3u32).unwrap_err();
    assert!(matches!(error, MemoryError::Utf8 { address: 8, .. }));
}

#[test]
fn text_that_is_not_utf8_can_be_read_with_marks() {
    let (mut store, memory) = memory();
    memory.write_bytes(&mut store, 8u32, b"ok\xff").unwrap();
    assert!(matches!(memory.read_utf8_lossy(&store, 8u32, 2u32), Ok(Cow::Borrowed("ok"))));
    assert_eq!(memory.read_utf8_lossy(&store, 8u32, 3u32).unwrap(), "ok\u{fffd}");
}

#[test]
fn text_ends_at_its_nul() {
    let (mut store, memory) = memory();
    memory.write_bytes(&mut store, 0u32, b"hello\0world").unwrap();
    assert_eq!(memory.read_nul_terminated(&store, 0u32, 6u32).unwrap(), b"hello");
    assert_eq!(memory.read_nul_terminated(&store, 5u32, 1u32).unwrap(), b"");
    assert_eq!(memory.read_nul_terminated_utf8(&store, 6u32, u64::MAX).unwrap(), "world");
    for (at_most, looked_at) in [(0u32, 0), (4, 4), (5, 5)] {
        let error = memory.read_nul_terminated(&store, 0u32, at_most).unwrap_err();
        assert_eq!(error, MemoryError::NoNul { address: 0, looked_at });
    }
}

#[test]
fn text_without_nul_ends_with_the_memory() {
    let (mut store, memory) = memory();
    memory.write_bytes(&mut store, 65_534u32, b"ab").unwrap();
    let error = memory.read_nul_terminated(&store, 65_534u32, u32::MAX).unwrap_err();
    assert_eq!(error, MemoryError::NoNul { address: 65_534, looked_at: 2 });
    for address in [65_536, 65_537, u64::MAX] {
        let error = memory.read_nul_terminated(&store, address, u64::MAX).unwrap_err();
        assert_eq!(error, MemoryError::OutOfBounds { address, length: 1, size: 65_536 });
    }
}
