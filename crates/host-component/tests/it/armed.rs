//! A host under limits, for plugins of either version: stores that are armed, and calls that are guarded.

use host_component::interfaces::storage::{HasStorage, Storage, StorageLimits};
use host_component::plugin::{self, Plugin, PluginPre};
use host_component::{HasLog, Log};
use host_core::Profile;
use host_limits::{HasMeter, Limits, Meter, Ticker, arm, arm_async};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// What one plugin's store holds.
pub(crate) struct Data {
    pub(crate) meter: Meter,
    pub(crate) log: Log,
    pub(crate) storage: Storage,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl HasMeter for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl HasLog for Data {
    fn log(&mut self) -> &mut Log {
        &mut self.log
    }
}

impl HasStorage for Data {
    fn storage(&mut self) -> &mut Storage {
        &mut self.storage
    }
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// An engine that can hold `limits`, and a linker that offers both versions of the world.
pub(crate) struct Armed {
    pub(crate) limits: Limits,
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    pub(crate) linker: Linker<Data>,
}

impl Armed {
    pub(crate) fn new(limits: Limits) -> Armed {
        let mut config = Profile::Untrusted.config();
        config.concurrency_support(false);
        let engine = Engine::new(limits.configure(&mut config)).unwrap();
        let ticker = Ticker::start(&engine).unwrap();
        let mut linker = Linker::new(&engine);
        plugin::add_to_linker(&mut linker).unwrap();
        Armed { limits, engine, ticker, linker }
    }

    /// With WASI for sync stores.
    pub(crate) fn sync(limits: Limits) -> Armed {
        let mut armed = Armed::new(limits);
        wasmtime_wasi::p2::add_to_linker_sync(&mut armed.linker).unwrap();
        armed
    }

    /// With WASI for async stores.
    pub(crate) fn asynchronous(limits: Limits) -> Armed {
        let mut armed = Armed::new(limits);
        wasmtime_wasi::p2::add_to_linker_async(&mut armed.linker).unwrap();
        armed
    }

    fn unarmed(&self, storage: StorageLimits) -> Store<Data> {
        let data = Data {
            meter: Meter::new(self.limits.clone()),
            log: Log::new(),
            storage: Storage::with_limits(storage).with_bucket("counts").with_bucket("hoard"),
            wasi: WasiCtxBuilder::new().build(),
            table: ResourceTable::new(),
        };
        Store::new(&self.engine, data)
    }

    pub(crate) fn store(&self) -> Store<Data> {
        self.store_with(StorageLimits::default())
    }

    pub(crate) fn store_with(&self, storage: StorageLimits) -> Store<Data> {
        let mut store = self.unarmed(storage);
        arm(&mut store, &self.ticker).unwrap();
        store
    }

    pub(crate) fn async_store(&self) -> Store<Data> {
        let mut store = self.unarmed(StorageLimits::default());
        arm_async(&mut store, &self.ticker).unwrap();
        store
    }

    /// The guest `name`, such as `plugins/greeter`, linked.
    pub(crate) fn pre(&self, name: &str) -> PluginPre<Data> {
        let component = Component::from_file(&self.engine, fixtures::path(name)).unwrap();
        PluginPre::new(self.linker.instantiate_pre(&component).unwrap()).unwrap()
    }

    /// The guest `name`, in a store of its own.
    pub(crate) fn plugin(&self, name: &str) -> (Store<Data>, Plugin) {
        let mut store = self.store();
        let plugin = self.pre(name).instantiate(&mut store).unwrap();
        (store, plugin)
    }
}
