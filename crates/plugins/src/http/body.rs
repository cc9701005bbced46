//! The body of a response: the guest's as it comes, or a line of our own; and who waits for it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use host_wasi::http::wasmtime_wasi_http::{Error, WasiBody};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;

/// The body of an answer. Dropped before its end, it says that nobody waits for the guest any more.
pub(crate) struct Answer {
    body: WasiBody,
    waits: Option<oneshot::Sender<()>>,
    /// Whether the guest was stopped. Its body then ends like one that is whole, which nobody should take it for.
    stopped: Arc<AtomicBool>,
}

impl Answer {
    /// The guest's own, with whom to tell that it has been read to its end.
    pub(crate) fn of_guest(body: WasiBody, waits: oneshot::Sender<()>, stopped: Arc<AtomicBool>) -> Answer {
        Answer { body, waits: Some(waits), stopped }
    }

    /// One that is whole, or that nobody is going to read.
    pub(crate) fn unread(body: WasiBody) -> Answer {
        Answer { body, waits: None, stopped: Arc::default() }
    }

    pub(crate) fn text(text: String) -> Answer {
        let body = Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {});
        Answer::unread(body.boxed_unsync())
    }

    fn ended(&mut self) {
        if let Some(waits) = self.waits.take() {
            // The guest may have ended before.
            let _ = waits.send(());
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_some() {
            return Poll::Ready(frame);
        }
        self.ended();
        let stopped = self.stopped.load(Ordering::Acquire);
        Poll::Ready(stopped.then_some(Err(Error::HttpResponseIncomplete)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // One that has nothing more to give is not asked again.
        if self.body.is_end_stream() {
            self.ended();
        }
    }
}
