//! One request to a component of the world `wasi:http/service`.

use std::future::poll_fn;

use bytes::Bytes;
use host_wasi::HasWasi;
use host_wasi::http::wasmtime_wasi_http::p3::Request as GuestRequest;
use host_wasi::http::wasmtime_wasi_http::p3::bindings::Service;
use host_wasi::http::wasmtime_wasi_http::{Error, FieldMap, WasiHttpCtxView, WasiHttpHooks};
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Body;
use hyper::header::HOST;
use hyper::http::uri::Scheme;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::Accessor;

use super::Given;
use crate::state::State;

/// Is done when no task of the guest's is left, and what it gave has been sent or dropped.
pub(super) async fn answer<B>(
    handler: &Service,
    store: &mut Store<State>,
    request: Request<B>,
    give: impl FnOnce(Given),
) -> wasmtime::Result<()>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Error>,
{
    let http = view(store.data_mut());
    let request = http.table.push(guest_request(http.hooks, request))?;
    // Not `call_concurrent`, which would let a guest that waits for nothing wait until its deadline.
    let handle = handler.wasi_http_handler().func_handle();
    let Ok(response) = handle.call_async(&mut *store, (request,)).await?.0 else {
        give(None);
        return rest(store, None).await;
    };
    let response = view(store.data_mut()).table.delete(response)?;
    let response = response.into_http_with_getter(&mut *store, async { Ok(()) }, view)?;
    // Goes with the body, whether it was read or not.
    let (held, sent) = oneshot::channel();
    give(Some(response.map(|body| {
        let held: oneshot::Sender<()> = held;
        body.map_frame(move |frame| {
            let _ = &held;
            frame
        })
        .boxed_unsync()
    })));
    rest(store, Some(sent)).await
}

/// Lets the guest run on after it has answered: it writes the body, and may do more.
async fn rest(store: &mut Store<State>, sent: Option<oneshot::Receiver<()>>) -> wasmtime::Result<()> {
    let rest = async |store: &Accessor<State>| {
        poll_fn(|context| store.poll_no_interesting_tasks(context)).await;
        if let Some(sent) = sent {
            // Its sender is only ever dropped.
            let _ = sent.await;
        }
    };
    store.run_concurrent(rest).await
}

/// The request as the guest sees it: with the scheme and the authority that the client meant.
fn guest_request<B>(hooks: &mut dyn WasiHttpHooks, request: Request<B>) -> GuestRequest
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Error>,
{
    let (parts, body) = request.into_parts();
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    let authority = parts.uri.authority().cloned().or(host);
    let path = parts.uri.path_and_query().cloned();
    let headers = FieldMap::new_immutable(hooks, parts.headers);
    let (request, _) =
        GuestRequest::new(parts.method, Some(Scheme::HTTP), authority, path, headers, None, body);
    request
}

fn view(state: &mut State) -> WasiHttpCtxView<'_> {
    state.wasi().http()
}
