//! `HttpServer`: takes connections, has each request answered, and ends in order.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use host_limits::Limits;
use host_wasi::Grants;
use host_wasi::http::wasmtime_wasi_http::Error;
use hyper::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::http::answer::{Answered, answer};
use crate::http::body::Answer;
use crate::http::handler::Handler;
use crate::http::patience::Patience;
use crate::program::{Guest, Program};
use crate::runtime::Runtime;

/// How many bytes the head of a request may have.
const LARGEST_HEAD: usize = 64 * 1024;

/// How long a client may take to send the head of a request, and how long a connection may lie idle.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// How long a client may take nothing of what it is sent.
const SEND_TIME: Duration = Duration::from_secs(30);

/// How long to wait after the system has refused a connection, for want of descriptors most often.
const AFTER_REFUSAL: Duration = Duration::from_millis(100);

/// Serves HTTP/1.1 by a component that exports `wasi:http/incoming-handler`, the world `wasi:http/proxy`; or `wasi:http/handler`, the
/// world `wasi:http/service` of WASI 0.3, if the feature `p3` is on and the runtime's engine
/// [supports concurrency](crate::needs_concurrency).
///
/// Each request is answered in a store of its own, with limits and grants of its own: no request sees what another left
/// behind, and what stops one stops no other. The limits' deadline is for all that the guest does for one request, the sending of
/// the response included, so a slow client ends by it too; one that takes nothing for half a minute loses its connection.
///
/// A guest that is stopped before it gives a response makes the status 500, or 504 if its deadline passed; one that gives an error or
/// nothing, 502. A request that comes while as many are at work as may be is answered 503. Why is told to the operator alone, by
/// [`ServeOptions::on_answer`].
pub struct HttpServer {
    shared: Arc<Shared>,
    connections: usize,
    drain: Duration,
}

/// How a [`HttpServer`] serves.
#[must_use]
pub struct ServeOptions {
    limits: Limits,
    grants: Grants,
    at_once: u32,
    connections: usize,
    drain: Duration,
    on_answer: Option<Box<OnAnswer>>,
}

type OnAnswer = dyn Fn(Answered) + Send + Sync;

impl ServeOptions {
    /// How many requests are at work at a time, unless told otherwise.
    pub const DEFAULT_AT_ONCE: u32 = 64;

    /// How many connections are open at a time, unless told otherwise.
    pub const DEFAULT_CONNECTIONS: usize = 256;

    /// How long a stop waits for requests at work, unless told otherwise.
    pub const DEFAULT_DRAIN: Duration = Duration::from_secs(10);

    /// Each request under `limits` and `grants`, the rest by default.
    pub fn new(limits: Limits, grants: Grants) -> ServeOptions {
        ServeOptions {
            limits,
            grants,
            at_once: Self::DEFAULT_AT_ONCE,
            connections: Self::DEFAULT_CONNECTIONS,
            drain: Self::DEFAULT_DRAIN,
            on_answer: None,
        }
    }

    /// Bounds how many requests are at work at a time; one more is answered 503. Default:
    /// [`DEFAULT_AT_ONCE`](ServeOptions::DEFAULT_AT_ONCE). Zero counts as one.
    pub fn at_once(self, most: u32) -> ServeOptions {
        ServeOptions { at_once: most.max(1), ..self }
    }

    /// Bounds how many connections are open at a time; further ones wait to be taken. Default:
    /// [`DEFAULT_CONNECTIONS`](ServeOptions::DEFAULT_CONNECTIONS). Zero counts as one.
    pub fn connections(self, most: usize) -> ServeOptions {
        ServeOptions { connections: most.max(1), ..self }
    }

    /// Sets how long a stop waits for requests at work before it drops them. Default:
    /// [`DEFAULT_DRAIN`](ServeOptions::DEFAULT_DRAIN).
    pub fn drain(self, longest: Duration) -> ServeOptions {
        ServeOptions { drain: longest, ..self }
    }

    /// Is told of every request when the guest is done with it. It is called on the threads that serve, so it should be quick.
    pub fn on_answer(self, tell: impl Fn(Answered) + Send + Sync + 'static) -> ServeOptions {
        ServeOptions { on_answer: Some(Box::new(tell)), ..self }
    }
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) handler: Handler,
    pub(crate) limits: Limits,
    pub(crate) grants: Grants,
    pub(crate) at_once: Arc<Semaphore>,
    most_at_once: u32,
    pub(crate) stopped: watch::Sender<bool>,
    on_answer: Option<Box<OnAnswer>>,
}

impl Shared {
    pub(crate) fn tell(&self, answered: Answered) {
        if let Some(on_answer) = &self.on_answer {
            on_answer(answered);
        }
    }
}

/// A program that cannot answer requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this {kind} cannot serve HTTP: it exports neither `wasi:http/incoming-handler@0.2` nor `wasi:http/handler@0.3`; \
     build it for the world `wasi:http/proxy`, or `wasi:http/service`"
)]
#[non_exhaustive]
pub struct NotAHandler {
    /// `core module` or `component`.
    pub kind: &'static str,
}

impl HttpServer {
    /// A server that answers by `program`, which `runtime` has prepared.
    ///
    /// # Errors
    ///
    /// [`NotAHandler`]: the program exports neither `wasi:http/incoming-handler` nor `wasi:http/handler`.
    pub fn new(
        runtime: Arc<Runtime>,
        program: &Program,
        options: ServeOptions,
    ) -> Result<HttpServer, NotAHandler> {
        let handler = match &program.guest {
            Guest::Module(_) => return Err(NotAHandler { kind: "core module" }),
            Guest::Component(instance) => Handler::of(instance).ok_or(NotAHandler { kind: "component" })?,
        };
        let ServeOptions { limits, grants, at_once, connections, drain, on_answer } = options;
        let shared = Shared {
            runtime,
            handler,
            limits,
            grants,
            at_once: Arc::new(Semaphore::new(at_once as usize)),
            most_at_once: at_once,
            stopped: watch::Sender::new(false),
            on_answer,
        };
        Ok(HttpServer { shared: Arc::new(shared), connections, drain })
    }

    /// Answers one request, for a program that takes connections by itself. Call it in a Tokio runtime.
    ///
    /// Dropping the future, or the body of the response before its end, drops the guest.
    pub async fn answer<B>(
        &self,
        request: Request<B>,
    ) -> Response<impl Body<Data = Bytes, Error = Error> + Send + use<B>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        answer(&self.shared, request).await
    }

    /// Takes connections from `listener` until `stop` is done, and then ends in order: no new connection or request is taken,
    /// those at work may finish within [`drain`](ServeOptions::drain), and what is still at work then is dropped. Nothing of it runs
    /// any more when this returns.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let room = Arc::new(Semaphore::new(self.connections));
        let (draining, drain) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let accept = async {
                let room = room.clone().acquire_owned().await;
                (listener.accept().await, room)
            };
            tokio::select! {
                () = &mut stop => break,
                (accepted, room) = accept => match accepted {
                    Ok((stream, _)) => {
                        let (shared, drain) = (self.shared.clone(), drain.clone());
                        connections.spawn(async move {
                            connection(stream, shared, drain).await;
                            drop(room);
                        });
                    }
                    // A client that went away, or no descriptor left: neither is the end of the others.
                    Err(_) => sleep(AFTER_REFUSAL).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
        drop(listener);
        draining.send_replace(true);
        let end = Instant::now() + self.drain;
        let shared = &self.shared;
        // A guest may go on after its response, so it is not the connections alone that are waited for.
        let idle = async {
            while connections.join_next().await.is_some() {}
            shared.at_once.acquire_many(shared.most_at_once).await.is_ok()
        };
        if timeout_at(end, idle).await.is_err() {
            shared.stopped.send_replace(true);
            connections.shutdown().await;
            let _ = shared.at_once.acquire_many(shared.most_at_once).await;
        }
    }
}

/// Serves one connection to its end; once `drain` is true, that is after the request at work.
async fn connection(stream: TcpStream, shared: Arc<Shared>, mut drain: watch::Receiver<bool>) {
    let service = service_fn(async |request| {
        let response: Response<Answer> = answer(&shared, request).await;
        Ok::<_, std::convert::Infallible>(response)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(LARGEST_HEAD);
    let stream = TokioIo::new(Patience::new(stream, SEND_TIME));
    let mut served = pin!(builder.serve_connection(stream, service));
    // What goes wrong on a connection is its client's.
    let drained = tokio::select! {
        _ = served.as_mut() => false,
        _ = drain.wait_for(|drain| *drain) => true,
    };
    if drained {
        served.as_mut().graceful_shutdown();
        let _ = served.await;
    }
}
