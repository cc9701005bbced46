//! `wasi:sockets/ip-name-lookup` of WASI 0.3, with the network policy before it.

use wasmtime::component::{Accessor, HasData};
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup::{ErrorCode, HostWithStore};
use wasmtime_wasi::p3::bindings::sockets::types::IpAddress;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtxView};

use crate::HasWasi;
use crate::network::LookUpError;
use crate::p2::sockets_view;

/// Says that the interface is ours, on the state of Wasmtime's.
pub(super) struct Names;

impl HasData for Names {
    type Data<'a> = WasiSocketsCtxView<'a>;
}

impl<T: HasWasi> HostWithStore<T> for Names {
    async fn resolve_addresses(
        store: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<Vec<IpAddress>, ErrorCode>> {
        let Some(policy) = store.with(|mut store| store.data_mut().wasi().network.clone()) else {
            // A context that was built elsewhere, whose own word holds.
            let store = store.with_getter::<WasiSockets>(sockets_view);
            return HostWithStore::resolve_addresses(&store, name).await;
        };
        Ok(match policy.look_up(name).await {
            Ok(found) => Ok(found.into_iter().map(|address| address.to_canonical().into()).collect()),
            Err(error) => Err(match error {
                LookUpError::Denied => ErrorCode::AccessDenied,
                LookUpError::NotAName => ErrorCode::InvalidArgument,
                LookUpError::TooMany => ErrorCode::TemporaryResolverFailure,
                LookUpError::Failed => ErrorCode::NameUnresolvable,
            }),
        })
    }
}
