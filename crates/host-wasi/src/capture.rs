//! Keeps what a guest prints, up to a limit, and remembers that the guest wanted more.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{self, Pollable, StreamError, StreamResult};

/// How often a guest is told "no space left" before it is stopped. A program that checks its writes gives up at the
/// first; one that checks nothing would otherwise print into the void for as long as its deadline lets it.
const REFUSALS_BEFORE_STOP: u32 = 16;

/// How much a guest may offer in one write, in bytes; the host holds that much for a moment.
const LARGEST_WRITE: usize = 64 * 1024;

/// A guest wrote more to a captured stream than it may.
///
/// The write that goes beyond the limit is cut there and fails with "no space left". A Rust program then panics in
/// its `println!`, so that the call ends with a trap that says nothing of output; ask
/// [`Wasi::output_refused`](crate::Wasi::output_refused). A program that ignores the failure and keeps writing is
/// stopped, and then this is the error of the call: `error.downcast_ref::<OutputRefused>()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the guest wrote more to {stream} than the {limit} bytes it may")]
#[non_exhaustive]
pub struct OutputRefused {
    /// The stream.
    pub stream: OutputStream,
    /// How much it may hold, in bytes.
    pub limit: u64,
}

/// One of a guest's output streams. A program has these two and no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl fmt::Display for OutputStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            OutputStream::Stdout => "stdout",
            OutputStream::Stderr => "stderr",
        })
    }
}

/// A captured stream. Clones share what was captured: the guest may open its output more than once.
#[derive(Clone)]
pub(crate) struct Capture {
    stream: OutputStream,
    limit: u64,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    refusals: u32,
}

impl Capture {
    pub(crate) fn new(stream: OutputStream, limit: u64) -> Self {
        Self { stream, limit, kept: Arc::default() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.kept().bytes.clone()
    }

    pub(crate) fn refused(&self) -> Option<OutputRefused> {
        (self.kept().refusals > 0).then_some(self.refusal())
    }

    fn refusal(&self) -> OutputRefused {
        OutputRefused { stream: self.stream, limit: self.limit }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing here panics with the lock held, and bytes are whole at every moment.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, offered: &[u8]) -> StreamResult<()> {
        let mut kept = self.kept();
        let room = usize::try_from(self.limit).unwrap_or(usize::MAX).saturating_sub(kept.bytes.len());
        let fits = &offered[..offered.len().min(room)];
        kept.bytes.extend_from_slice(fits);
        if fits.len() == offered.len() { Ok(()) } else { Err(self.refuse(&mut kept)) }
    }

    fn refuse(&self, kept: &mut Kept) -> StreamError {
        kept.refusals = kept.refusals.saturating_add(1);
        if kept.refusals > REFUSALS_BEFORE_STOP {
            StreamError::Trap(self.refusal().into())
        } else {
            StreamError::LastOperationFailed(no_space_left().into())
        }
    }
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn p2::OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Capture {
    async fn ready(&mut self) {}
}

#[async_trait]
impl p2::OutputStream for Capture {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.keep(&bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    /// Room is not told here: a guest that has filled its stream exactly, and asks only to see its last write
    /// through, has done nothing wrong. Once refused, though, asking again counts as trying again.
    fn check_write(&mut self) -> StreamResult<usize> {
        let mut kept = self.kept();
        if kept.refusals > 0 { Err(self.refuse(&mut kept)) } else { Ok(LARGEST_WRITE) }
    }
}

impl AsyncWrite for Capture {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, offered: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(match self.keep(offered) {
            Ok(()) => Ok(offered.len()),
            Err(StreamError::Trap(_)) => Err(io::Error::other(self.refusal())),
            Err(_) => Err(no_space_left()),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// "No space left on device". wasmtime-wasi reads the number, not the kind; where there is no such number the guest
/// is told of an input/output error.
pub(crate) fn no_space_left() -> io::Error {
    if cfg!(unix) { io::Error::from_raw_os_error(28) } else { io::ErrorKind::StorageFull.into() }
}
