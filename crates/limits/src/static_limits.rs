//! `StaticLimits`: bounds on code that are checked on its bytes, before anything is compiled.

mod code;
mod component;
mod component_types;
mod cost;
mod counter;
mod module;
mod operators;
mod proposal;
mod rejected;
mod scan;
mod types;

use serde::{Deserialize, Serialize};

pub use self::proposal::{ParseProposalError, Proposal, Proposals};
pub use self::rejected::{Rejected, StaticLimit};

use crate::Bytes;

/// How large and how intricate a module or a component may be, for the host to compile it.
///
/// Compiling cannot be interrupted, and takes far more time and memory than reading; [`check`](StaticLimits::check) reads
/// the bytes once, in time that grows with their number and nothing else. Counts are those of the whole file: the modules of a
/// component count together. Every field has a finite default, wide enough for what ordinary compilers make, a Python or
/// JavaScript engine in a component included.
///
/// ```
/// use host_limits::{StaticLimits, Rejected};
///
/// let limits = StaticLimits { functions: 1, ..StaticLimits::default() };
/// let wasm = wat::parse_str("(module (func) (func))")?;
/// let refused = limits.check(&wasm).unwrap_err();
/// assert!(matches!(refused, Rejected::Limit { allowed: 1, found: 2, .. }));
/// assert_eq!(StaticLimits::default().check(&wasm)?.functions, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StaticLimits {
    /// Bytes of the file. Default: 128 MiB; a Python engine with its library is some 40 MiB.
    pub size: Bytes,
    /// Functions that have a body. Default: 300,000. A hundred thousand empty ones take four seconds to compile.
    pub functions: u64,
    /// Bytes of the largest body. Default: 7,654,321 bytes, the most that engines agree to accept. The time to optimise a function
    /// may grow with the square of its size.
    pub function_size: Bytes,
    /// Local variables of one function, its parameters aside. Default: 50,000, the most that engines agree to accept.
    pub locals: u64,
    /// Local variables and parameters of all functions together. Default: 10,000,000, which take seconds to compile
    /// and can stand in a few kilobytes.
    pub total_locals: u64,
    /// Imports. Default: 20,000.
    pub imports: u64,
    /// Exports. Default: 100,000; some linkers export every function.
    pub exports: u64,
    /// Types, those inside of other types included. Default: 100,000.
    pub types: u64,
    /// Globals. Default: 100,000.
    pub globals: u64,
    /// Data segments. Default: 100,000, the most that engines agree to accept.
    pub data_segments: u64,
    /// Element segments. Default: 100,000, the most that engines agree to accept.
    pub element_segments: u64,
    /// Bytes of the memory images that active data segments make: for each memory from its lowest byte to its highest, gaps
    /// included, which two segments of a byte can make arbitrarily large. A segment whose offset is only known later counts with
    /// its length. Default: 256 MiB.
    pub image: Bytes,
    /// Bytes of memory that are there from the start: what all memories of one instantiation take together, or what the modules
    /// of the file declare together if that is more, for not all need be instantiated. Default: 256 MiB.
    pub memory: Bytes,
    /// Table elements that are there from the start, counted as `memory` is. Default: 1,000,000.
    pub table_elements: u64,
    /// How deep components, and types of components, stand in each other. A module alone has none. Default: 50; Wasmtime's
    /// own parser recurses here.
    pub nesting: u64,
    /// Core modules in a component. Default: 500.
    pub modules: u64,
    /// Instances that one instantiation makes, of modules and of components. In two kilobytes components can multiply to
    /// millions. What Wasmtime itself puts between two components is not counted. Default: 1,000.
    pub instances: u64,
    /// Memories that one instantiation makes. Default: 100.
    pub memories: u64,
    /// Tables that one instantiation makes. Default: 1,000.
    pub tables: u64,
    /// Bytes of the sections that name functions for backtraces. Default: 32 MiB.
    pub names: Bytes,
    /// The proposals beyond the first version of WebAssembly that code may use. Default: [`Proposals::default`]. Wasmtime finds
    /// some of them only while it compiles, after minutes.
    pub proposals: Proposals,
}

impl Default for StaticLimits {
    fn default() -> StaticLimits {
        StaticLimits {
            size: Bytes::mebi(128),
            functions: 300_000,
            function_size: Bytes::new(7_654_321),
            locals: 50_000,
            total_locals: 10_000_000,
            imports: 20_000,
            exports: 100_000,
            types: 100_000,
            globals: 100_000,
            data_segments: 100_000,
            element_segments: 100_000,
            image: Bytes::mebi(256),
            memory: Bytes::mebi(256),
            table_elements: 1_000_000,
            nesting: 50,
            modules: 500,
            instances: 1_000,
            memories: 100,
            tables: 1_000,
            names: Bytes::mebi(32),
            proposals: Proposals::default(),
        }
    }
}

/// What a file declares: one number for each counted field of [`StaticLimits`], and the proposals it uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is what the field of the same name in `StaticLimits` limits")]
pub struct Shape {
    pub size: Bytes,
    pub functions: u64,
    pub function_size: Bytes,
    pub locals: u64,
    pub total_locals: u64,
    pub imports: u64,
    pub exports: u64,
    pub types: u64,
    pub globals: u64,
    pub data_segments: u64,
    pub element_segments: u64,
    pub image: Bytes,
    pub memory: Bytes,
    pub table_elements: u64,
    pub nesting: u64,
    pub modules: u64,
    pub instances: u64,
    pub memories: u64,
    pub tables: u64,
    pub names: Bytes,
    pub proposals: Proposals,
}

impl StaticLimits {
    /// Tight limits for code nobody has read: 8 MiB, 20,000 functions, 64 MiB of memory from the start.
    pub fn untrusted() -> StaticLimits {
        StaticLimits {
            size: Bytes::mebi(8),
            functions: 20_000,
            function_size: Bytes::mebi(1),
            locals: 10_000,
            total_locals: 1_000_000,
            imports: 1_000,
            exports: 10_000,
            types: 10_000,
            globals: 10_000,
            data_segments: 10_000,
            element_segments: 10_000,
            image: Bytes::mebi(64),
            memory: Bytes::mebi(64),
            table_elements: 20_000,
            nesting: 10,
            modules: 50,
            instances: 100,
            memories: 10,
            tables: 50,
            names: Bytes::mebi(2),
            proposals: Proposals::default(),
        }
    }

    /// Wide limits for programs one chose: what Wasmtime itself accepts, up to 1 GiB, and every proposal.
    pub fn trusted() -> StaticLimits {
        StaticLimits {
            size: Bytes::gibi(1),
            functions: 1_000_000,
            function_size: Bytes::new(7_654_321),
            locals: 50_000,
            total_locals: 100_000_000,
            imports: 1_000_000,
            exports: 1_000_000,
            types: 1_000_000,
            globals: 1_000_000,
            data_segments: 100_000,
            element_segments: 100_000,
            image: Bytes::gibi(4),
            memory: Bytes::gibi(4),
            table_elements: 10_000_000,
            nesting: 100,
            modules: 1_000,
            instances: 1_000,
            memories: 1_000,
            tables: 1_000,
            names: Bytes::gibi(1),
            proposals: Proposals::all(),
        }
    }

    /// The tighter of each; of proposals, those that both allow.
    #[must_use]
    pub fn intersect(&self, other: &StaticLimits) -> StaticLimits {
        StaticLimits {
            size: self.size.min(other.size),
            functions: self.functions.min(other.functions),
            function_size: self.function_size.min(other.function_size),
            locals: self.locals.min(other.locals),
            total_locals: self.total_locals.min(other.total_locals),
            imports: self.imports.min(other.imports),
            exports: self.exports.min(other.exports),
            types: self.types.min(other.types),
            globals: self.globals.min(other.globals),
            data_segments: self.data_segments.min(other.data_segments),
            element_segments: self.element_segments.min(other.element_segments),
            image: self.image.min(other.image),
            memory: self.memory.min(other.memory),
            table_elements: self.table_elements.min(other.table_elements),
            nesting: self.nesting.min(other.nesting),
            modules: self.modules.min(other.modules),
            instances: self.instances.min(other.instances),
            memories: self.memories.min(other.memories),
            tables: self.tables.min(other.tables),
            names: self.names.min(other.names),
            proposals: self.proposals.intersect(other.proposals),
        }
    }

    /// Reads a module or a component in binary form once, and says what it declares, or what it has too much of.
    ///
    /// It is not validated: what passes may still be refused by Wasmtime.
    ///
    /// # Errors
    ///
    /// [`Rejected`]: the first limit that is exceeded, the first proposal that is not allowed, or what cannot be read, each
    /// with its offset in the file.
    pub fn check(&self, wasm: &[u8]) -> Result<Shape, Rejected> {
        scan::scan(self, wasm)
    }

    /// What the limit of this name allows.
    pub(crate) fn allowed(&self, limit: StaticLimit) -> u64 {
        match limit {
            StaticLimit::Size => self.size.get(),
            StaticLimit::Functions => self.functions,
            StaticLimit::FunctionSize => self.function_size.get(),
            StaticLimit::Locals => self.locals,
            StaticLimit::TotalLocals => self.total_locals,
            StaticLimit::Imports => self.imports,
            StaticLimit::Exports => self.exports,
            StaticLimit::Types => self.types,
            StaticLimit::Globals => self.globals,
            StaticLimit::DataSegments => self.data_segments,
            StaticLimit::ElementSegments => self.element_segments,
            StaticLimit::Image => self.image.get(),
            StaticLimit::Memory => self.memory.get(),
            StaticLimit::TableElements => self.table_elements,
            StaticLimit::Nesting => self.nesting,
            StaticLimit::Modules => self.modules,
            StaticLimit::Instances => self.instances,
            StaticLimit::Memories => self.memories,
            StaticLimit::Tables => self.tables,
            StaticLimit::Names => self.names.get(),
        }
    }
}
