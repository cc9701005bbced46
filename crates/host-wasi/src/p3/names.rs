//! `wasi:sockets/ip-name-lookup` of WASI 0.3, with the network policy before it.

use wasmtime::component::Accessor;
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup::{ErrorCode, Host, HostWithStore};
use wasmtime_wasi::p3::bindings::sockets::types::IpAddress;
use wasmtime_wasi::sockets::WasiSockets;

use crate::HasWasi;
use crate::network::{LookUpError, Names, NamesView};
use crate::p2::sockets_view;

impl Host for NamesView<'_> {}

impl<T: HasWasi + 'static> HostWithStore<T> for Names {
    async fn resolve_addresses(
        store: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<Vec<IpAddress>, ErrorCode>> {
        let Some(policy) = store.with(|mut view| view.get().policy) else {
            let store = store.with_getter::<WasiSockets>(sockets_view);
            return WasiSockets::resolve_addresses(&store, name).await;
        };
        Ok(match policy.look_up(name).await {
            Ok(addresses) => Ok(addresses.into_iter().map(|address| address.to_canonical().into()).collect()),
            Err(LookUpError::Denied) => Err(ErrorCode::AccessDenied),
            Err(LookUpError::NotAName) => Err(ErrorCode::InvalidArgument),
            Err(LookUpError::TooMany) => Err(ErrorCode::TemporaryResolverFailure),
            Err(LookUpError::Failed) => Err(ErrorCode::NameUnresolvable),
        })
    }
}
