//! `AllocatorProtocol`: by which exports a guest lets its host allocate in its memory, as data.

/// By which exports a guest lets its host allocate in its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AllocatorProtocol {
    /// Two functions, such as `alloc` and `dealloc`.
    AllocDealloc(AllocDealloc),
    /// One function as the component model has it, `cabi_realloc`.
    CabiRealloc(CabiRealloc),
}

/// Two exports, one that allocates and one that frees.
///
/// Which arguments they take is told from their types: `alloc(size)` or `alloc(size, align)`, which give an address;
/// `dealloc(address)`, `dealloc(address, size)` or `dealloc(address, size, align)`, which give nothing. All are `i32`, or
/// `i64` where the memory is of 64 bits. Address 0 means that there is no room.
///
/// The default is `alloc` and `dealloc`. C has `AllocDealloc::new("malloc", "free")`, wasm-bindgen
/// `AllocDealloc::new("__wbindgen_malloc", "__wbindgen_free")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocDealloc {
    pub(super) alloc: String,
    pub(super) dealloc: String,
}

/// The export `cabi_realloc(old_address, old_size, align, new_size)`, which gives an address.
///
/// Bindings for the component model export it. The canonical ABI only allocates and enlarges with it; it never frees: what
/// the host allocates is the guest's from then on. So [`CabiFree::Never`] is the default, and others are for guests whose
/// author says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CabiRealloc {
    pub(super) realloc: String,
    pub(super) free: CabiFree,
}

/// How that which `cabi_realloc` allocated is freed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CabiFree {
    /// Not by the host: the guest owns it, as in the canonical ABI. Dropping an [`Allocation`](crate::Allocation) then
    /// does nothing.
    #[default]
    Never,
    /// By an export of this name, which takes `(address)`, `(address, size)` or `(address, size, align)`. What has no size
    /// was never allocated, and is not freed.
    Export(String),
    /// By `cabi_realloc(address, size, align, 0)`. Only for guests that are written for it: of the usual bindings, those
    /// for C keep the memory, and Rust's forbid it, which a debug build checks and a release build does not.
    Realloc,
}

impl AllocDealloc {
    /// The exports of these names.
    pub fn new(alloc: impl Into<String>, dealloc: impl Into<String>) -> AllocDealloc {
        AllocDealloc { alloc: alloc.into(), dealloc: dealloc.into() }
    }
}

impl Default for AllocDealloc {
    fn default() -> AllocDealloc {
        AllocDealloc::new("alloc", "dealloc")
    }
}

impl CabiRealloc {
    /// The export `cabi_realloc`, and what it allocates is freed so.
    pub fn new(free: CabiFree) -> CabiRealloc {
        CabiRealloc { realloc: "cabi_realloc".to_owned(), free }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(self, realloc: impl Into<String>) -> CabiRealloc {
        CabiRealloc { realloc: realloc.into(), ..self }
    }
}

impl Default for CabiRealloc {
    fn default() -> CabiRealloc {
        CabiRealloc::new(CabiFree::default())
    }
}

impl From<AllocDealloc> for AllocatorProtocol {
    fn from(names: AllocDealloc) -> AllocatorProtocol {
        AllocatorProtocol::AllocDealloc(names)
    }
}

impl From<CabiRealloc> for AllocatorProtocol {
    fn from(names: CabiRealloc) -> AllocatorProtocol {
        AllocatorProtocol::CabiRealloc(names)
    }
}
