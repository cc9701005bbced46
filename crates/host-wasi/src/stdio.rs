//! What does a guest read from its standard input, and where does its output go?

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::cli::InputFile;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;

use crate::GrantError;
use crate::bounded::{Bounded, OutputStream};
use crate::lines::{Lines, OnLine, SHORTEST_BOUND};
use crate::sink::Sink;

/// What a guest reads from its standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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
    /// To a file of the host. What goes beyond its size is refused as it is for [`Capture`](Output::Capture). The
    /// guest's writes are made at once, by the thread that runs it.
    File {
        /// The file. It is created, or emptied if it is there, when a [`Wasi`](crate::Wasi) is made; only a regular
        /// file will do. Both streams may name one file, which then takes both, each up to its size.
        path: PathBuf,
        /// How much the guest may write, in bytes.
        size: u64,
    },
    /// Line by line to [`WasiOptions::on_line`](crate::WasiOptions::on_line), without which this is an error. The
    /// number is the longest line in bytes, 4 or more; a longer one comes in pieces. All lines of a stream together
    /// are bounded by [`WasiOptions::max_lines`](crate::WasiOptions::max_lines), and refused beyond as for
    /// [`Capture`](Output::Capture).
    Lines(u64),
}

/// Where lines go, and how many bytes of them from each stream.
#[derive(Clone, Debug)]
pub(crate) struct LineOptions {
    pub(crate) on_line: Option<OnLine>,
    pub(crate) most: u64,
}

impl Stdin {
    /// Checks what can be checked without a look at the file system.
    pub(crate) fn check(&self) -> Result<(), GrantError> {
        match self {
            Stdin::File(path) if path.as_os_str().is_empty() => Err(GrantError::StdinPath),
            _ => Ok(()),
        }
    }

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
    /// Checks what can be checked without a look at the file system.
    pub(crate) fn check(&self, stream: OutputStream) -> Result<(), GrantError> {
        match self {
            Output::File { path, .. } if path.as_os_str().is_empty() => {
                Err(GrantError::OutputPath { stream })
            }
            Output::Lines(longest) if *longest < SHORTEST_BOUND => {
                Err(GrantError::LineLength { stream, longest: *longest })
            }
            _ => Ok(()),
        }
    }

    /// Hands the stream to the context that is being built, and gives back what is bounded of it.
    pub(crate) fn open(
        &self,
        stream: OutputStream,
        lines: &LineOptions,
        builder: &mut WasiCtxBuilder,
    ) -> Result<Option<Bounded>, GrantError> {
        let (limit, sink) = match self {
            Output::Discard => return Ok(None),
            Output::Inherit => {
                match stream {
                    OutputStream::Stdout => builder.inherit_stdout(),
                    OutputStream::Stderr => builder.inherit_stderr(),
                };
                return Ok(None);
            }
            Output::Capture(limit) => (*limit, Sink::Memory(Vec::new())),
            Output::File { path, size } => (*size, Sink::File(create_regular(stream, path)?)),
            Output::Lines(longest) => {
                let on_line = lines.on_line.clone().ok_or(GrantError::NoLineCallback { stream })?;
                (lines.most, Sink::Lines(Lines::new(stream, *longest, on_line)))
            }
        };
        let bounded = Bounded::new(stream, limit, sink);
        match stream {
            OutputStream::Stdout => builder.stdout(bounded.clone()),
            OutputStream::Stderr => builder.stderr(bounded.clone()),
        };
        Ok(Some(bounded))
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

/// Creates the file, or empties it if it is a regular one. All is written at its end, so that two streams to one file
/// do not overwrite each other.
fn create_regular(stream: OutputStream, path: &Path) -> Result<File, GrantError> {
    let failed = |source| GrantError::OutputFile { stream, path: path.to_owned(), source };
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(GrantError::OutputNotRegular { stream, path: path.to_owned() });
    }
    let file = File::options().append(true).create(true).open(path).map_err(failed)?;
    file.set_len(0).map_err(failed)?;
    Ok(file)
}
