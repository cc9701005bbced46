//! A graph of three components in three languages: documents of the first are lent to the others and given away.

use host_component::compose::{Components, Composition, HasComposition};
use host_component::{find, json};
use std::path::Path;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::host::{built, compile, wasi_alone};

struct Host {
    composition: Composition,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl HasComposition for Host {
    fn composition(&mut self) -> &mut Composition {
        &mut self.composition
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

fn reports(first: &Path, second: &Path) {
    let engine = Engine::default();
    let third = compile(&engine, &fixtures::path("chain/third"));
    let run = find(&third, "my-org:chain/report@0.1.0#run").unwrap();
    let components = Components::new()
        .add("report", third)
        .and_then(|components| components.add("titles", compile(&engine, second)))
        .and_then(|components| components.add("words", compile(&engine, first)))
        .unwrap();
    assert_eq!(components.order().unwrap(), ["words", "titles", "report"]);

    let linked = components.link(&wasi_alone(&engine)).unwrap();
    let mut store = Store::new(
        &engine,
        Host {
            composition: Composition::new().with_resource_limit(10),
            wasi: WasiCtxBuilder::new().build(),
            table: ResourceTable::new(),
        },
    );
    let instances = linked.instantiate(&mut store).unwrap();
    let mut report = |text: &str| {
        let arguments = json::arguments(&run, &serde_json::json!([text])).unwrap();
        let results = instances.call(&mut store, "report", &run, &arguments).unwrap();
        json::results(&results).unwrap()
    };
    assert_eq!(report("the quick fox"), "The Quick Fox (3 words, longest: quick)");
    assert_eq!(report(" früh  am\nMorgen "), "Früh Am Morgen (3 words, longest: Morgen)");
    assert_eq!(report(""), " (0 words, longest: none)");
    // More documents than there may be at a time: each is given back.
    for _ in 0..20 {
        assert_eq!(report("a bb"), "A Bb (2 words, longest: bb)");
    }
    assert_eq!(store.data().composition.resources(), 0);
}

#[test]
fn javascript_and_c_and_rust() {
    reports(&built("javascript-words"), &built("c-titles"));
}

#[test]
fn python_and_c_and_rust() {
    reports(&built("python-words"), &built("c-titles"));
}
