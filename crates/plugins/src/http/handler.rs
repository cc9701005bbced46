//! A component that answers requests, of either version of `wasi:http`.

#[cfg(feature = "p3")]
mod service;

use bytes::Bytes;
use host_wasi::HasWasi;
use host_wasi::http::wasmtime_wasi_http::p2::bindings::ProxyPre;
use host_wasi::http::wasmtime_wasi_http::p2::bindings::http::types::Scheme;
#[cfg(feature = "p3")]
use host_wasi::http::wasmtime_wasi_http::p3::bindings::ServicePre;
use host_wasi::http::wasmtime_wasi_http::{Error, WasiBody};
use hyper::body::Body;
use hyper::{Request, Response};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::state::State;

/// What a guest answers with: a response, or nothing if it says that it has failed.
pub(crate) type Given = Option<Response<WasiBody>>;

pub(crate) enum Handler {
    /// It exports `wasi:http/incoming-handler`.
    Proxy(ProxyPre<State>),
    /// It exports `wasi:http/handler`, of WASI 0.3.
    #[cfg(feature = "p3")]
    Service(ServicePre<State>),
}

impl Handler {
    /// The handler that a component exports, if it does; of two the newer one.
    pub(crate) fn of(instance: &InstancePre<State>) -> Option<Handler> {
        #[cfg(feature = "p3")]
        if let Ok(service) = ServicePre::new(instance.clone()) {
            return Some(Handler::Service(service));
        }
        ProxyPre::new(instance.clone()).ok().map(Handler::Proxy)
    }

    /// Has a fresh instance answer `request`, and is done when the guest is, which may be after it gave its response.
    pub(crate) async fn answer<B>(
        &self,
        store: &mut Store<State>,
        request: Request<B>,
        give: impl FnOnce(Given) + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        match self {
            Handler::Proxy(handler) => {
                let mut http = store.data_mut().wasi().http();
                let request = http.new_incoming_request(Scheme::Http, request)?;
                let answer =
                    http.new_response_outparam_from_callback(move |answer: Result<_, _>| give(answer.ok()))?;
                let handler = handler.instantiate_async(&mut *store).await?;
                handler.wasi_http_incoming_handler().call_handle(store, request, answer).await
            }
            #[cfg(feature = "p3")]
            Handler::Service(handler) => {
                let handler = handler.instantiate_async(&mut *store).await?;
                service::answer(&handler, store, request, give).await
            }
        }
    }
}
