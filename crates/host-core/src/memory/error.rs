//! `MemoryError`: what a guest said about its memory, and why it does not hold.

use std::str::Utf8Error;

use crate::text::one_line;

/// What a guest said about its memory is not so.
///
/// Returned from a host function it ends the guest's call as [`FaultKind::BadArgument`](crate::FaultKind::BadArgument).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The range reaches past the end of the memory.
    #[error("{length} bytes at address {address} are outside the guest's memory of {size} bytes")]
    OutOfBounds {
        /// Where the range starts.
        address: u64,
        /// Its length in bytes; the largest `u64` if it is longer than that.
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
    /// The text does not end.
    #[error("the text at address {address} of the guest's memory has no NUL within {looked_at} bytes")]
    NoNul {
        /// Where the text starts.
        address: u64,
        /// How many bytes were looked at: as many as allowed, or up to the end of the memory.
        looked_at: u64,
    },
    /// The guest exports nothing of the name that is needed for its memory.
    #[error("the guest exports no memory named `{}`; build it so that it does", one_line(.name))]
    NoExport {
        /// The name that was looked for.
        name: String,
    },
    /// The guest exports something of that name, but no memory.
    #[error("the guest's export `{}` is not a memory but {found}", one_line(.name))]
    NotMemory {
        /// The name that was looked for.
        name: String,
        /// What it exports instead, such as `func(i32) -> i32`.
        found: String,
    },
    /// The memory is shared between threads, which may change it while it is read.
    #[error("the guest's memory `{}` is shared between threads; build it with a memory of its own", one_line(.name))]
    Shared {
        /// The name that was looked for.
        name: String,
    },
    /// The guest exports no allocator of that name.
    #[error("the guest exports no function named `{}` to allocate or free with; build it so that it does", one_line(.name))]
    NoFunction {
        /// The name that was looked for.
        name: String,
    },
    /// The guest's allocator has another type.
    #[error("the guest's `{}` should be {wanted}, but is {found}", one_line(.name))]
    FunctionType {
        /// The name of the export.
        name: String,
        /// The type, or types, that can be called.
        wanted: String,
        /// What the guest exports.
        found: String,
    },
    /// The guest's allocator has no room, and says so by address 0.
    #[error("the guest's allocator has no room for {size} bytes")]
    NoRoom {
        /// How many bytes were asked for.
        size: u64,
    },
    /// The guest's allocator gave an address that is not aligned.
    #[error("the guest's allocator gave address {address}, which is not aligned to {align} bytes")]
    Misaligned {
        /// The address that it gave.
        address: u64,
        /// The alignment that was asked for, in bytes.
        align: u32,
    },
    /// More was asked for than the guest's addresses can count.
    #[error("an allocation of {size} bytes is more than a guest of 32 bits can address")]
    TooLarge {
        /// How many bytes were asked for.
        size: u64,
    },
    /// An alignment was asked for that is none.
    #[error("an alignment of {align} was asked for, but alignments are powers of two")]
    Alignment {
        /// The alignment that was asked for.
        align: u32,
    },
    /// More bytes than the allocation holds.
    #[error("{length} bytes do not fit the allocation of {size} bytes")]
    Overrun {
        /// How many bytes were to be written.
        length: u64,
        /// The size of the allocation in bytes.
        size: u64,
    },
}
