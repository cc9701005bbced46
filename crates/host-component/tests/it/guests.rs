//! The guests and stores the tests share.

use host_component::{HasLog, Log};
use wasmtime::component::{Component, Instance, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// A host that grants a plugin nothing but `log`.
pub(crate) struct Host {
    log: Log,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl Host {
    pub(crate) fn new(log: Log) -> Host {
        Host { log, wasi: WasiCtxBuilder::new().build(), table: ResourceTable::new() }
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

/// The plugin `name` as built by `cargo xtask guests`.
pub(crate) fn plugin(engine: &Engine, name: &str) -> Component {
    Component::from_file(engine, fixtures::path(&format!("plugins/{name}"))).unwrap()
}

/// A linker with `log` and WASI, for sync stores.
pub(crate) fn plugin_linker(engine: &Engine) -> Linker<Host> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    host_component::log::add_to_linker(&mut linker).unwrap();
    linker
}

/// A component that needs nothing, and a store with one instance of it.
pub(crate) struct Alone {
    pub(crate) component: Component,
    pub(crate) store: Store<()>,
    pub(crate) instance: Instance,
}

impl Alone {
    pub(crate) fn new(wat: &str) -> Alone {
        // With concurrency, an instance is lost after a mistake of the host's.
        let engine = Engine::new(Config::new().concurrency_support(false)).unwrap();
        let component = Component::new(&engine, wat).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &component).unwrap();
        Alone { component, store, instance }
    }
}

/// Two interfaces of different versions that both have `double`, a function of its own at the top, and one that traps.
pub(crate) const ARITHMETIC: &str = r#"
(component
    (core module $m
        (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
        (func (export "fail") unreachable))
    (core instance $i (instantiate $m))
    (func $double (param "number" u32) (result u32) (canon lift (core func $i "double")))
    (func $fail (canon lift (core func $i "fail")))
    (instance $ints (export "double" (func $double)) (export "fail" (func $fail)))
    (instance $more (export "double" (func $double)) (export "twice" (func $double)))
    (export "my:math/ints@0.2.3" (instance $ints))
    (export "my:math/more@1.4.0" (instance $more))
    (export "top" (func $double)))
"#;

/// Gives back what it is given: a record with many kinds of fields, an enum in a list, text.
pub(crate) const ECHO: &str = r#"
(component
    (core module $m
        (memory (export "memory") 2)
        (global $next (mut i32) (i32.const 1024))
        (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
            (local $at i32)
            (local.set $at
                (i32.and
                    (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
                    (i32.xor (i32.sub (local.get $align) (i32.const 1)) (i32.const -1))))
            (global.set $next (i32.add (local.get $at) (local.get $size)))
            (local.get $at))
        (func (export "pair") (param i32 i32) (result i32)
            (i32.store (i32.const 16) (local.get 0))
            (i32.store (i32.const 20) (local.get 1))
            (i32.const 16))
        (func (export "big") (param i64) (result i64) (local.get 0))
        (func (export "float") (param f64) (result f64) (local.get 0))
        (func (export "allocated") (result i32) (global.get $next))
        (func (export "none") (param i32)))
    (core instance $i (instantiate $m))
    (type $color' (enum "red" "green"))
    (export $color "color" (type $color'))
    (type $rights' (flags "read" "write"))
    (export $rights "access" (type $rights'))
    (type $item' (record (field "name" string) (field "color" $color) (field "size" (option u8))))
    (export $item "item" (type $item'))
    (alias core export $i "memory" (core memory $memory))
    (alias core export $i "realloc" (core func $realloc))
    (func (export "items") (param "items" (list $item)) (result (list $item))
        (canon lift (core func $i "pair") (memory $memory) (realloc $realloc)))
    (func (export "text") (param "text" string) (result string)
        (canon lift (core func $i "pair") (memory $memory) (realloc $realloc)))
    (func (export "allocated") (result u32) (canon lift (core func $i "allocated")))
    (func (export "big") (param "number" s64) (result s64) (canon lift (core func $i "big")))
    (func (export "float") (param "number" f64) (result f64) (canon lift (core func $i "float")))
    (func (export "rights") (param "rights" $rights) (canon lift (core func $i "none"))))
"#;
