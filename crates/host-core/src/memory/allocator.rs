//! `Allocator`: lets the host allocate in a guest's memory through the guest's own functions.

use std::fmt;
use std::sync::Arc;

use wasmtime::{AsContext, AsContextMut, Caller, Instance, Memory, StoreContextMut};

use crate::memory::export::{self, Exports, InstanceExports};
use crate::memory::functions::{Functions, Request};
use crate::memory::{Allocation, AllocatorProtocol, MemoryAccess, MemoryError};

/// A guest's own allocator, called by the host: to hand the guest text or other bytes of any length.
///
/// Cheap to clone, so that it can be kept in the store's data. Each allocation and each freeing calls the guest, in a
/// store that should be armed and under [`guard`](crate::guard). What the guest's allocator gives is checked: an
/// address that is null, misaligned or not wholly inside the memory is a [`MemoryError`], carried by the
/// `wasmtime::Error` as a trap of the guest would be. That it does not overlap what the guest uses elsewhere is the
/// guest's own matter.
///
/// ```
/// use host_core::{AllocDealloc, Allocator};
/// use wasmtime::{Engine, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (memory (export "memory") 1)
///     (global $next (mut i32) (i32.const 1024))
///     (func (export "alloc") (param $size i32) (result i32)
///         (global.get $next)
///         (global.set $next (i32.add (global.get $next) (local.get $size))))
///     (func (export "dealloc") (param $address i32) (param $size i32))
///     (func (export "first") (param $address i32) (result i32) (i32.load8_u (local.get $address))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
///
/// let allocator = Allocator::find(&mut store, &instance, AllocDealloc::default())?;
/// let mut text = allocator.allocate_from(&mut store, b"hello")?;
/// let address = text.address() as u32; // a guest of 32 bits has no other addresses
/// let first = instance.get_typed_func::<u32, u32>(&mut text, "first")?;
/// assert_eq!(first.call(&mut text, address)?, u32::from(b'h'));
/// text.free()?; // or let it be dropped
/// # Ok::<(), wasmtime::Error>(())
/// ```
#[derive(Clone)]
pub struct Allocator {
    inner: Arc<Inner>,
}

struct Inner {
    memory: Memory,
    functions: Width,
}

/// By the width of the memory's addresses.
enum Width {
    Narrow(Functions<u32>),
    Wide(Functions<u64>),
}

impl Allocator {
    /// Finds the allocator that `instance` exports, for the memory that it exports as `memory`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::NoFunction`] or [`MemoryError::FunctionType`] if it does not export the functions of the protocol,
    /// and the errors of [`instance_memory`](crate::instance_memory).
    ///
    /// # Panics
    ///
    /// If the instance is of another store.
    pub fn find(
        store: impl AsContextMut,
        instance: &Instance,
        protocol: impl Into<AllocatorProtocol>,
    ) -> Result<Allocator, MemoryError> {
        Allocator::find_in(store, instance, "memory", protocol)
    }

    /// As [`find`](Allocator::find), for a memory that is exported under another name.
    ///
    /// # Errors
    ///
    /// As [`find`](Allocator::find).
    ///
    /// # Panics
    ///
    /// If the instance is of another store.
    pub fn find_in(
        store: impl AsContextMut,
        instance: &Instance,
        memory: &str,
        protocol: impl Into<AllocatorProtocol>,
    ) -> Result<Allocator, MemoryError> {
        resolve(&mut InstanceExports { store, instance }, memory, &protocol.into())
    }

    /// Finds the allocator of the guest that calls a host function, for the memory that it exports as `memory`.
    ///
    /// # Errors
    ///
    /// As [`find`](Allocator::find).
    pub fn of_caller<T: 'static>(
        caller: &mut Caller<'_, T>,
        protocol: impl Into<AllocatorProtocol>,
    ) -> Result<Allocator, MemoryError> {
        resolve(caller, "memory", &protocol.into())
    }

    /// The memory that it allocates in.
    pub fn memory(&self) -> Memory {
        self.inner.memory
    }

    /// Allocates `size` bytes at a multiple of `align`, a power of two; what they hold is not said.
    ///
    /// The [`Allocation`] frees them when it is dropped. For a sync store; an async one has
    /// [`with_allocation_async`](Allocator::with_allocation_async).
    ///
    /// # Errors
    ///
    /// What the guest trapped with. A [`MemoryError`], to be found by `downcast_ref`:
    /// [`NoRoom`](MemoryError::NoRoom), [`Misaligned`](MemoryError::Misaligned) or
    /// [`OutOfBounds`](MemoryError::OutOfBounds) for what the guest gave; [`TooLarge`](MemoryError::TooLarge) or
    /// [`Alignment`](MemoryError::Alignment) for what it was asked, and then it is not called.
    pub fn allocate<C: AsContextMut>(
        &self,
        mut store: C,
        size: impl Into<u64>,
        align: u32,
    ) -> wasmtime::Result<Allocation<'_, C>> {
        let request = request(size, align)?;
        let address = self.call(&mut store, request)?;
        Ok(Allocation::new(self, store, address, request))
    }

    /// Allocates room for `bytes` and copies them there, with no alignment.
    ///
    /// # Errors
    ///
    /// As [`allocate`](Allocator::allocate).
    pub fn allocate_from<C: AsContextMut>(
        &self,
        store: C,
        bytes: &[u8],
    ) -> wasmtime::Result<Allocation<'_, C>> {
        let mut allocation = self.allocate(store, bytes.len() as u64, 1)?;
        allocation.write(bytes)?;
        Ok(allocation)
    }

    /// Allocates as [`allocate`](Allocator::allocate), does `work` with the address, and frees.
    ///
    /// An error of `work` is a fault, after which the store is not used again: nothing is freed then, and nor is it if
    /// the future is dropped half-way. Errors after which the store goes on belong into `R`.
    ///
    /// # Errors
    ///
    /// Those of `allocate`, of `work`, and what the guest trapped with while it freed.
    pub async fn with_allocation_async<C: AsContextMut<Data: Send>, R>(
        &self,
        mut store: C,
        size: impl Into<u64>,
        align: u32,
        work: impl AsyncFnOnce(StoreContextMut<'_, C::Data>, u64) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        let request = request(size, align)?;
        let address = self.call_async(&mut store, request).await?;
        let value = work(store.as_context_mut(), address).await?;
        match &self.inner.functions {
            Width::Narrow(functions) => functions.free_async(&mut store, address, request).await?,
            Width::Wide(functions) => functions.free_async(&mut store, address, request).await?,
        }
        Ok(value)
    }

    /// Allocates room for `bytes`, copies them there and gives the address; they are the guest's from then on, which is to
    /// free them. In a sync store, [`allocate_from`](Allocator::allocate_from) and
    /// [`into_address`](Allocation::into_address) do the same.
    ///
    /// # Errors
    ///
    /// As [`allocate`](Allocator::allocate).
    pub async fn hand_over_async<C: AsContextMut<Data: Send>>(
        &self,
        mut store: C,
        bytes: &[u8],
    ) -> wasmtime::Result<u64> {
        let address = self.call_async(&mut store, request(bytes.len() as u64, 1)?).await?;
        self.inner.memory.write_bytes(&mut store, address, bytes)?;
        Ok(address)
    }

    fn call(&self, mut store: impl AsContextMut, request: Request) -> wasmtime::Result<u64> {
        let address = match &self.inner.functions {
            Width::Narrow(functions) => functions.allocate(&mut store, request)?,
            Width::Wide(functions) => functions.allocate(&mut store, request)?,
        };
        Ok(self.check(&store, address, request)?)
    }

    async fn call_async(
        &self,
        mut store: impl AsContextMut<Data: Send>,
        request: Request,
    ) -> wasmtime::Result<u64> {
        let address = match &self.inner.functions {
            Width::Narrow(functions) => functions.allocate_async(&mut store, request).await?,
            Width::Wide(functions) => functions.allocate_async(&mut store, request).await?,
        };
        Ok(self.check(&store, address, request)?)
    }

    /// Gives back the address, if what the guest gave is what was asked for.
    fn check(&self, store: &impl AsContext, address: u64, request: Request) -> Result<u64, MemoryError> {
        let Request { size, align } = request;
        if address == 0 && size > 0 {
            return Err(MemoryError::NoRoom { size });
        }
        if !address.is_multiple_of(u64::from(align)) {
            return Err(MemoryError::Misaligned { address, align });
        }
        self.inner.memory.read_bytes(store, address, size)?;
        Ok(address)
    }

    pub(super) fn free(
        &self,
        store: impl AsContextMut,
        address: u64,
        request: Request,
    ) -> wasmtime::Result<()> {
        match &self.inner.functions {
            Width::Narrow(functions) => functions.free(store, address, request),
            Width::Wide(functions) => functions.free(store, address, request),
        }
    }
}

impl fmt::Debug for Allocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allocator").field("memory", &self.inner.memory).finish_non_exhaustive()
    }
}

fn resolve(
    exports: &mut impl Exports,
    memory: &str,
    protocol: &AllocatorProtocol,
) -> Result<Allocator, MemoryError> {
    let memory = export::memory(exports, memory)?;
    let functions = if memory.ty(&*exports).is_64() {
        Width::Wide(Functions::find(exports, protocol)?)
    } else {
        Width::Narrow(Functions::find(exports, protocol)?)
    };
    Ok(Allocator { inner: Arc::new(Inner { memory, functions }) })
}

fn request(size: impl Into<u64>, align: u32) -> Result<Request, MemoryError> {
    if align.is_power_of_two() {
        Ok(Request { size: size.into(), align })
    } else {
        Err(MemoryError::Alignment { align })
    }
}
