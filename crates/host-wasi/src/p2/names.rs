//! `wasi:sockets/ip-name-lookup`, with the network policy before it.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::vec;

use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, Host, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, HostNetwork, IpAddress};
use wasmtime_wasi::p2::{DynPollable, Network, Pollable, SocketError, subscribe};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, poll_noop, spawn};
use wasmtime_wasi::sockets::WasiSocketsCtxView;

use crate::HasWasi;
use crate::network::{LookUpError, NetworkPolicy};

pub(crate) fn add_to_linker<T: HasWasi + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    ip_name_lookup::add_to_linker::<T, Names>(linker, |data| {
        let wasi = data.wasi();
        let policy = wasi.network.clone();
        NamesView { policy, sockets: super::sockets_view(wasi) }
    })
}

struct Names;

impl HasData for Names {
    type Data<'a> = NamesView<'a>;
}

struct NamesView<'a> {
    /// None for a context that was built elsewhere, whose own word then holds.
    policy: Option<Arc<NetworkPolicy>>,
    sockets: WasiSocketsCtxView<'a>,
}

/// What stands behind the guest's stream. The handle is typed as wasmtime-wasi's, whose own type cannot be made here;
/// only the functions below ever look behind it.
enum LookUp {
    Running(AbortOnDropJoinHandle<Result<Vec<IpAddr>, LookUpError>>),
    Found(vec::IntoIter<IpAddr>),
    Failed(ErrorCode),
}

impl LookUp {
    fn ended(result: Result<Vec<IpAddr>, LookUpError>) -> Self {
        match result {
            Ok(addresses) => LookUp::Found(addresses.into_iter()),
            Err(error) => LookUp::Failed(match error {
                LookUpError::Denied => ErrorCode::AccessDenied,
                LookUpError::NotAName => ErrorCode::InvalidArgument,
                LookUpError::TooMany => ErrorCode::TemporaryResolverFailure,
                LookUpError::Failed => ErrorCode::NameUnresolvable,
            }),
        }
    }
}

#[async_trait]
impl Pollable for LookUp {
    async fn ready(&mut self) {
        if let LookUp::Running(task) = self {
            *self = LookUp::ended(task.await);
        }
    }
}

impl NamesView<'_> {
    fn look_up(&self, stream: &Resource<ResolveAddressStream>) -> Resource<LookUp> {
        Resource::new_borrow(stream.rep())
    }
}

impl HostNetwork for NamesView<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        HostNetwork::drop(&mut self.sockets, network)
    }
}

impl network::Host for NamesView<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets.convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime_wasi::p2::bindings::io::error::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets.network_error_code(error)
    }
}

impl Host for NamesView<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        let Some(policy) = &self.policy else { return self.sockets.resolve_addresses(network, name) };
        // The handle is the right to ask; it says nothing more.
        self.sockets.table.get(&network)?;
        let look_up = LookUp::Running(spawn(policy.clone().look_up(name)));
        let look_up = self.sockets.table.push(look_up)?;
        Ok(Resource::new_own(look_up.rep()))
    }
}

impl HostResolveAddressStream for NamesView<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        if self.policy.is_none() {
            return self.sockets.resolve_next_address(stream);
        }
        let look_up = self.look_up(&stream);
        let look_up = self.sockets.table.get_mut(&look_up)?;
        // A guest may ask again and again instead of waiting.
        poll_noop(pin!(look_up.ready()));
        match look_up {
            LookUp::Running(_) => Err(ErrorCode::WouldBlock.into()),
            LookUp::Found(addresses) => Ok(addresses.next().map(|address| address.to_canonical().into())),
            LookUp::Failed(code) => Err((*code).into()),
        }
    }

    fn subscribe(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        if self.policy.is_none() {
            return self.sockets.subscribe(stream);
        }
        let look_up = self.look_up(&stream);
        subscribe(self.sockets.table, look_up)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        if self.policy.is_none() {
            return HostResolveAddressStream::drop(&mut self.sockets, stream);
        }
        self.sockets.table.delete(Resource::<LookUp>::new_own(stream.rep()))?;
        Ok(())
    }
}
