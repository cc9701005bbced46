//! `wasi:http` for components: requests to others under the network rules, and what a server of requests needs.
//!
//! What a guest may ask for is said by the `http` and `https` [rules](crate::NetworkRule). Each request is checked by
//! itself, in the form in which it is sent: its URL, then every address that its host has, and the connection goes to
//! the very address that was checked. The host follows no redirect; a guest that does so sends a new request. The
//! `Host` header is always that of the URL.
//!
//! A guest that serves requests, a component of the world `wasi:http/proxy`, finds all it imports in the linkers of
//! this module together with those of [`p2`](crate::p2). Its host hands it requests through [`Wasi::http`]:
//!
//! ```no_run
//! use host_wasi::{Grants, Wasi, http, p2};
//! use wasmtime::component::Linker;
//! # let engine = wasmtime::Engine::default();
//! let mut linker: Linker<Wasi> = Linker::new(&engine);
//! p2::add_to_linker_async(&mut linker)?;
//! http::add_to_linker_async(&mut linker)?;
//! # Ok::<(), wasmtime::Error>(())
//! ```

mod body;
mod client;
mod connect;
mod errors;
mod hooks;
mod options;

use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings;
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtxView};

use crate::{HasWasi, Wasi};

pub(crate) use hooks::Http;
pub use options::HttpOptions;

/// The crate whose TLS settings [`HttpOptions::tls`] takes.
pub use tokio_rustls::rustls;
/// The crate whose `wasi:http` this one grants, so that a way down never means a second version of it.
pub use wasmtime_wasi_http;

/// The interfaces that [`add_to_linker_sync`] and [`add_to_linker_async`] add, in the newest version they serve.
pub const INTERFACES: &[&str] = &["wasi:http/outgoing-handler@0.2.12", "wasi:http/types@0.2.12"];

/// Adds `wasi:http` to a `linker` that has [`p2::add_to_linker_sync`](crate::p2::add_to_linker_sync), for stores
/// called with `call`. A component may name any version 0.2.x.
///
/// # Errors
///
/// One of the interfaces is defined already.
pub fn add_to_linker_sync<T: HasWasi + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_sync(linker, |_| true)
}

/// Adds `wasi:http` to a `linker` that has [`p2::add_to_linker_async`](crate::p2::add_to_linker_async), for stores
/// called with `call_async` in a Tokio runtime. A component may name any version 0.2.x.
///
/// # Errors
///
/// One of the interfaces is defined already.
pub fn add_to_linker_async<T: HasWasi + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_async(linker, |_| true)
}

/// Adds those of the interfaces that are wanted, for the strict linkers too.
pub(crate) fn add_sync<T: HasWasi + 'static>(
    linker: &mut Linker<T>,
    wanted: impl Fn(&str) -> bool,
) -> wasmtime::Result<()> {
    use bindings::sync::http::{outgoing_handler, types};
    if wanted("http/outgoing-handler") {
        outgoing_handler::add_to_linker::<T, WasiHttp>(linker, view)?;
    }
    if wanted("http/types") {
        types::add_to_linker::<T, WasiHttp>(linker, &bindings::http::types::LinkOptions::default(), view)?;
    }
    Ok(())
}

/// As [`add_sync`], for asynchronous stores.
pub(crate) fn add_async<T: HasWasi + 'static>(
    linker: &mut Linker<T>,
    wanted: impl Fn(&str) -> bool,
) -> wasmtime::Result<()> {
    use bindings::http::{outgoing_handler, types};
    if wanted("http/outgoing-handler") {
        outgoing_handler::add_to_linker::<T, WasiHttp>(linker, view)?;
    }
    if wanted("http/types") {
        types::add_to_linker::<T, WasiHttp>(linker, &types::LinkOptions::default(), view)?;
    }
    Ok(())
}

pub(crate) fn view<T: HasWasi>(data: &mut T) -> WasiHttpCtxView<'_> {
    data.wasi().http()
}

impl Wasi {
    /// The way down to wasmtime-wasi-http, for instance to hand the guest a request with
    /// [`new_incoming_request`](WasiHttpCtxView::new_incoming_request). A context that was built with wasmtime-wasi
    /// alone may send no request.
    pub fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.http.view(wasmtime_wasi::WasiView::ctx(&mut self.guarded.context).table)
    }
}
