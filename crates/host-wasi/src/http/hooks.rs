//! What wasmtime-wasi-http asks of this crate.

use std::future::Future;
use std::sync::Arc;

use hyper::{Request, Response};
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks};

use super::HttpOptions;
use super::client::Client;
use crate::network::{NetworkPolicy, Slots};

/// The part of a `Wasi` that stands behind `wasi:http`.
pub(crate) struct Http {
    context: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks {
    options: HttpOptions,
    policy: Arc<NetworkPolicy>,
    slots: Slots,
}

impl Http {
    pub(crate) fn new(options: &HttpOptions, policy: Arc<NetworkPolicy>) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(options.max_header_size);
        let slots = Slots::new(options.max_requests);
        Self { context, hooks: Hooks { options: options.clone(), policy, slots } }
    }

    pub(super) fn view<'a>(&'a mut self, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView { hooks: &mut self.hooks, table, ctx: &mut self.context }
    }
}

/// What goes on after a response has begun: the connection.
pub(super) type Rest = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    // It is set from the URL as it was checked.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _rest_of_request: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Rest), Error>> + Send> {
        // Taken here and not when it is first polled, so that it counts from now on.
        let slot = self.slots.take();
        let client = Client::new(&self.options, options.unwrap_or_default(), self.policy.clone());
        Box::new(async move {
            let slot = slot.ok_or(Error::ConnectionLimitReached)?;
            client.send(request, slot).await
        })
    }

    // One body holds two chunks, and a guest may open as many bodies as it may open anything.
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        64 * 1024
    }

    fn p2_error_from_hyper(&mut self, error: &hyper::Error) -> ErrorCode {
        if error.is_parse_too_large() {
            ErrorCode::HttpResponseHeaderSectionSize(None)
        } else if error.is_incomplete_message() {
            ErrorCode::HttpResponseIncomplete
        } else if error.is_timeout() {
            ErrorCode::HttpResponseTimeout
        } else {
            ErrorCode::HttpProtocolError
        }
    }
}
