//! Makes a component of a core module that uses WASI 0.1, in memory.
//!
//! The module is put, as it is, beside Wasmtime's adapter, which serves WASI 0.1 by calling WASI 0.2. What comes out runs
//! wherever components do, under the same grants.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::panic::catch_unwind;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER_NAME,
    WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR_ADAPTER,
};
use wasmparser::{BinaryReaderError, Encoding, ExternalKind, Parser, Payload};
use wit_component::ComponentEncoder;

/// The largest module that is taken: 1 GiB.
pub const MOST_MODULE: usize = 1 << 30;

/// The most that a module may say of its world, in all its `component-type` sections: 256 KiB. All of `wasi:cli` is a
/// tenth of that.
pub const MOST_WORLD: usize = 256 << 10;

/// Makes a component of `wasm`, a core module of WASI 0.1 in binary form.
///
/// A module that exports `_start` becomes a command, which exports `wasi:cli/run`. Any other is a reactor, and exports what the world
/// says that is embedded in it, in custom sections named `component-type`; a command may have a world as well. `_initialize`
/// of a reactor runs when the component is instantiated.
///
/// What is in the module is copied and not validated: that is done when the component is compiled. The result is
/// some 20 KiB larger than `wasm`, of which up to four copies are held meanwhile.
///
/// Programs in Go, and those linked with a C library of before 2023, may take the memory that the adapter has got itself for their
/// heap. The adapter then ends them with a trap, as a rule; run such a program as the module it is.
///
/// An exit code arrives as 0 or 1, which is all that a component of WASI 0.2 can say.
///
/// ```
/// use host_wasi::adapt::component_from_module;
///
/// let module = wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "_start")))"#)?;
/// let component = component_from_module(&module)?;
/// assert!(component_from_module(&component).unwrap_err().to_string().starts_with("this is a component already"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`AdaptError`] says what is wrong with the module, and what to do.
pub fn component_from_module(wasm: &[u8]) -> Result<Vec<u8>, AdaptError> {
    if wasm.len() > MOST_MODULE {
        return Err(AdaptError::TooLarge { size: wasm.len() });
    }
    let module = Module::read(wasm)?;
    module.check()?;
    // The encoder is made for what compilers make, and trusts it in places.
    catch_unwind(|| encode(wasm, module.adapter())).unwrap_or_else(|panic| Err(AdaptError::panicked(&*panic)))
}

fn encode(wasm: &[u8], adapter: &[u8]) -> Result<Vec<u8>, AdaptError> {
    let encoded = ComponentEncoder::default()
        .module(wasm)
        .and_then(|encoder| encoder.adapter(ADAPTER_NAME, adapter))
        .and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| AdaptError::Refused { reason: format!("{error:#}") })
}

/// What of a module decides how it is adapted.
#[derive(Default)]
struct Module {
    imports: BTreeSet<(String, String)>,
    exports_memory: bool,
    is_command: bool,
    /// The size of the embedded world in bytes; 0 if there is none.
    world: usize,
}

impl Module {
    fn read(wasm: &[u8]) -> Result<Module, AdaptError> {
        if !wasm.starts_with(b"\0asm") {
            return Err(AdaptError::NotWasm);
        }
        let mut module = Module::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::Version { encoding: Encoding::Component, .. } => return Err(AdaptError::Component),
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        module.imports.insert((import.module.to_owned(), import.name.to_owned()));
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        module.exports_memory |=
                            export.kind == ExternalKind::Memory && export.name == "memory";
                        module.is_command |= export.kind == ExternalKind::Func && export.name == "_start";
                    }
                }
                Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                    module.world = module.world.saturating_add(section.data().len());
                }
                _ => {}
            }
        }
        Ok(module)
    }

    fn adapter(&self) -> &'static [u8] {
        if self.is_command { COMMAND_ADAPTER } else { REACTOR_ADAPTER }
    }

    fn check(&self) -> Result<(), AdaptError> {
        if self.world > MOST_WORLD {
            return Err(AdaptError::WorldTooLarge { size: self.world });
        }
        let missing = self.missing()?;
        if !missing.is_empty() {
            return Err(AdaptError::Imports { missing });
        }
        if !self.is_command && self.world == 0 {
            return Err(AdaptError::NothingToCall);
        }
        let adapted = self.is_command || self.imports.iter().any(|(module, _)| module == ADAPTER_NAME);
        if adapted && !self.exports_memory {
            return Err(AdaptError::NoMemory);
        }
        Ok(())
    }

    /// The imports that nobody satisfies: of WASI 0.1 what the adapter lacks, and all others unless there is a world to
    /// say what they are.
    fn missing(&self) -> Result<Vec<String>, AdaptError> {
        let mut offered = BTreeSet::new();
        for payload in Parser::new(0).parse_all(self.adapter()) {
            if let Payload::ExportSection(exports) = payload? {
                for export in exports {
                    offered.insert(export?.name);
                }
            }
        }
        let is_missing = |module: &str, name: &str| match module {
            ADAPTER_NAME => !offered.contains(name),
            _ => self.world == 0,
        };
        let missing = self.imports.iter().filter(|(module, name)| is_missing(module, name));
        Ok(missing.map(|(module, name)| format!("{module}.{name}")).collect())
    }
}

/// Why a module does not become a component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdaptError {
    /// It is not WebAssembly in binary form.
    #[error("this is not a WebAssembly binary; give a core module (.wasm)")]
    NotWasm,
    /// It is a component.
    #[error("this is a component already; run it as it is")]
    Component,
    /// It is larger than [`MOST_MODULE`].
    #[error("a module of {size} bytes is not adapted; the most is {MOST_MODULE} bytes")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// It begins as a module does, but is cut off or damaged.
    #[error("this module is cut off or damaged; build or copy it again")]
    Malformed(#[source] BinaryReaderError),
    /// It needs what neither the adapter nor an embedded world has.
    #[error("{}", Missing(missing))]
    Imports {
        /// All of the imports, such as `env.host_log`, sorted.
        missing: Vec<String>,
    },
    /// WASI 0.1 reads and writes a memory that the module does not show.
    #[error(
        "the module exports no memory named `memory`, which WASI reads and writes; export the one it has"
    )]
    NoMemory,
    /// A reactor without a world.
    #[error(
        "the module exports neither `_start` nor says by an embedded world what else it exports, so that nothing of it could be \
         called as a component; build it as a command, or embed a world with `wasm-tools component embed`"
    )]
    NothingToCall,
    /// Its world is larger than [`MOST_WORLD`].
    #[error("the world embedded in the module takes {size} bytes; the most is {MOST_WORLD} bytes")]
    WorldTooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// The module does not fit its own world, or what WASI 0.1 says of the functions it imports.
    #[error(
        "the module fits neither WASI 0.1 nor a world embedded in it: {reason}; build it again with current tools"
    )]
    Refused {
        /// What the encoder of components says.
        reason: String,
    },
    /// The encoder of components gave up in the middle. Nothing else is harmed.
    #[error(
        "the encoder of components panicked on this module, which is likely made to do that: {message}; nothing else is harmed"
    )]
    Panicked {
        /// What it said.
        message: String,
    },
}

impl AdaptError {
    fn panicked(panic: &(dyn Any + Send)) -> AdaptError {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let message = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        AdaptError::Panicked { message: message.to_owned() }
    }
}

impl From<BinaryReaderError> for AdaptError {
    fn from(error: BinaryReaderError) -> AdaptError {
        AdaptError::Malformed(error)
    }
}

/// How many missing imports are told in text, and how much of each.
const TOLD: usize = 20;
const TOLD_OF_NAME: usize = 100;

struct Missing<'a>(&'a [String]);

impl fmt::Display for Missing<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Missing(missing) = self;
        let count = missing.len();
        let things = if count == 1 { "thing" } else { "things" };
        write!(formatter, "the module imports {count} {things} that WASI 0.1 does not have: ")?;
        for (index, name) in missing.iter().take(TOLD).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let name: String = name.chars().take(TOLD_OF_NAME).flat_map(char::escape_debug).collect();
            write!(formatter, "{comma}`{name}`")?;
        }
        if count > TOLD {
            write!(formatter, ", … and {} more", count - TOLD)?;
        }
        formatter.write_str("; ")?;
        if missing.iter().any(|name| name.starts_with("wasi_unstable.")) {
            return formatter
                .write_str("it was built for a draft of WASI 0.1: build it again for wasm32-wasip1");
        }
        formatter.write_str("embed a world that has them, or run it as a module in a host that does")
    }
}
