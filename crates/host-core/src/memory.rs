//! Checked access to a guest's memory: a pointer and a length from a guest never panic the host.

use std::str::Utf8Error;

use wasmtime::{Caller, Memory, StoreContext, StoreContextMut};

/// Reads and writes of a guest's linear memory that check what the guest says.
///
/// An address or a length from a guest is a `u32` (cast the `i32` that WebAssembly gives with `as u32`), or a `u64` for
/// 64-bit memories. Sums that overflow and ranges past the end are a [`MemoryError`]; returned from a host function it
/// ends the guest's call, and counts as the guest's fault.
///
/// ```
/// use host_core::{MemoryAccess, exported_memory};
/// use wasmtime::{Caller, Engine, Linker};
///
/// let mut linker = Linker::<Vec<String>>::new(&Engine::default());
/// linker.func_wrap("env", "host_log", |mut caller: Caller<'_, Vec<String>>, address: u32, length: u32| {
///     let memory = exported_memory(&mut caller, "memory")?;
///     let line = memory.read_utf8(&caller, address, length)?.to_owned();
///     caller.data_mut().push(line);
///     Ok(())
/// })?;
/// # Ok::<(), wasmtime::Error>(())
/// ```
pub trait MemoryAccess {
    /// The `length` bytes at `address`, borrowed from the guest's memory.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if any of them lies outside.
    fn read_bytes<'a, T: 'static>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
        address: impl Into<u64>,
        length: impl Into<u64>,
    ) -> Result<&'a [u8], MemoryError>;

    /// The `length` bytes at `address` as UTF-8 text, borrowed from the guest's memory.
    ///
    /// # Errors
    ///
    /// As [`read_bytes`](MemoryAccess::read_bytes), and [`MemoryError::Utf8`] if they are not UTF-8.
    fn read_utf8<'a, T: 'static>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
        address: impl Into<u64>,
        length: impl Into<u64>,
    ) -> Result<&'a str, MemoryError> {
        let address = address.into();
        let bytes = self.read_bytes(store, address, length)?;
        std::str::from_utf8(bytes).map_err(|source| MemoryError::Utf8 { address, source })
    }

    /// Copies `bytes` into the guest's memory at `address`; nothing is written if they do not fit.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if any of them would lie outside.
    fn write_bytes<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
        address: impl Into<u64>,
        bytes: &[u8],
    ) -> Result<(), MemoryError>;
}

/// What a guest said about its memory is not so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The range reaches past the end of the memory.
    #[error("{length} bytes at address {address} are outside the guest's memory of {size} bytes")]
    OutOfBounds {
        /// Where the range starts.
        address: u64,
        /// Its length in bytes.
        length: u64,
        /// The size of the memory in bytes.
        size: u64,
    },
    /// The bytes are not UTF-8 text.
    #[error("the text at address {address} of the guest's memory is not UTF-8")]
    Utf8 {
        /// Where the text starts.
        address: u64,
        /// Where it stops being UTF-8.
        source: Utf8Error,
    },
    /// The guest has no memory of the name that the host function needs.
    #[error("the guest exports no memory named `{name}`; build it so that it does")]
    NoExport {
        /// The name that was looked for.
        name: String,
    },
}

/// The memory that the calling guest exports as `name`; most toolchains call it `memory`.
///
/// # Errors
///
/// [`MemoryError::NoExport`] if the guest exports no memory of that name.
pub fn exported_memory<T: 'static>(caller: &mut Caller<'_, T>, name: &str) -> Result<Memory, MemoryError> {
    caller
        .get_export(name)
        .and_then(wasmtime::Extern::into_memory)
        .ok_or_else(|| MemoryError::NoExport { name: name.into() })
}

impl MemoryAccess for Memory {
    fn read_bytes<'a, T: 'static>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
        address: impl Into<u64>,
        length: impl Into<u64>,
    ) -> Result<&'a [u8], MemoryError> {
        let (address, length) = (address.into(), length.into());
        let data = self.data(store);
        range(address, length).and_then(|range| data.get(range)).ok_or(MemoryError::OutOfBounds {
            address,
            length,
            size: data.len() as u64,
        })
    }

    fn write_bytes<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
        address: impl Into<u64>,
        bytes: &[u8],
    ) -> Result<(), MemoryError> {
        let (address, length) = (address.into(), bytes.len() as u64);
        let data = self.data_mut(store);
        let size = data.len() as u64;
        range(address, length)
            .and_then(|range| data.get_mut(range))
            .ok_or(MemoryError::OutOfBounds { address, length, size })?
            .copy_from_slice(bytes);
        Ok(())
    }
}

/// `None` where the sum or the host's address space overflows.
fn range(address: u64, length: u64) -> Option<std::ops::Range<usize>> {
    let end = address.checked_add(length)?;
    Some(usize::try_from(address).ok()?..usize::try_from(end).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::{Engine, MemoryType, Store};

    fn memory() -> (Store<()>, Memory) {
        let mut store = Store::new(&Engine::default(), ());
        let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
        (store, memory)
    }

    #[test]
    fn what_is_written_is_read() {
        let (mut store, memory) = memory();
        memory.write_bytes(&mut store, 65_531u32, b"hello").unwrap();
        assert_eq!(memory.read_bytes(&store, 65_531u32, 5u32).unwrap(), b"hello");
        assert_eq!(memory.read_utf8(&store, 65_531u32, 5u32).unwrap(), "hello");
        assert_eq!(memory.read_bytes(&store, 65_536u32, 0u32).unwrap(), b"");
    }

    #[test]
    fn no_pointer_or_length_panics() {
        let (mut store, memory) = memory();
        let edges = [0, 1, 65_535, 65_536, 65_537, u32::MAX as u64, u64::MAX - 1, u64::MAX];
        for address in edges {
            for length in edges {
                let inside = address.checked_add(length).is_some_and(|end| end <= 65_536);
                let read = memory.read_bytes(&store, address, length);
                assert_eq!(read.is_ok(), inside, "{address} {length}");
            }
            let written = memory.write_bytes(&mut store, address, b"ab");
            assert_eq!(written.is_ok(), address <= 65_534, "{address}");
        }
    }

    #[test]
    fn nothing_is_written_where_not_all_fits() {
        let (mut store, memory) = memory();
        let error = memory.write_bytes(&mut store, 65_535u32, b"ab").unwrap_err();
        assert_eq!(error, MemoryError::OutOfBounds { address: 65_535, length: 2, size: 65_536 });
        assert_eq!(memory.read_bytes(&store, 65_535u32, 1u32).unwrap(), [0]);
    }

    #[test]
    fn text_must_be_utf8() {
        let (mut store, memory) = memory();
        memory.write_bytes(&mut store, 8u32, b"ok\xff").unwrap();
        let error = memory.read_utf8(&store, 8u32, 3u32).unwrap_err();
        assert!(matches!(error, MemoryError::Utf8 { address: 8, .. }));
    }
}
