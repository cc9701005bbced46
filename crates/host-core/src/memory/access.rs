//! Checked access to a guest's memory: an address and a length from a guest never panic the host.

use std::borrow::Cow;
use std::ffi::CStr;
use std::ops::Range;

use wasmtime::{AsContext, AsContextMut, Memory, StoreContext, StoreContextMut};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::memory::{MemoryError, Number};

/// Reads and writes of a guest's linear memory that check what the guest says.
///
/// An address or a length from a guest is a `u32` (cast the `i32` that WebAssembly gives with `as u32`), or a `u64` for
/// 64-bit memories. Sums that overflow and ranges past the end are a [`MemoryError`]; returned from a host function it
/// ends the guest's call, and counts as the guest's fault. Alignment does not matter.
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
///
/// # Panics
///
/// All of them, if the memory is of another store: that is the host's mistake and never the guest's.
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
        utf8(address, self.read_bytes(store, address, length)?)
    }

    /// The `length` bytes at `address` as text, in which what is not UTF-8 becomes `U+FFFD`; borrowed if all of it is.
    ///
    /// Where it is not, the text is up to three times as long as the bytes.
    ///
    /// # Errors
    ///
    /// As [`read_bytes`](MemoryAccess::read_bytes).
    fn read_utf8_lossy<'a, T: 'static>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
        address: impl Into<u64>,
        length: impl Into<u64>,
    ) -> Result<Cow<'a, str>, MemoryError> {
        Ok(String::from_utf8_lossy(self.read_bytes(store, address, length)?))
    }

    /// The bytes from `address` up to a NUL, as C writes strings; without the NUL.
    ///
    /// Looks at `at_most` bytes, the NUL included.
    ///
    /// # Errors
    ///
    /// [`MemoryError::NoNul`] if there is none among these, or before the end of the memory;
    /// [`MemoryError::OutOfBounds`] if `address` is outside.
    fn read_nul_terminated<'a, T: 'static>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
        address: impl Into<u64>,
        at_most: impl Into<u64>,
    ) -> Result<&'a [u8], MemoryError>;

    /// As [`read_nul_terminated`](MemoryAccess::read_nul_terminated), as UTF-8 text.
    ///
    /// # Errors
    ///
    /// As [`read_nul_terminated`](MemoryAccess::read_nul_terminated), and [`MemoryError::Utf8`] if they are not UTF-8.
    fn read_nul_terminated_utf8<'a, T: 'static>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
        address: impl Into<u64>,
        at_most: impl Into<u64>,
    ) -> Result<&'a str, MemoryError> {
        let address = address.into();
        utf8(address, self.read_nul_terminated(store, address, at_most)?)
    }

    /// The number at `address`: `memory.read_number::<u32>(&store, address)`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if any of its bytes lies outside.
    #[inline]
    fn read_number<N: Number>(
        &self,
        store: impl AsContext,
        address: impl Into<u64>,
    ) -> Result<N, MemoryError> {
        let mut number = N::Bytes::default();
        let bytes = number.as_mut();
        bytes.copy_from_slice(self.read_bytes(&store, address, bytes.len() as u64)?);
        Ok(N::from_bytes(number))
    }

    /// Writes `number` at `address`; nothing is written if it does not fit.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if any of its bytes would lie outside.
    #[inline]
    fn write_number<N: Number>(
        &self,
        mut store: impl AsContextMut,
        address: impl Into<u64>,
        number: N,
    ) -> Result<(), MemoryError> {
        self.write_bytes(&mut store, address, number.to_bytes().as_ref())
    }

    /// The plain struct at `address`: `memory.read_struct::<Point>(&store, address)`.
    ///
    /// A struct is plain if it derives `zerocopy::FromBytes` (of zerocopy 0.8) and is `#[repr(C)]`. Its bytes are taken
    /// as they lie in memory: give it the field types of `zerocopy::little_endian`, and it means the same on every host.
    /// Let it have the gaps that the guest's compiler leaves between fields, as fields of their own.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if any of its bytes lies outside.
    #[inline]
    fn read_struct<S: FromBytes>(
        &self,
        store: impl AsContext,
        address: impl Into<u64>,
    ) -> Result<S, MemoryError> {
        let bytes = self.read_bytes(&store, address, size_of::<S>() as u64)?;
        Ok(S::read_from_bytes(bytes).expect("these are as many bytes as the struct has"))
    }

    /// Writes a plain struct at `address`; nothing is written if it does not fit.
    ///
    /// A struct is plain if it derives `zerocopy::IntoBytes` and `zerocopy::Immutable`; see
    /// [`read_struct`](MemoryAccess::read_struct).
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if any of its bytes would lie outside.
    #[inline]
    fn write_struct<S: IntoBytes + Immutable>(
        &self,
        mut store: impl AsContextMut,
        address: impl Into<u64>,
        value: &S,
    ) -> Result<(), MemoryError> {
        self.write_bytes(&mut store, address, value.as_bytes())
    }

    /// A copy of the `count` plain structs, or plain numbers, that follow each other from `address` on.
    ///
    /// The copy is never larger than the guest's memory. Where the host must hold less than that, compare `count` first.
    /// A type of no size does not compile.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if any of them lies outside.
    fn read_slice<S: FromBytes>(
        &self,
        store: impl AsContext,
        address: impl Into<u64>,
        count: impl Into<u64>,
    ) -> Result<Vec<S>, MemoryError> {
        const { assert!(size_of::<S>() > 0, "a guest could ask for any number of what takes no memory") };
        // What overflows is longer than any memory, and refused there.
        let length = count.into().saturating_mul(size_of::<S>() as u64);
        let bytes = self.read_bytes(&store, address, length)?;
        let element = |bytes| S::read_from_bytes(bytes).expect("a chunk is as long as the struct");
        Ok(bytes.chunks_exact(size_of::<S>()).map(element).collect())
    }

    /// Writes plain structs, or plain numbers, one after the other from `address` on; nothing if not all fit.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if any of them would lie outside.
    fn write_slice<S: IntoBytes + Immutable>(
        &self,
        mut store: impl AsContextMut,
        address: impl Into<u64>,
        values: &[S],
    ) -> Result<(), MemoryError> {
        self.write_bytes(&mut store, address, values.as_bytes())
    }
}

impl MemoryAccess for Memory {
    #[inline]
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

    fn read_nul_terminated<'a, T: 'static>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
        address: impl Into<u64>,
        at_most: impl Into<u64>,
    ) -> Result<&'a [u8], MemoryError> {
        let (address, at_most) = (address.into(), at_most.into());
        let data = self.data(store);
        let size = data.len() as u64;
        let ahead = size.saturating_sub(address);
        let looked_at = at_most.min(ahead);
        let window = range(address, looked_at).and_then(|range| data.get(range)).filter(|_| ahead > 0);
        let window = window.ok_or(MemoryError::OutOfBounds { address, length: 1, size })?;
        match CStr::from_bytes_until_nul(window) {
            Ok(text) => Ok(text.to_bytes()),
            Err(_) => Err(MemoryError::NoNul { address, looked_at }),
        }
    }

    #[inline]
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
#[inline]
fn range(address: u64, length: u64) -> Option<Range<usize>> {
    let end = address.checked_add(length)?;
    Some(usize::try_from(address).ok()?..usize::try_from(end).ok()?)
}

fn utf8(address: u64, bytes: &[u8]) -> Result<&str, MemoryError> {
    std::str::from_utf8(bytes).map_err(|source| MemoryError::Utf8 { address, source })
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
}
