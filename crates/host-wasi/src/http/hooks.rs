//! What wasmtime-wasi-http asks of this crate.

use std::future::Future;
use std::sync::Arc;

use hyper::{Request, Response};
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks};

use super::HttpOptions;
use super::client::Client;
use crate::network::{NetworkPolicy, Slots};

/// How many bytes of a body are taken from the guest at a time.
const LARGEST_CHUNK: usize = 64 * 1024;

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
        LARGEST_CHUNK
    }

    #[cfg(feature = "p3")]
    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        LARGEST_CHUNK
    }
}
