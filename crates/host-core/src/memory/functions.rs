//! The functions of a guest's allocator, with the types that they turned out to have.

use wasmtime::{AsContext, AsContextMut, Extern, Func, TypedFunc, WasmParams, WasmResults, WasmTy};

use crate::memory::export::{Exports, found};
use crate::memory::{AllocDealloc, AllocatorProtocol, CabiFree, CabiRealloc, MemoryError};

/// An address or a size in the guest: a `u32`, or a `u64` where its memory is of 64 bits.
pub(super) trait Pointer: WasmTy + Copy + Sync + From<u32> + Into<u64> + TryFrom<u64> {
    /// In WebAssembly's words.
    const NAME: &str;
}

impl Pointer for u32 {
    const NAME: &str = "i32";
}

impl Pointer for u64 {
    const NAME: &str = "i64";
}

/// What is allocated: bytes, and what their address is a multiple of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) size: u64,
    pub(super) align: u32,
}

pub(super) struct Functions<P> {
    allocate: Allocate<P>,
    free: Free<P>,
}

/// The fourth argument to `cabi_realloc` is the new size, the first two are nothing for what is new.
type Realloc<P> = TypedFunc<(P, P, P, P), P>;

enum Allocate<P> {
    Size(TypedFunc<P, P>),
    SizeAlign(TypedFunc<(P, P), P>),
    Realloc(Realloc<P>),
}

enum Free<P> {
    Never,
    Address(TypedFunc<P, ()>),
    AddressSize(TypedFunc<(P, P), ()>),
    AddressSizeAlign(TypedFunc<(P, P, P), ()>),
    Realloc(Realloc<P>),
}

impl<P: Pointer> Functions<P> {
    pub(super) fn find(
        exports: &mut impl Exports,
        protocol: &AllocatorProtocol,
    ) -> Result<Functions<P>, MemoryError> {
        match protocol {
            AllocatorProtocol::AllocDealloc(AllocDealloc { alloc, dealloc }) => Ok(Functions {
                allocate: Allocate::find(exports, alloc)?,
                free: Free::find(exports, dealloc)?,
            }),
            AllocatorProtocol::CabiRealloc(CabiRealloc { realloc, free }) => {
                let p = P::NAME;
                let realloc = Export::find(exports, realloc, || format!("func({p}, {p}, {p}, {p}) -> {p}"))?;
                let realloc: Realloc<P> = realloc.typed(exports).ok_or_else(|| realloc.mistyped(exports))?;
                let free = match free {
                    CabiFree::Never => Free::Never,
                    CabiFree::Export(name) => Free::find(exports, name)?,
                    CabiFree::Realloc => Free::Realloc(realloc.clone()),
                };
                Ok(Functions { allocate: Allocate::Realloc(realloc), free })
            }
        }
    }

    /// Calls the guest; what it answers is not checked yet.
    pub(super) fn allocate(&self, store: impl AsContextMut, request: Request) -> wasmtime::Result<u64> {
        let (size, align, none) = arguments::<P>(request)?;
        let address = match &self.allocate {
            Allocate::Size(func) => func.call(store, size)?,
            Allocate::SizeAlign(func) => func.call(store, (size, align))?,
            Allocate::Realloc(func) => func.call(store, (none, none, align, size))?,
        };
        Ok(address.into())
    }

    pub(super) async fn allocate_async(
        &self,
        store: impl AsContextMut<Data: Send>,
        request: Request,
    ) -> wasmtime::Result<u64> {
        let (size, align, none) = arguments::<P>(request)?;
        let address = match &self.allocate {
            Allocate::Size(func) => func.call_async(store, size).await?,
            Allocate::SizeAlign(func) => func.call_async(store, (size, align)).await?,
            Allocate::Realloc(func) => func.call_async(store, (none, none, align, size)).await?,
        };
        Ok(address.into())
    }

    pub(super) fn free(
        &self,
        store: impl AsContextMut,
        address: u64,
        request: Request,
    ) -> wasmtime::Result<()> {
        if self.nothing_to_free(address, request) {
            return Ok(());
        }
        let (size, align, none) = arguments::<P>(request)?;
        let address = pointer(address)?;
        match &self.free {
            Free::Never => Ok(()),
            Free::Address(func) => func.call(store, address),
            Free::AddressSize(func) => func.call(store, (address, size)),
            Free::AddressSizeAlign(func) => func.call(store, (address, size, align)),
            Free::Realloc(func) => func.call(store, (address, size, align, none)).map(|_| ()),
        }
    }

    pub(super) async fn free_async(
        &self,
        store: impl AsContextMut<Data: Send>,
        address: u64,
        request: Request,
    ) -> wasmtime::Result<()> {
        if self.nothing_to_free(address, request) {
            return Ok(());
        }
        let (size, align, none) = arguments::<P>(request)?;
        let address = pointer(address)?;
        match &self.free {
            Free::Never => Ok(()),
            Free::Address(func) => func.call_async(store, address).await,
            Free::AddressSize(func) => func.call_async(store, (address, size)).await,
            Free::AddressSizeAlign(func) => func.call_async(store, (address, size, align)).await,
            Free::Realloc(func) => func.call_async(store, (address, size, align, none)).await.map(|_| ()),
        }
    }

    /// An allocator may answer a request for nothing with 0, and `cabi_realloc` answers it with any aligned number.
    fn nothing_to_free(&self, address: u64, request: Request) -> bool {
        address == 0 || (request.size == 0 && matches!(self.allocate, Allocate::Realloc(_)))
    }
}

impl<P: Pointer> Allocate<P> {
    fn find(exports: &mut impl Exports, name: &str) -> Result<Allocate<P>, MemoryError> {
        let p = P::NAME;
        let export = Export::find(exports, name, || format!("func({p}) -> {p} or func({p}, {p}) -> {p}"))?;
        let found = match export.arity(exports) {
            1 => export.typed(exports).map(Allocate::Size),
            _ => export.typed(exports).map(Allocate::SizeAlign),
        };
        found.ok_or_else(|| export.mistyped(exports))
    }
}

impl<P: Pointer> Free<P> {
    fn find(exports: &mut impl Exports, name: &str) -> Result<Free<P>, MemoryError> {
        let p = P::NAME;
        let wanted = || format!("func({p}), func({p}, {p}) or func({p}, {p}, {p})");
        let export = Export::find(exports, name, wanted)?;
        let found = match export.arity(exports) {
            1 => export.typed(exports).map(Free::Address),
            2 => export.typed(exports).map(Free::AddressSize),
            _ => export.typed(exports).map(Free::AddressSizeAlign),
        };
        found.ok_or_else(|| export.mistyped(exports))
    }
}

/// A function that the guest exports, and what it should be.
struct Export<'a, W> {
    name: &'a str,
    func: Func,
    wanted: W,
}

impl<'a, W: Fn() -> String> Export<'a, W> {
    fn find(exports: &mut impl Exports, name: &'a str, wanted: W) -> Result<Export<'a, W>, MemoryError> {
        match exports.export(name) {
            Some(Extern::Func(func)) => Ok(Export { name, func, wanted }),
            Some(other) => Err(MemoryError::FunctionType {
                name: name.into(),
                wanted: wanted(),
                found: found(&other, exports),
            }),
            None => Err(MemoryError::NoFunction { name: name.into() }),
        }
    }

    /// How many parameters it has: what does not fit costs an error, with a backtrace where those are on.
    fn arity(&self, store: &impl AsContext) -> usize {
        self.func.ty(store).params().len()
    }

    fn typed<A: WasmParams, R: WasmResults>(&self, store: &impl AsContext) -> Option<TypedFunc<A, R>> {
        self.func.typed(store).ok()
    }

    fn mistyped(&self, store: &impl AsContext) -> MemoryError {
        MemoryError::FunctionType {
            name: self.name.into(),
            wanted: (self.wanted)(),
            found: found(&Extern::Func(self.func), store),
        }
    }
}

/// Size, alignment and nothing, as the guest takes them.
fn arguments<P: Pointer>(request: Request) -> Result<(P, P, P), MemoryError> {
    Ok((pointer(request.size)?, P::from(request.align), P::from(0)))
}

fn pointer<P: Pointer>(number: u64) -> Result<P, MemoryError> {
    P::try_from(number).map_err(|_| MemoryError::TooLarge { size: number })
}
