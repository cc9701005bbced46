//! Where do the lines go that a guest hands to the host function `log`?
//!
//! [`Log`] is the state, [`HasLog`] finds it in the store's data, [`add_to_linker`] defines `log: func(msg: string)`.
//! The guest decides how often it calls and with how much text; the host decides how much of it is kept.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmStr};

/// Bytes a [`Log`] keeps unless told otherwise: 64 KiB.
pub const DEFAULT_LIMIT: usize = 64 * 1024;

/// Bytes counted for a line besides its text, so that empty lines are not free.
pub const LINE_COST: usize = 64;

type Sink = Box<dyn FnMut(&str) + Send>;

/// The lines a guest has logged, up to a limit in bytes.
///
/// Kept are the first lines that fit. From the first line that does not fit, lines are counted and dropped, so what is
/// kept has no gaps. A single line longer than the limit is cut at the limit before anything else is done with it.
///
/// ```
/// use host_component::log::Log;
///
/// let mut log = Log::with_limit(100);
/// log.write("short");
/// log.write(&"long ".repeat(100));
/// assert_eq!(log.lines(), ["short"]);
/// assert_eq!(log.dropped().lines, 1);
/// ```
pub struct Log {
    lines: Vec<String>,
    used: usize,
    limit: usize,
    dropped: Dropped,
    sink: Option<Sink>,
}

/// What a [`Log`] did not keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Dropped {
    /// Lines dropped whole.
    pub lines: u64,
    /// Bytes of text dropped, those cut from lines longer than the limit included.
    pub bytes: u64,
}

impl Log {
    /// An empty log that keeps up to [`DEFAULT_LIMIT`] bytes and forwards nothing.
    pub fn new() -> Log {
        Log::with_limit(DEFAULT_LIMIT)
    }

    /// An empty log that keeps up to `bytes` bytes; each line counts for its text and [`LINE_COST`].
    pub fn with_limit(bytes: usize) -> Log {
        Log { lines: Vec::new(), used: 0, limit: bytes, dropped: Dropped::default(), sink: None }
    }

    /// Also hands every line to `sink`, the ones that are not kept too (cut at the limit).
    ///
    /// Nothing bounds how often a guest makes `sink` run except the guest's own budget, so `sink` must not keep what it
    /// is given without a limit of its own. It runs inside the guest's call: a panic in it ends that call.
    #[must_use]
    pub fn to(mut self, sink: impl FnMut(&str) + Send + 'static) -> Log {
        self.sink = Some(Box::new(sink));
        self
    }

    /// Takes one line, as if a guest had logged it.
    pub fn write(&mut self, line: &str) {
        let kept = head(line, self.limit);
        self.take(kept.to_owned(), line.len() - kept.len());
    }

    /// The lines kept, oldest first.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// What was not kept.
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Hands out the lines kept so far and starts again, empty, with the same limit and sink.
    pub fn drain(&mut self) -> Vec<String> {
        self.used = 0;
        self.dropped = Dropped::default();
        std::mem::take(&mut self.lines)
    }

    fn take(&mut self, line: String, cut: usize) {
        if let Some(sink) = &mut self.sink {
            sink(&line);
        }
        self.dropped.bytes = self.dropped.bytes.saturating_add(cut as u64);
        let cost = line.len().saturating_add(LINE_COST);
        let used = self.used.saturating_add(cost);
        if self.dropped.lines == 0 && used <= self.limit {
            self.used = used;
            self.lines.push(line);
        } else {
            self.dropped.lines = self.dropped.lines.saturating_add(1);
            self.dropped.bytes = self.dropped.bytes.saturating_add(line.len() as u64);
        }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log::new()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("lines", &self.lines)
            .field("dropped", &self.dropped)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Finds the [`Log`] in a store's data.
pub trait HasLog: 'static {
    /// The log of this store.
    fn log(&mut self) -> &mut Log;
}

impl HasLog for Log {
    fn log(&mut self) -> &mut Log {
        self
    }
}

/// Defines the world's `log: func(msg: string)` so that it writes to the store's [`Log`].
///
/// The function returns at once, so the linker serves sync and async stores alike. The message is read where it lies in
/// the guest's memory; no more of it is copied than the log's limit.
///
/// # Errors
///
/// When the linker already has a `log` and does not allow shadowing.
pub fn add_to_linker<T: HasLog>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.root().func_wrap("log", |mut store: StoreContextMut<'_, T>, (message,): (WasmStr,)| {
        take_from_guest(&mut store, "", &message)
    })
}

/// Takes a line as it lies in the guest's memory, with `before` in front.
pub(crate) fn take_from_guest<T: HasLog>(
    store: &mut StoreContextMut<'_, T>,
    before: &'static str,
    message: &WasmStr,
) -> wasmtime::Result<()> {
    let limit = store.data_mut().log().limit;
    let (line, cut) = {
        let text = message.to_str(&*store)?;
        let line = head(&text, limit.saturating_sub(before.len()));
        ([before, line].concat(), text.len() - line.len())
    };
    store.data_mut().log().take(line, cut);
    Ok(())
}

/// The longest beginning of `text` of at most `limit` bytes that ends between two characters.
fn head(text: &str, limit: usize) -> &str {
    if text.len() <= limit { text } else { &text[..text.floor_char_boundary(limit)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dropped_is_written_and_read_again() {
        let dropped = Dropped { lines: 2, bytes: 30 };
        let json = serde_json::to_string(&dropped).unwrap();
        assert_eq!(json, r#"{"lines":2,"bytes":30}"#);
        assert_eq!(serde_json::from_str::<Dropped>(&json).unwrap(), dropped);
    }
}
