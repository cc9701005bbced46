//! The bindings of the plugin world, against a real plugin.

use host_component::bindings::{asynchronous, sync};
use host_component::{HasLog, Log, log};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store};

use crate::guests::{Host, plugin, plugin_linker};

#[test]
fn a_plugin_is_called_through_the_sync_bindings() {
    let engine = Engine::default();
    let linker = plugin_linker(&engine);
    let pre = sync::MyPluginPre::new(linker.instantiate_pre(&plugin(&engine, "greeter")).unwrap()).unwrap();
    let mut store = Store::new(&engine, Host::new(Log::new()));
    let bindings = pre.instantiate(&mut store).unwrap();
    let api = bindings.my_org_my_plugin_plugin_api();
    assert_eq!(api.call_get_version(&mut store).unwrap(), "0.1.0");
    assert_eq!(api.call_process(&mut store, "Ada").unwrap().as_deref(), Ok("Hello, Ada!"));
    assert_eq!(api.call_process(&mut store, "").unwrap().unwrap_err(), "nobody to greet");
    assert_eq!(store.data_mut().log().lines()[0], "greeting Ada");
}

#[test]
fn two_different_plugins_serve_one_host() {
    let engine = Engine::default();
    let linker = plugin_linker(&engine);
    let process = |name: &str| {
        let mut store = Store::new(&engine, Host::new(Log::new()));
        let bindings = sync::MyPlugin::instantiate(&mut store, &plugin(&engine, name), &linker).unwrap();
        bindings.my_org_my_plugin_plugin_api().call_process(&mut store, "ada").unwrap().unwrap()
    };
    assert_eq!([process("greeter"), process("shout")], ["Hello, ada!", "ADA"]);
}

#[tokio::test]
async fn a_plugin_is_called_through_the_async_bindings_with_the_same_log() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    log::add_to_linker(&mut linker).unwrap();
    let mut store = Store::new(&engine, Host::new(Log::new()));
    let component = plugin(&engine, "greeter");
    let bindings = asynchronous::MyPlugin::instantiate_async(&mut store, &component, &linker).await.unwrap();
    let answer = bindings.my_org_my_plugin_plugin_api().call_process(&mut store, "Ada").await.unwrap();
    assert_eq!(answer.as_deref(), Ok("Hello, Ada!"));
    assert_eq!(store.data_mut().log().lines()[0], "greeting Ada");
}

#[test]
fn a_host_may_serve_the_import_itself() {
    struct Loud(Vec<String>);
    impl sync::MyPluginImports for Loud {
        fn log(&mut self, message: String) {
            self.0.push(message.to_uppercase());
        }
    }
    let engine = Engine::default();
    let component = Component::new(&engine, crate::log::CHATTY).unwrap();
    let mut linker = Linker::new(&engine);
    sync::MyPlugin::add_to_linker::<_, HasSelf<Loud>>(&mut linker, |host| host).unwrap();
    let mut store = Store::new(&engine, Loud(Vec::new()));
    let instance = linker.instantiate(&mut store, &component).unwrap();
    instance.get_typed_func::<(u32, u32), ()>(&mut store, "say").unwrap().call(&mut store, (2, 5)).unwrap();
    assert_eq!(store.data().0, ["XXXXX", "XXXXX"]);
}

#[test]
fn a_component_of_another_world_is_refused_before_it_runs() {
    let engine = Engine::default();
    let component = Component::new(&engine, crate::guests::ARITHMETIC).unwrap();
    let pre = Linker::<Host>::new(&engine).instantiate_pre(&component).unwrap();
    assert!(sync::MyPluginPre::new(pre).is_err());
}
