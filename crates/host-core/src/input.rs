//! `InputKind`: what some bytes are, told from their first few, before anything is compiled.

use std::fmt;

/// What WebAssembly comes as.
///
/// ```
/// use host_core::{InputError, InputKind};
///
/// let kind = InputKind::of(b"\0asm\x0d\0\x01\0")?;
/// assert_eq!(kind, InputKind::Component);
///
/// let error = kind.expect(InputKind::Module).unwrap_err();
/// assert!(error.to_string().starts_with("a core module is needed, but this is a component"));
/// # Ok::<(), InputError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputKind {
    /// A core module: `wasmtime::Module` takes it.
    Module,
    /// A component: `wasmtime::component::Component` takes it.
    Component,
}

impl InputKind {
    /// What `bytes` are, from the eight bytes of WebAssembly's header; what follows is not looked at, and only
    /// compiling tells whether it is valid.
    ///
    /// # Errors
    ///
    /// An [`InputError`] if they are no WebAssembly binary of a version that is known.
    pub fn of(bytes: &[u8]) -> Result<InputKind, InputError> {
        match bytes {
            [] => Err(InputError::Empty),
            [b'\0', b'a', b's', b'm', version, version_high, layer, layer_high, ..] => {
                let version = u16::from_le_bytes([*version, *version_high]);
                let layer = u16::from_le_bytes([*layer, *layer_high]);
                match (layer, version) {
                    (0, 1) => Ok(InputKind::Module),
                    (1, 13) => Ok(InputKind::Component),
                    _ => Err(InputError::UnknownVersion { version, layer }),
                }
            }
            short if short.starts_with(MAGIC) || MAGIC.starts_with(short) => {
                Err(InputError::Truncated { length: short.len() })
            }
            // What Wasmtime compiles is an ELF file with an operating system of its own.
            [0x7f, b'E', b'L', b'F', _, _, _, ELFOSABI_WASMTIME, ..] => Err(InputError::Precompiled),
            text if is_text(text) => Err(InputError::Text),
            other => Err(InputError::NotWasm { first: other[..other.len().min(FIRST)].to_vec() }),
        }
    }

    /// Refuses the kind that is not `wanted`.
    ///
    /// # Errors
    ///
    /// [`InputError::WrongKind`].
    pub fn expect(self, wanted: InputKind) -> Result<(), InputError> {
        if self == wanted { Ok(()) } else { Err(InputError::WrongKind { wanted, found: self }) }
    }
}

/// Reads as `core module` or `component`.
impl fmt::Display for InputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            InputKind::Module => "core module",
            InputKind::Component => "component",
        })
    }
}

/// Why bytes cannot be taken as a guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// There are no bytes.
    #[error("the input is empty; give a WebAssembly binary (.wasm)")]
    Empty,
    /// It ends within the header.
    #[error("the input ends after {length} of the 8 bytes of WebAssembly's header; build or copy it again")]
    Truncated {
        /// How many bytes there are.
        length: usize,
    },
    /// It does not begin as WebAssembly does.
    #[error("the input is not WebAssembly: it begins with \"{}\" instead of \"\\x00asm\"", .first.escape_ascii())]
    NotWasm {
        /// Its first bytes, eight or fewer.
        first: Vec<u8>,
    },
    /// WebAssembly in its text form.
    #[error("the input is WebAssembly text; make a binary of it first, with `wasm-tools parse` for example")]
    Text,
    /// A WebAssembly binary of another version.
    #[error(
        "the input is WebAssembly of unknown kind (version {version}, layer {layer}); known are core modules \
         (version 1, layer 0) and components (version 13, layer 1)"
    )]
    UnknownVersion {
        /// The version in its header.
        version: u16,
        /// The layer in its header: 0 for core modules, 1 for components.
        layer: u16,
    },
    /// Native code that Wasmtime compiled earlier. It cannot be checked, so loading it takes trust in where it comes
    /// from.
    #[error(
        "the input is precompiled native code, which nothing can check; give the WebAssembly it was made from, or \
         allow precompiled code where you trust its source"
    )]
    Precompiled,
    /// A core module where a component is needed, or the other way round.
    #[error("a {wanted} is needed, but this is a {found}; {}", remedy(*wanted))]
    WrongKind {
        /// What is needed.
        wanted: InputKind,
        /// What was given.
        found: InputKind,
    },
}

const MAGIC: &[u8] = b"\0asm";

/// How many bytes of a stranger an error shows.
const FIRST: usize = 8;

/// Wasmtime's number in the ELF header; it does not export it.
const ELFOSABI_WASMTIME: u8 = 200;

fn remedy(wanted: InputKind) -> &'static str {
    match wanted {
        InputKind::Module => "build the guest for wasm32-wasip1 or wasm32-unknown-unknown",
        InputKind::Component => {
            "build the guest for wasm32-wasip2, or make a component of it with `wasm-tools component new`"
        }
    }
}

/// Whether this is the text form: after white space and comments comes `(module` or `(component`.
fn is_text(bytes: &[u8]) -> bool {
    let mut rest = bytes.trim_ascii_start();
    while rest.starts_with(b";;") {
        let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        rest = rest[line..].trim_ascii_start();
    }
    let Some(inside) = rest.strip_prefix(b"(") else { return false };
    let inside = inside.trim_ascii_start();
    inside.starts_with(b"module") || inside.starts_with(b"component")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::Engine;

    #[test]
    fn what_wasmtime_compiles_is_told_from_its_first_bytes() {
        let engine = Engine::default();
        let module = engine.precompile_module(b"(module)").unwrap();
        let component = engine.precompile_component(b"(component)").unwrap();
        for compiled in [module, component] {
            assert_eq!(InputKind::of(&compiled), Err(InputError::Precompiled));
            assert_eq!(InputKind::of(&compiled[..8]), Err(InputError::Precompiled));
        }
        // A program of the host's is no guest, compiled or not.
        let program = b"\x7fELF\x02\x01\x01\0\0\0".to_vec();
        assert_eq!(InputKind::of(&program), Err(InputError::NotWasm { first: program[..8].to_vec() }));
    }

    #[test]
    fn every_header_is_something_and_nothing_panics() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut bytes = *b"\0asm\x01\0\0\0";
                bytes[place] = byte;
                for end in 0..=8 {
                    let known = end == 8 && bytes == *b"\0asm\x01\0\0\0";
                    assert_eq!(InputKind::of(&bytes[..end]) == Ok(InputKind::Module), known);
                }
            }
        }
    }

    #[test]
    fn text_is_recognised_behind_comments_only_where_it_is_text() {
        for text in ["(module)", " \n(component $c", ";; a (module\n;;\n ( module", "(module"] {
            assert_eq!(InputKind::of(text.as_bytes()), Err(InputError::Text), "{text}");
        }
        for other in ["module", ";; (module", "(", "(import", "<html>"] {
            let first = other.as_bytes()[..other.len().min(8)].to_vec();
            assert_eq!(InputKind::of(other.as_bytes()), Err(InputError::NotWasm { first }), "{other}");
        }
    }
}
