//! One request: a fresh store for it, and whatever becomes of it as a response.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use host_core::{Fault, FaultKind};
use host_limits::{Exceeded, Usage};
use host_wasi::http::wasmtime_wasi_http::Error;
use hyper::body::Body;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{oneshot, watch};
use wasmtime::Store;

use crate::http::body::Answer;
use crate::http::handler::Given;
use crate::http::server::Shared;
use crate::run::RunError;
use crate::runtime::StoreError;
use crate::state::{Captured, State};

/// What became of one request; told when the guest is done with it, which may be after its response.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answered {
    /// The request's method, such as `GET`.
    pub method: String,
    /// The request's path and query, as the client sent them.
    pub path: String,
    /// The status the client was sent.
    pub status: u16,
    /// How the guest ended.
    pub ended: Ended,
    /// What the guest said meanwhile, where the grants capture it.
    pub captured: Captured,
}

/// How the guest ended that had to answer a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ended {
    /// It returned.
    Done(Usage),
    /// It returned without giving a response.
    Silent(Usage),
    /// It was stopped, or stopped itself.
    Stopped(Box<Fault>),
    /// Its store could not be had; it did not run.
    NotRun(StoreError),
    /// Nobody waited for it any more: the client has left, or the server was stopped. It was dropped where it was.
    Dropped,
    /// There were as many requests at work as there may be; it did not run.
    Busy,
    /// The request was not one that can be given to a guest; it did not run.
    BadRequest(&'static str),
}

/// What a client is told when there is no response of the guest's. Why is for the operator alone.
fn failed(status: StatusCode) -> Response<Answer> {
    let text = format!("{} {}\n", status.as_u16(), status.canonical_reason().unwrap_or("failed"));
    let mut response = Response::new(Answer::text(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Answers `request`. Dropping the future, or later the body of the response before its end, drops the guest.
pub(crate) async fn answer<B>(shared: &Arc<Shared>, request: Request<B>) -> Response<Answer>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Error>,
{
    let about = About {
        method: request.method().to_string(),
        path: request.uri().path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
    };
    let permit = if names_its_host(&request) {
        let permit = shared.at_once.clone().try_acquire_owned();
        permit.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, Ended::Busy))
    } else {
        Err((StatusCode::BAD_REQUEST, Ended::BadRequest("it has no usable `host` header")))
    };
    let permit = match permit {
        Ok(permit) => permit,
        Err((status, ended)) => {
            shared.tell(about.answered(status, ended, Captured::default()));
            return failed(status);
        }
    };

    let (answers, answered) = oneshot::channel();
    let (waits, left) = oneshot::channel();
    let wants_body = request.method() != Method::HEAD;
    let unfinished = Arc::new(AtomicBool::new(false));
    let guest = Guest {
        shared: shared.clone(),
        about,
        unfinished: unfinished.clone(),
        left,
        stopped: shared.stopped.subscribe(),
    };
    let guest = tokio::spawn(async move {
        let status = guest.run(request, answers).await;
        drop(permit);
        status
    });
    match answered.await {
        Ok(Some(response)) if wants_body => response.map(|body| Answer::of_guest(body, waits, unfinished)),
        Ok(Some(response)) => {
            // Nobody reads the body, but that does not mean that nobody waits for the guest to end well.
            let _ = waits.send(());
            response.map(Answer::unread)
        }
        Ok(None) => failed(StatusCode::BAD_GATEWAY),
        Err(_) => failed(guest.await.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)),
    }
}

/// Whether a guest can be told whom the request is for.
fn names_its_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.uri().authority().is_some(),
        (Some(host), None) => host.to_str().is_ok(),
        // Whoever stands before this server may have looked at the other one.
        (Some(_), Some(_)) => false,
    }
}

struct About {
    method: String,
    path: String,
}

impl About {
    fn answered(self, status: StatusCode, ended: Ended, captured: Captured) -> Answered {
        Answered { method: self.method, path: self.path, status: status.as_u16(), ended, captured }
    }
}

/// A guest at work on one request.
struct Guest {
    shared: Arc<Shared>,
    about: About,
    /// Is set when the guest is stopped, before what it had open is closed.
    unfinished: Arc<AtomicBool>,
    /// Comes when the response has been read to its end; fails when nobody waits for it any more.
    left: oneshot::Receiver<()>,
    /// Becomes true when the server is stopped for good.
    stopped: watch::Receiver<bool>,
}

impl Guest {
    /// Gives the status for the client, if the guest has given no response.
    async fn run<B>(mut self, request: Request<B>, answers: oneshot::Sender<Given>) -> StatusCode
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        let given = Arc::new(OnceLock::new());
        let handle = {
            let (given, shared) = (given.clone(), self.shared.clone());
            let unfinished = Unfinished(Some(self.unfinished.clone()));
            async move |store: &mut Store<State>| {
                let mut unfinished = unfinished;
                let give = move |answer: Given| {
                    let status = answer.as_ref().map_or(StatusCode::BAD_GATEWAY, Response::status);
                    let _ = given.set(status);
                    // Nobody may be waiting for it any more.
                    let _ = answers.send(answer);
                };
                shared.handler.answer(store, request, give).await?;
                unfinished.0 = None;
                Ok(())
            }
        };
        let (limits, grants) = (&self.shared.limits, &self.shared.grants);
        let run = async {
            tokio::select! {
                result = self.shared.runtime.run_fresh(limits, grants, handle) => Some(result),
                () = abandoned(&mut self.left, &mut self.stopped) => None,
            }
        };
        let result = run.await;
        let given = given.get().copied();
        let (status, ended, captured) = match result {
            None => (StatusCode::SERVICE_UNAVAILABLE, Ended::Dropped, Captured::default()),
            Some(Ok(done)) if given.is_none() => {
                (StatusCode::BAD_GATEWAY, Ended::Silent(done.usage), done.captured)
            }
            Some(Ok(done)) => (StatusCode::OK, Ended::Done(done.usage), done.captured),
            Some(Err(RunError::Store(error))) => {
                (StatusCode::INTERNAL_SERVER_ERROR, Ended::NotRun(error), Captured::default())
            }
            Some(Err(RunError::Stopped(stopped))) => {
                (status_of(stopped.fault.kind()), Ended::Stopped(Box::new(stopped.fault)), stopped.captured)
            }
        };
        self.shared.tell(self.about.answered(given.unwrap_or(status), ended, captured));
        status
    }
}

/// Tells when it is dropped that a guest has not come to its end: it trapped, or the work was dropped half-way. Either
/// comes before its store goes.
struct Unfinished(Option<Arc<AtomicBool>>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(unfinished) = &self.0 {
            unfinished.store(true, Ordering::Release);
        }
    }
}

/// Waits until nobody waits for the guest.
async fn abandoned(left: &mut oneshot::Receiver<()>, stopped: &mut watch::Receiver<bool>) {
    let left = async {
        if left.await.is_ok() {
            // The client has all it wanted; what the guest does afterwards is bounded by its deadline.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = left => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

/// What a client is told of a guest that was stopped before it gave a response.
fn status_of(kind: &FaultKind) -> StatusCode {
    match kind {
        FaultKind::Budget(Exceeded::Deadline { .. }) => StatusCode::GATEWAY_TIMEOUT,
        FaultKind::Budget(Exceeded::Cancelled) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
