//! The component that echoes a string, by hand.

use std::time::Instant;

use wasmtime::component::{self, Linker};
use wasmtime::{Engine, Store};

use super::{Host, Ticker, answer, arm, caught, engine, store};
use crate::guests;
use crate::guests::bindings::{Echo, EchoPre};

pub(crate) struct Component {
    engine: Engine,
    plugin: EchoPre<Host>,
    _ticker: Ticker,
}

/// An instance that is kept.
pub(crate) struct KeptComponent {
    store: Store<Host>,
    plugin: Echo,
    _ticker: Ticker,
}

impl Component {
    pub(crate) fn new() -> Component {
        let engine = engine(true);
        let guest = guests::read("component-echo");
        let component = component::Component::from_binary(&engine, &guest).expect("it is a component");
        let mut linker = Linker::<Host>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("the linker is empty");
        let plugin = linker.instantiate_pre(&component).expect("it is linked");
        let plugin = EchoPre::new(plugin).expect("it is of the world");
        let ticker = Ticker::start(&engine);
        Component { engine, plugin, _ticker: ticker }
    }

    /// A call in a store of its own.
    pub(crate) async fn fresh(&self, text: &str) -> String {
        let begun = Instant::now();
        let mut store = store(&self.engine);
        arm(&mut store, begun);
        let work = async {
            let plugin = self.plugin.instantiate_async(&mut store).await?;
            plugin.call_process(&mut store, text).await
        };
        let value = caught(work).await.expect("it works");
        answer(&mut store, begun, value).value
    }

    pub(crate) async fn kept(&self) -> KeptComponent {
        let mut store = store(&self.engine);
        arm(&mut store, Instant::now());
        let plugin = self.plugin.instantiate_async(&mut store).await.expect("it is linked");
        KeptComponent { store, plugin, _ticker: Ticker::start(&self.engine) }
    }
}

impl KeptComponent {
    /// A call with limits of its own, in the same instance as the one before.
    pub(crate) async fn call(&mut self, text: &str) -> String {
        let begun = Instant::now();
        arm(&mut self.store, begun);
        let value = caught(self.plugin.call_process(&mut self.store, text)).await.expect("it works");
        answer(&mut self.store, begun, value).value
    }
}
