//! `wasi:sockets/ip-name-lookup` with the policy before it, for every version of WASI.

use std::sync::Arc;

use wasmtime::component::HasData;
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::sockets::WasiSocketsCtxView;

use super::NetworkPolicy;
use crate::HasWasi;

/// Says that look-ups work on a [`NamesView`].
pub(crate) struct Names;

impl HasData for Names {
    type Data<'a> = NamesView<'a>;
}

pub(crate) struct NamesView<'a> {
    /// None for a context that was built elsewhere, whose own word then holds.
    pub(crate) policy: Option<Arc<NetworkPolicy>>,
    pub(crate) sockets: WasiSocketsCtxView<'a>,
}

/// The argument of the `add_to_linker` of the interface.
pub(crate) fn names_view<T: HasWasi>(data: &mut T) -> NamesView<'_> {
    let wasi = data.wasi();
    let policy = wasi.network.clone();
    let view = wasi.guarded.context.ctx();
    NamesView { policy, sockets: WasiSocketsCtxView { ctx: view.ctx.sockets(), table: view.table } }
}
