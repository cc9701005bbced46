//! `wasi:http` of WASI 0.3, over the same state and under the same rules as that of 0.2.

use hyper::http::uri::PathAndQuery;
use wasmtime::component::{Accessor, HasData, Linker, Resource};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::{client, types};
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtxView};

use crate::HasWasi;
use crate::http::view;

/// Adds those of the interfaces that are wanted.
pub(super) fn add<T: HasWasi + 'static>(
    linker: &mut Linker<T>,
    wanted: impl Fn(&str) -> bool,
) -> wasmtime::Result<()> {
    if wanted("http/client") {
        client::add_to_linker::<T, Client>(linker, view)?;
    }
    if wanted("http/types") {
        types::add_to_linker::<T, WasiHttp>(linker, view)?;
    }
    Ok(())
}

/// Says that the client is ours, on the state of Wasmtime's.
struct Client;

impl HasData for Client {
    type Data<'a> = WasiHttpCtxView<'a>;
}

impl<T: HasWasi + 'static> client::HostWithStore<T> for Client {
    /// What Wasmtime does, but a request without a path is one for the root, and not refused.
    async fn send(
        store: &Accessor<T, Self>,
        request: Resource<Request>,
    ) -> Result<Resource<Response>, TrappableError<types::ErrorCode>> {
        store.with(|mut store| {
            let found = store.get().table.get_mut(&request);
            let found = found.map_err(|error| TrappableError::trap(wasmtime::Error::from(error)))?;
            found.path_with_query.get_or_insert(PathAndQuery::from_static("/"));
            Ok::<(), TrappableError<types::ErrorCode>>(())
        })?;
        WasiHttp::send(&store.with_getter::<WasiHttp>(view), request).await
    }
}
