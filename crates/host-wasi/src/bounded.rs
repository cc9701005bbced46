//! Takes what a guest prints, up to a limit, and remembers that the guest wanted more.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{self, Pollable, StreamError, StreamResult};

use crate::sink::{Sink, SinkError};

/// How often a write may fail before the guest is stopped. A program that checks its writes gives up at the first;
/// one that checks nothing would otherwise print into the void for as long as its deadline lets it.
const FAILURES_BEFORE_STOP: u32 = 16;

/// How much a guest may offer in one write, in bytes; the host holds that much for a moment.
const LARGEST_WRITE: usize = 64 * 1024;

/// A guest wrote more to a stream than it may: to one that is captured, to a file, or to a callback for lines.
///
/// The write that goes beyond the limit is cut there and fails with "no space left". A Rust program then panics in
/// its `println!`, so that the call ends with a trap that says nothing of output; ask
/// [`Wasi::output_refused`](crate::Wasi::output_refused). A program that ignores the failure and keeps writing is
/// stopped, and then this is the error of the call: `error.downcast_ref::<OutputRefused>()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[error("the guest wrote more to {stream} than the {limit} bytes it may")]
#[non_exhaustive]
pub struct OutputRefused {
    /// The stream.
    pub stream: OutputStream,
    /// How much it may take, in bytes.
    pub limit: u64,
}

/// One of a guest's output streams. A program has these two and no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl OutputStream {
    /// The key of its grant.
    pub(crate) fn key(self) -> &'static str {
        match self {
            OutputStream::Stdout => "stdout",
            OutputStream::Stderr => "stderr",
        }
    }
}

impl fmt::Display for OutputStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.key())
    }
}

/// A stream that takes so much and no more. Clones share what it took: the guest may open its output more than once.
#[derive(Clone)]
pub(crate) struct Bounded {
    stream: OutputStream,
    limit: u64,
    state: Arc<Mutex<State>>,
}

struct State {
    sink: Sink,
    taken: u64,
    refused: bool,
    failures: u32,
}

impl Bounded {
    pub(crate) fn new(stream: OutputStream, limit: u64, sink: Sink) -> Self {
        let state = State { sink, taken: 0, refused: false, failures: 0 };
        Self { stream, limit, state: Arc::new(Mutex::new(state)) }
    }

    /// What is kept in memory; nothing, if it went elsewhere.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.state().sink.bytes().to_vec()
    }

    pub(crate) fn refused(&self) -> Option<OutputRefused> {
        self.state().refused.then_some(self.refusal())
    }

    /// Hands out what is kept in memory and what was refused, and takes as much again; a file goes on where it is.
    pub(crate) fn begin_again(&self) -> (Vec<u8>, Option<OutputRefused>) {
        let mut state = self.state();
        let refused = std::mem::take(&mut state.refused).then_some(self.refusal());
        state.failures = 0;
        let kept = state.sink.begin_again();
        if !state.sink.is_file() {
            state.taken = 0;
        }
        (kept, refused)
    }

    /// Hands on a last line that no newline ended.
    pub(crate) fn finish(&self) {
        self.state().sink.finish();
    }

    fn refusal(&self) -> OutputRefused {
        OutputRefused { stream: self.stream, limit: self.limit }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Only a callback of the host could panic with the lock held, and the sink catches that.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, offered: &[u8]) -> Result<(), Failure> {
        let mut state = self.state();
        let room = usize::try_from(self.limit - state.taken).unwrap_or(usize::MAX);
        let fits = &offered[..offered.len().min(room)];
        let (taken, result) = state.sink.take(fits);
        state.taken += taken as u64;
        match result {
            Ok(()) if fits.len() == offered.len() => Ok(()),
            Ok(()) => Err(self.refuse(&mut state)),
            Err(SinkError::Panicked(panicked)) => Err(Failure::Stop(panicked.into())),
            Err(SinkError::Io(error)) => {
                state.failures += 1;
                Err(if state.failures > FAILURES_BEFORE_STOP {
                    Failure::Stop(error.into())
                } else {
                    Failure::Told(error)
                })
            }
        }
    }

    fn refuse(&self, state: &mut State) -> Failure {
        state.refused = true;
        state.failures = state.failures.saturating_add(1);
        if state.failures > FAILURES_BEFORE_STOP {
            Failure::Stop(self.refusal().into())
        } else {
            Failure::Told(no_space_left())
        }
    }
}

/// What becomes of a write that failed.
enum Failure {
    /// The guest is told.
    Told(io::Error),
    /// The guest is stopped.
    Stop(wasmtime::Error),
}

impl From<Failure> for StreamError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Told(error) => StreamError::LastOperationFailed(error.into()),
            Failure::Stop(error) => StreamError::Trap(error),
        }
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Told(error) => error,
            Failure::Stop(error) => io::Error::other(error),
        }
    }
}

impl IsTerminal for Bounded {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Bounded {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn p2::OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Bounded {
    async fn ready(&mut self) {}
}

#[async_trait]
impl p2::OutputStream for Bounded {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        Ok(self.take(&bytes)?)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    /// Room is not told here: a guest that has filled its stream exactly, and asks only to see its last write
    /// through, has done nothing wrong. Once refused, though, asking again counts as trying again.
    fn check_write(&mut self) -> StreamResult<usize> {
        let mut state = self.state();
        if state.refused { Err(self.refuse(&mut state).into()) } else { Ok(LARGEST_WRITE) }
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, offered: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(match self.take(offered) {
            Ok(()) => Ok(offered.len()),
            Err(failure) => Err(failure.into()),
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io;
    use std::pin::Pin;

    use wasmtime_wasi::cli::StdoutStream as _;

    use super::{Bounded, FAILURES_BEFORE_STOP, OutputRefused, OutputStream};
    use crate::sink::Sink;

    /// The way that WASI 0.3 takes: refused as on the others.
    #[tokio::test]
    async fn the_asynchronous_form_is_bounded_too() {
        let bounded = Bounded::new(OutputStream::Stderr, 5, Sink::Memory(Vec::new()));
        let write = async |bytes: &[u8]| -> io::Result<usize> {
            let mut stream = Pin::from(bounded.async_stream());
            poll_fn(|context| stream.as_mut().poll_write(context, bytes)).await
        };
        assert_eq!(write(b"abc").await.unwrap(), 3);
        assert_eq!(bounded.refused(), None);
        for _ in 0..FAILURES_BEFORE_STOP {
            assert_eq!(write(b"def").await.unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
        let stopped = write(b"def").await.unwrap_err();
        assert!(
            stopped.get_ref().unwrap().to_string().contains("more to stderr than the 5 bytes"),
            "{stopped}"
        );
        assert_eq!(bounded.bytes(), b"abcde");
        assert_eq!(bounded.refused(), Some(OutputRefused { stream: OutputStream::Stderr, limit: 5 }));
    }
}
