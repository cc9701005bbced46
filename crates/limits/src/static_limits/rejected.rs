//! `Rejected`: why code is not compiled, and where the reason stands.

use std::fmt;

use super::Proposal;
use crate::Bytes;

/// Why code is not to be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It has more of something than the limits allow.
    #[error(
        "the code has {} {limit}, and {} are allowed (found at offset {offset:#x}); raise `{}` if it is to be trusted that far",
        limit.show(*found), limit.show(*allowed), limit.name()
    )]
    Limit {
        /// Of what.
        limit: StaticLimit,
        /// How much is allowed, in the unit of the limit.
        allowed: u64,
        /// How much there is, or how much of it there was when reading stopped.
        found: u64,
        /// Where in the file, in bytes.
        offset: u64,
    },
    /// One module or component of it has more of something, those that it only gives another number included, than Wasmtime
    /// accepts. No limit raises this.
    #[error(
        "one part of the code has more than {allowed} {of}, and Wasmtime accepts no more (found at offset {offset:#x})"
    )]
    IndexSpace {
        /// Of what: memories, modules or components.
        of: &'static str,
        /// How many there may be.
        allowed: u64,
        /// Where in the file, in bytes.
        offset: u64,
    },
    /// It uses a proposal that is not allowed.
    #[error("the code uses the proposal `{proposal}`, which is not allowed (found at offset {offset:#x})")]
    Proposal {
        /// Which.
        proposal: Proposal,
        /// Where in the file, in bytes.
        offset: u64,
    },
    /// It instantiates a component that it gets from elsewhere: an import, or an export of an instance. How many instances that
    /// makes cannot be told from reading. No compiler is known to make such code.
    #[error(
        "the code instantiates a component that it is given, so nothing bounds what one instantiation makes (found at offset {offset:#x})"
    )]
    Unbounded {
        /// Where in the file, in bytes.
        offset: u64,
    },
    /// It cannot be read as WebAssembly.
    #[error("the code is not valid WebAssembly: {message} (at offset {offset:#x})")]
    Malformed {
        /// What is wrong.
        message: String,
        /// Where in the file, in bytes.
        offset: u64,
    },
}

/// What of code is limited: the fields of [`StaticLimits`](crate::StaticLimits), but for the proposals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the field of the same name")]
pub enum StaticLimit {
    Size,
    Functions,
    FunctionSize,
    Locals,
    TotalLocals,
    Imports,
    Exports,
    Types,
    Globals,
    DataSegments,
    ElementSegments,
    Image,
    Memory,
    TableElements,
    Nesting,
    Modules,
    Instances,
    Memories,
    Tables,
    Names,
}

impl StaticLimit {
    /// The field, as it is written in a policy.
    pub fn name(self) -> &'static str {
        match self {
            StaticLimit::Size => "size",
            StaticLimit::Functions => "functions",
            StaticLimit::FunctionSize => "function-size",
            StaticLimit::Locals => "locals",
            StaticLimit::TotalLocals => "total-locals",
            StaticLimit::Imports => "imports",
            StaticLimit::Exports => "exports",
            StaticLimit::Types => "types",
            StaticLimit::Globals => "globals",
            StaticLimit::DataSegments => "data-segments",
            StaticLimit::ElementSegments => "element-segments",
            StaticLimit::Image => "image",
            StaticLimit::Memory => "memory",
            StaticLimit::TableElements => "table-elements",
            StaticLimit::Nesting => "nesting",
            StaticLimit::Modules => "modules",
            StaticLimit::Instances => "instances",
            StaticLimit::Memories => "memories",
            StaticLimit::Tables => "tables",
            StaticLimit::Names => "names",
        }
    }

    fn show(self, number: u64) -> String {
        match self {
            StaticLimit::Size
            | StaticLimit::FunctionSize
            | StaticLimit::Image
            | StaticLimit::Memory
            | StaticLimit::Names => Bytes::new(number).to_string(),
            _ => number.to_string(),
        }
    }
}

/// In words, after a number.
impl fmt::Display for StaticLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StaticLimit::Size => "in all",
            StaticLimit::FunctionSize => "in one function",
            StaticLimit::Locals => "locals in one function",
            StaticLimit::TotalLocals => "locals in all functions",
            StaticLimit::DataSegments => "data segments",
            StaticLimit::ElementSegments => "element segments",
            StaticLimit::Image => "of memory image",
            StaticLimit::Memory => "of memory from the start",
            StaticLimit::TableElements => "table elements from the start",
            StaticLimit::Nesting => "components or their types in one another",
            StaticLimit::Instances => "instances when it is instantiated",
            StaticLimit::Memories => "memories when it is instantiated",
            StaticLimit::Tables => "tables when it is instantiated",
            StaticLimit::Names => "of names",
            StaticLimit::Functions
            | StaticLimit::Imports
            | StaticLimit::Exports
            | StaticLimit::Types
            | StaticLimit::Globals
            | StaticLimit::Modules => self.name(),
        })
    }
}

impl From<wasmparser::Error> for Rejected {
    fn from(error: wasmparser::Error) -> Rejected {
        Rejected::Malformed { message: error.message().to_owned(), offset: error.offset() as u64 }
    }
}
