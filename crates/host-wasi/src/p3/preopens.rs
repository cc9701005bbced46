//! Which directories does a guest of WASI 0.3 see?

use std::collections::BTreeSet;

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p3::bindings::filesystem::preopens;

use crate::Wasi;

/// Says that `wasi:filesystem/preopens` works on the whole state, which knows the grants.
pub(super) struct Preopens;

impl HasData for Preopens {
    type Data<'a> = &'a mut Wasi;
}

impl preopens::Host for Wasi {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        preopens_without_quota(self)
    }
}

/// The directories without a quota: what a guest of WASI 0.3 writes goes to the file system directly, past what would hold
/// a quota. A directory that has one has to be left out here.
fn preopens_without_quota(wasi: &mut Wasi) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
    let with_quota: BTreeSet<usize> = wasi.directories_with_quota().collect();
    let view = wasi.view();
    let mut view = WasiFilesystemCtxView { ctx: view.ctx.filesystem(), table: view.table };
    let mut shown = Vec::new();
    for (index, (directory, guest)) in preopens::Host::get_directories(&mut view)?.into_iter().enumerate() {
        if with_quota.contains(&index) {
            view.table.delete(directory)?;
        } else {
            shown.push((directory, guest));
        }
    }
    Ok(shown)
}
