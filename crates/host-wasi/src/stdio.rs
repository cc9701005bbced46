//! What does a guest read from its standard input, and where does its output go?

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::cli::InputFile;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;

use crate::GrantError;
use crate::capture::{Capture, OutputStream};

/// What a guest reads from its standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stdin {
    /// Nothing: the first read finds the end.
    #[default]
    Closed,
    /// This process's own standard input.
    Inherit,
    /// The given text, then the end.
    Text(String),
    /// The given bytes, then the end.
    Bytes(Vec<u8>),
    /// The contents of a regular file of the host, then the end.
    File(PathBuf),
}

/// Where a guest's standard output, or its standard error, goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Output {
    /// Nowhere: every write succeeds and is forgotten.
    #[default]
    Discard,
    /// To this process's own stream of the same name. What the guest writes there is not bounded.
    Inherit,
    /// Into memory, up to this many bytes, to be read by [`Wasi::stdout`](crate::Wasi::stdout) or
    /// [`Wasi::stderr`](crate::Wasi::stderr). The write that goes beyond is cut at the limit and fails with "no
    /// space left"; a guest that goes on writing is stopped. See [`OutputRefused`](crate::OutputRefused).
    Capture(u64),
}

impl Stdin {
    /// Hands the stream to the context that is being built.
    pub(crate) fn open(&self, builder: &mut WasiCtxBuilder) -> Result<(), GrantError> {
        match self {
            Stdin::Closed => {}
            Stdin::Inherit => {
                builder.inherit_stdin();
            }
            Stdin::Text(text) => {
                builder.stdin(MemoryInputPipe::new(text.clone()));
            }
            Stdin::Bytes(bytes) => {
                builder.stdin(MemoryInputPipe::new(bytes.clone()));
            }
            Stdin::File(path) => {
                builder.stdin(InputFile::new(open_regular(path)?));
            }
        }
        Ok(())
    }
}

impl Output {
    /// Hands the stream to the context that is being built, and gives back what it captures.
    pub(crate) fn open(self, stream: OutputStream, builder: &mut WasiCtxBuilder) -> Option<Capture> {
        match (self, stream) {
            (Output::Discard, _) => None,
            (Output::Inherit, OutputStream::Stdout) => {
                builder.inherit_stdout();
                None
            }
            (Output::Inherit, OutputStream::Stderr) => {
                builder.inherit_stderr();
                None
            }
            (Output::Capture(limit), _) => {
                let capture = Capture::new(stream, limit);
                match stream {
                    OutputStream::Stdout => builder.stdout(capture.clone()),
                    OutputStream::Stderr => builder.stderr(capture.clone()),
                };
                Some(capture)
            }
        }
    }
}

/// Opens `path` if it is a regular file. It is looked at before it is opened, because opening a pipe waits for its
/// other end.
fn open_regular(path: &Path) -> Result<File, GrantError> {
    let failed = |source| GrantError::StdinFile { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(GrantError::StdinNotRegular { path: path.to_owned() });
    }
    File::open(path).map_err(failed)
}
