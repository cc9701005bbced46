//! What are the guests given, and where are they?

use std::env;
use std::path::{Path, PathBuf};

use host_component::{HasLog, Log};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// Where the guests are that `cargo xtask suite languages` built.
const VARIABLE: &str = "LANGUAGES";

/// The component `name` that was built for this.
pub(crate) fn built(name: &str) -> PathBuf {
    let folder = env::var_os(VARIABLE)
        .unwrap_or_else(|| panic!("{VARIABLE} is not set; run `cargo xtask suite languages`"));
    PathBuf::from(folder).join(format!("{name}.wasm"))
}

/// A host that gives `log`, and of WASI nothing but its functions: no files, no network, no arguments.
pub(crate) struct Host {
    log: Log,
    wasi: WasiCtx,
    table: ResourceTable,
    /// Used where a test says so.
    pub(crate) limits: StoreLimits,
}

impl Host {
    pub(crate) fn new() -> Host {
        Host {
            log: Log::new(),
            wasi: WasiCtxBuilder::new().build(),
            table: ResourceTable::new(),
            limits: StoreLimitsBuilder::new().memory_size(256 << 20).trap_on_grow_failure(true).build(),
        }
    }
}

impl HasLog for Host {
    fn log(&mut self) -> &mut Log {
        &mut self.log
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

pub(crate) fn compile(engine: &Engine, file: &Path) -> Component {
    Component::from_file(engine, file).unwrap_or_else(|error| panic!("{}: {error:#}", file.display()))
}

/// WASI 0.2, and not the log.
pub(crate) fn wasi_alone<T: WasiView + 'static>(engine: &Engine) -> Linker<T> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    linker
}
