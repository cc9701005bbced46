//! wasmtime-wasi's state of one guest, with the guard before its files.

use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;
use wasmtime_wasi::{ResourceTable, WasiView as _};

use crate::Wasi;
use crate::denial::Denials;
use crate::files::guard::{Guard, Place, descriptor_of};

/// The guest's calls go through this, never to the context alone.
pub(crate) struct Guarded {
    pub(crate) context: WasiP1Ctx,
    pub(crate) guard: Guard,
    /// How much the host may copy for the call of WASI 0.1 that is being served, in bytes.
    pub(crate) fuel: usize,
}

impl Guarded {
    /// `places` are the context's directories, in their order; of others nothing is known but their paths.
    pub(crate) fn new(
        mut context: WasiP1Ctx,
        places: Vec<Place>,
        denials: Denials,
        max_listing: usize,
    ) -> Self {
        let shown = shown(&mut context);
        let known = places.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        let shown = shown.into_iter().zip(known).map(|((descriptor, guest), place)| {
            (descriptor, place.unwrap_or(Place { guest, missing: None, account: None }))
        });
        let guard = Guard::new(shown.collect(), denials, max_listing);
        Self { context, guard, fuel: 0 }
    }

    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        self.context.ctx().table
    }
}

impl From<WasiP1Ctx> for Guarded {
    fn from(context: WasiP1Ctx) -> Self {
        Self::new(context, Vec::new(), Denials::default(), Wasi::DEFAULT_MAX_LISTING)
    }
}

/// The directories that a context shows, and under which paths. A table without room for them shows none to the
/// guest either.
fn shown(context: &mut WasiP1Ctx) -> Vec<(Descriptor, String)> {
    let view = context.ctx();
    let mut files = WasiFilesystemCtxView { ctx: view.ctx.filesystem(), table: view.table };
    let mut shown = Vec::new();
    for (descriptor, guest) in files.get_directories().unwrap_or_default() {
        shown.extend(descriptor_of(files.table, descriptor.rep()).map(|shown| (shown, guest)));
        // It was put there a moment ago.
        let _ = files.table.delete(descriptor);
    }
    shown
}
