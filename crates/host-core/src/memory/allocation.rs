//! `Allocation`: what the host has allocated in a guest's memory, freed when it is dropped.

use std::fmt;
use std::thread;

use wasmtime::{AsContext, AsContextMut, StoreContext, StoreContextMut};

use crate::memory::functions::Request;
use crate::memory::{Allocator, MemoryAccess, MemoryError};
use crate::text::one_line;

/// What the host has allocated in a guest's memory; see [`Allocator`].
///
/// It holds the store, and is a store context itself: pass `&mut allocation` where Wasmtime takes one, such as to call
/// the function that gets the address.
///
/// Dropping it calls the guest's function that frees, and a failure is only logged, as an event of `tracing`: prefer
/// [`free`](Allocation::free). It is not called while a panic unwinds. After a fault the store is gone, so that there is
/// nothing to free: [`into_address`](Allocation::into_address) skips it.
#[must_use = "what is dropped is freed"]
pub struct Allocation<'a, C: AsContextMut> {
    allocator: &'a Allocator,
    store: C,
    address: u64,
    request: Request,
    owned: bool,
}

impl<'a, C: AsContextMut> Allocation<'a, C> {
    pub(super) fn new(
        allocator: &'a Allocator,
        store: C,
        address: u64,
        request: Request,
    ) -> Allocation<'a, C> {
        Allocation { allocator, store, address, request, owned: true }
    }

    /// Where it starts. In a memory of 32 bits it fits a `u32`. It may be 0 if nothing was allocated.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// How many bytes were asked for.
    pub fn size(&self) -> u64 {
        self.request.size
    }

    /// Copies `bytes` to its start.
    ///
    /// # Errors
    ///
    /// [`MemoryError::Overrun`] if they are more than it has; nothing is written then.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), MemoryError> {
        let (length, size) = (bytes.len() as u64, self.request.size);
        if length > size {
            return Err(MemoryError::Overrun { length, size });
        }
        self.allocator.memory().write_bytes(&mut self.store, self.address, bytes)
    }

    /// Its bytes as they are now.
    ///
    /// # Errors
    ///
    /// None as long as memories only grow, which they do.
    pub fn read(&self) -> Result<&[u8], MemoryError> {
        self.allocator.memory().read_bytes(&self.store, self.address, self.request.size)
    }

    /// Frees it by the guest's function.
    ///
    /// # Errors
    ///
    /// What the guest trapped with.
    pub fn free(mut self) -> wasmtime::Result<()> {
        self.release()
    }

    /// Leaves it to the guest, and gives the address.
    pub fn into_address(mut self) -> u64 {
        self.owned = false;
        self.address
    }

    fn release(&mut self) -> wasmtime::Result<()> {
        self.owned = false;
        self.allocator.free(&mut self.store, self.address, self.request)
    }
}

impl<C: AsContextMut> Drop for Allocation<'_, C> {
    fn drop(&mut self) {
        if !self.owned || thread::panicking() {
            return;
        }
        if let Err(error) = self.release() {
            tracing::debug!(
                address = self.address,
                size = self.request.size,
                error = one_line(&format!("{error:#}")),
                "a guest's allocation could not be freed"
            );
        }
    }
}

impl<C: AsContextMut> AsContext for Allocation<'_, C> {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        self.store.as_context()
    }
}

impl<C: AsContextMut> AsContextMut for Allocation<'_, C> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        self.store.as_context_mut()
    }
}

impl<C: AsContextMut> fmt::Debug for Allocation<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allocation")
            .field("address", &self.address)
            .field("size", &self.request.size)
            .finish_non_exhaustive()
    }
}
