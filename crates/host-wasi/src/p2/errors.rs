//! `wasi:io/error`, telling a guest what went wrong and nothing of the host.

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::io::error::{Error, Host, HostError};

use crate::HasWasi;

/// Says that errors are told by an [`ErrorsView`].
pub(super) struct Errors;

impl HasData for Errors {
    type Data<'a> = ErrorsView<'a>;
}

pub(super) struct ErrorsView<'a>(&'a mut ResourceTable);

pub(super) fn view<T: HasWasi>(data: &mut T) -> ErrorsView<'_> {
    ErrorsView(data.wasi().view().table)
}

impl Host for ErrorsView<'_> {}

impl HostError for ErrorsView<'_> {
    /// Not the error's debug form, which wasmtime-wasi gives: that has a backtrace of this process in it, if the
    /// operator has asked for backtraces.
    fn to_debug_string(&mut self, error: Resource<Error>) -> wasmtime::Result<String> {
        Ok(format!("{:#}", self.0.get(&error)?))
    }

    fn drop(&mut self, error: Resource<Error>) -> wasmtime::Result<()> {
        self.0.delete(error)?;
        Ok(())
    }
}
