//! Standard output and standard error of WASI 0.3: what Wasmtime does, for as long as nothing was refused.

use wasmtime::component::{Access, FutureReader, HasData, StreamReader};
use wasmtime::{AsContextMut as _, Result};
use wasmtime_wasi::cli::{WasiCli, WasiCliCtxView};
use wasmtime_wasi::p3::bindings::cli::types::ErrorCode;
use wasmtime_wasi::p3::bindings::cli::{stderr, stdout};

use crate::p2::cli_view;
use crate::{HasWasi, OutputRefused};

/// Says that these interfaces are ours, on the state of Wasmtime's.
pub(super) struct Outputs;

impl HasData for Outputs {
    type Data<'a> = WasiCliCtxView<'a>;
}

impl<T: HasWasi> stdout::HostWithStore<T> for Outputs {
    fn write_via_stream(
        mut store: Access<'_, T, Self>,
        data: StreamReader<u8>,
    ) -> Result<FutureReader<Result<(), ErrorCode>>> {
        unless(store.data_mut().wasi().stdout.as_ref().and_then(|output| output.refused()))?;
        stdout::HostWithStore::write_via_stream(as_wasmtimes(&mut store), data)
    }
}

impl<T: HasWasi> stderr::HostWithStore<T> for Outputs {
    fn write_via_stream(
        mut store: Access<'_, T, Self>,
        data: StreamReader<u8>,
    ) -> Result<FutureReader<Result<(), ErrorCode>>> {
        unless(store.data_mut().wasi().stderr.as_ref().and_then(|output| output.refused()))?;
        stderr::HostWithStore::write_via_stream(as_wasmtimes(&mut store), data)
    }
}

/// Stops a guest that opens an output again after the limit was reached there: it was told so once, by the error of its stream,
/// and would go on for as long as its deadline lets it.
fn unless(refused: Option<OutputRefused>) -> Result<()> {
    refused.map_or(Ok(()), |refused| Err(refused.into()))
}

fn as_wasmtimes<'a, T: HasWasi + 'static>(store: &'a mut Access<'_, T, Outputs>) -> Access<'a, T, WasiCli> {
    Access::<T, WasiCli>::new(store.as_context_mut(), cli_view)
}
