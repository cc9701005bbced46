//! `Frame`: one line of a guest's backtrace, as people read it.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::WasmBacktrace;

use crate::text::one_line;

/// One frame of the guest's stack when it stopped, innermost first.
///
/// The function's name is there if the guest carries a name section, file and line if it carries debug information and
/// the engine reads it ([`Profile::Development`](crate::Profile::Development)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Frame {
    /// The function, with Rust's names made readable.
    pub function: Option<String>,
    /// The module it belongs to.
    pub module: Option<String>,
    /// The source file.
    pub file: Option<String>,
    /// The line in the source file, counted from one.
    pub line: Option<u32>,
    /// The byte offset in the module's code.
    pub offset: Option<usize>,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.as_deref().unwrap_or("<unnamed function>"))?;
        match (&self.file, self.line, self.offset) {
            (Some(file), Some(line), _) => write!(f, " ({file}:{line})"),
            (Some(file), None, _) => write!(f, " ({file})"),
            (None, _, Some(offset)) => {
                write!(f, " ({}+{offset:#x})", self.module.as_deref().unwrap_or("module"))
            }
            (None, _, None) => Ok(()),
        }
    }
}

/// How many frames are kept. Wasmtime bounds the functions on the stack, but the guest's debug information says how many
/// each of them was made of.
const KEPT: usize = 100;

/// The frames that Wasmtime attached to an error of a call, innermost first; none if it attached none.
///
/// A compiler may have put several functions into one: each is a frame of its own.
pub(crate) fn frames(error: &wasmtime::Error) -> Vec<Frame> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    let mut frames = Vec::new();
    for info in backtrace.frames().iter().take(KEPT) {
        let module = info.module().name().map(one_line);
        let offset = info.module_offset();
        let function = info.func_name().map(readable);
        if info.symbols().is_empty() {
            frames.push(Frame { function, module, file: None, line: None, offset });
            continue;
        }
        for symbol in info.symbols().iter().take(KEPT.saturating_sub(frames.len())) {
            frames.push(Frame {
                function: symbol.name().map(readable).or_else(|| function.clone()),
                module: module.clone(),
                file: symbol.file().map(one_line),
                line: symbol.line(),
                offset,
            });
        }
    }
    frames.truncate(KEPT);
    frames
}

/// A name as it was written in the source, where it is one of Rust's; without the hash at its end.
///
/// The guest chose the name: it may be of any length, and hold anything.
fn readable(name: &str) -> String {
    one_line(&format!("{:#}", rustc_demangle::demangle(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_written_and_read_again() {
        let function = Some("explode".to_owned());
        let frame = Frame { function, module: None, file: None, line: Some(3), offset: Some(27) };
        let json = serde_json::to_string(&frame).unwrap();
        assert_eq!(serde_json::from_str::<Frame>(&json).unwrap(), frame);
    }
}
