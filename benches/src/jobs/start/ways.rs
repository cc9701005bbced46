//! The ways from a module's bytes to its first result: in a process of its own, or again and again in this one.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use ::extism::{CurrentPlugin, Plugin, PluginBuilder, UserData, Val, ValType};
use host_cache::{Cache, Digest, HostKey, Input, ModuleCache};
use host_core::{AllocationStrategy, EngineSettings, Profile, compile_module, guard, stub_missing_imports};
use host_limits::{Limits, Meter, Ticker, arm};
use tempfile::TempDir;
use wasmparser::{Parser, Payload, TypeRef};
use wasmtime::{Config, Engine, Instance, Linker, Module, Store};

use crate::rivals::{extism, raw, trusted, wasmer as wasmer_rival};

/// What a folder holds: the module, the name of the export that gives the first result, and the native code that is taken on
/// trust.
pub(super) const MODULE: &str = "module.wasm";
pub(super) const EXPORT: &str = "export";
const WASMTIME_CODE: &str = "wasmtime.cwasm";
const WASMER_CODE: &str = "wasmer.bin";
/// What the caches keep.
const OUR_CACHE: &str = "host-cache";
const WASMTIMES_CACHE: &str = "wasmtimes-cache";
const EXTISMS_CACHE: &str = "extisms-cache";

/// A first result, in a process that was asked.
pub(crate) fn answer(way: &str, home: &Path) {
    let guest = Guest::read(home);
    match way {
        "raw" => guest.through_wasmtime(&Module::new(&engine(None), &guest.wasm).expect(RIGHT)),
        "raw-file" => guest.through_wasmtime(&from_file(&guest.wasm, home)),
        "wasmtime-cache" => {
            guest.through_wasmtime(&Module::new(&with_its_own_cache(home), &guest.wasm).expect(RIGHT))
        }
        "ours" | "untrusted" => {
            let ours = Ours::new(if way == "ours" { Profile::Throughput } else { Profile::Untrusted });
            guest.through_ours(&ours, &compile_module(&ours.engine, &guest.wasm).expect(RIGHT));
        }
        "sealed" | "mapped" => {
            let (ours, root) = (Ours::new(Profile::Throughput), home.join(OUR_CACHE));
            let cache = match way {
                "sealed" => Cache::open(root, host_key()).expect("it is ours"),
                _ => trusted::mapped_cache(&root, host_key()),
            };
            guest.through_ours(&ours, &ours.cached(cache).module(&guest.wasm).expect(RIGHT));
        }
        "extism" => guest.through_extism(&mut guest.plugin(|builder| builder)),
        "extism-cache" => {
            let settings = extism_cache_settings(home);
            guest.through_extism(&mut guest.plugin(|builder| builder.with_cache_config(settings)));
        }
        "wasmer" => {
            let engine = wasmer_rival::engine(None);
            guest.through_wasmer(&engine, &::wasmer::Module::new(&engine, &guest.wasm).expect(RIGHT));
        }
        "wasmer-file" => {
            let engine = wasmer_rival::engine(None);
            let path = home.join(WASMER_CODE);
            if !path.exists() {
                let module = ::wasmer::Module::new(&engine, &guest.wasm).expect(RIGHT);
                module.serialize_to_file(&path).expect("there is room");
            }
            guest.through_wasmer(&engine, &trusted::wasmer_module(&engine, &path));
        }
        other => panic!("`{other}` is no way to start"),
    }
}

const RIGHT: &str = "the module is right";

/// First results in this process, which has loaded the module before.
pub(super) fn again(way: &str, home: &Rc<TempDir>) -> Box<dyn FnMut()> {
    let (guest, home) = (Guest::read(home.path()), Rc::clone(home));
    match way {
        "raw" => {
            let module = Module::new(&engine(None), &guest.wasm).expect(RIGHT);
            Box::new(move || guest.through_wasmtime(&module))
        }
        "wasmtime-cache" => {
            let engine = with_its_own_cache(home.path());
            Box::new(move || {
                let _home = &home;
                guest.through_wasmtime(&Module::new(&engine, &guest.wasm).expect(RIGHT));
            })
        }
        "memory" | "memory-digest" => {
            let ours = Ours::new(Profile::Throughput);
            let cache = Cache::open(home.path().join(way), host_key()).expect("it is ours");
            let cache = ours.cached(cache).with_memory(1 << 30);
            let digest = (way == "memory-digest").then(|| Digest::of(&guest.wasm));
            Box::new(move || {
                let _home = &home;
                let module = match digest {
                    Some(digest) => cache.module(Input::with_digest(&guest.wasm, digest)),
                    None => cache.module(&guest.wasm),
                };
                guest.through_ours(&ours, &module.expect(RIGHT));
            })
        }
        "extism" => {
            let compiled = guest.builder().compile().expect(RIGHT);
            Box::new(move || guest.through_extism(&mut Plugin::new_from_compiled(&compiled).expect(RIGHT)))
        }
        "wasmer" => {
            let engine = wasmer_rival::engine(None);
            let module = ::wasmer::Module::new(&engine, &guest.wasm).expect(RIGHT);
            Box::new(move || guest.through_wasmer(&engine, &module))
        }
        other => panic!("`{other}` keeps nothing"),
    }
}

/// Takes away what processes have left in the folder.
pub(in crate::jobs) fn forget(home: &Path) {
    for cache in [OUR_CACHE, WASMTIMES_CACHE, EXTISMS_CACHE] {
        match fs::remove_dir_all(home.join(cache)) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
    }
}

/// Only here can a process write its own secret down: the folder goes with the benchmark.
fn host_key() -> HostKey {
    HostKey::from_bytes([1; 32])
}

fn from_file(wasm: &[u8], home: &Path) -> Module {
    let (engine, path) = (engine(None), home.join(WASMTIME_CODE));
    if !path.exists() {
        fs::write(&path, engine.precompile_module(wasm).expect(RIGHT)).expect("there is room");
    }
    trusted::wasmtime_module(&engine, &path)
}

fn with_its_own_cache(home: &Path) -> Engine {
    engine(Some(raw::its_own_cache(&home.join(WASMTIMES_CACHE))))
}

/// Wasmtime's, with epochs to stop a guest by, which make code larger.
fn engine(cache: Option<wasmtime::Cache>) -> Engine {
    let mut config = Config::new();
    config.epoch_interruption(true).cache(cache);
    Engine::new(&config).expect("the settings fit together")
}

fn extism_cache_settings(home: &Path) -> PathBuf {
    let path = home.join("cache.toml");
    if !path.exists() {
        let directory = home.join(EXTISMS_CACHE);
        fs::write(&path, format!("[cache]\ndirectory = {:?}\n", directory.display().to_string()))
            .expect("there is room");
    }
    path
}

/// Ours, optimising as Wasmtime does by itself unless a profile says otherwise.
struct Ours {
    engine: Engine,
    ticker: Ticker,
    limits: Limits,
}

impl Ours {
    fn new(profile: Profile) -> Ours {
        let limits = Limits { fuel: None, deadline: Duration::from_secs(60), ..Limits::default() };
        let settings = EngineSettings { allocation: AllocationStrategy::OnDemand, ..profile.settings() };
        let engine = settings.engine(&limits).expect("the settings fit together");
        let ticker = Ticker::start(&engine).expect("there may be a thread more");
        Ours { engine, ticker, limits }
    }

    fn cached(&self, cache: Cache) -> ModuleCache {
        ModuleCache::new(cache, &self.engine).expect("the engine can be cached")
    }
}

/// A module, and its export that takes two numbers or none, and gives one: an allocator, say.
struct Guest {
    wasm: Vec<u8>,
    export: String,
}

impl Guest {
    fn read(home: &Path) -> Guest {
        Guest {
            wasm: fs::read(home.join(MODULE)).expect("it was put there"),
            export: fs::read_to_string(home.join(EXPORT)).expect("it was put there"),
        }
    }

    fn through_wasmtime(&self, module: &Module) {
        let mut store = Store::new(module.engine(), ());
        store.set_epoch_deadline(u64::MAX / 2);
        let mut linker = Linker::new(module.engine());
        linker.define_unknown_imports_as_traps(module).expect("they are functions");
        let instance = linker.instantiate(&mut store, module).expect("nothing is missing");
        self.call(&mut store, &instance).expect("it gives a number");
    }

    fn through_ours(&self, ours: &Ours, module: &Module) {
        let mut store = Store::new(&ours.engine, Meter::new(ours.limits.clone()));
        arm(&mut store, &ours.ticker).expect("the engine can hold the limits");
        let mut linker = Linker::new(&ours.engine);
        stub_missing_imports(&mut store, &mut linker, module).expect("they are functions");
        let result = guard(&mut store, |store| {
            let instance = linker.instantiate(&mut *store, module)?;
            self.call(store, &instance)
        });
        result.expect("it gives a number");
    }

    fn call<T: 'static>(&self, store: &mut Store<T>, instance: &Instance) -> wasmtime::Result<i32> {
        match instance.get_typed_func::<(i32, i32), i32>(&mut *store, &self.export) {
            Ok(allocate) => allocate.call(store, (64, 8)),
            Err(_) => instance.get_typed_func::<(), i32>(&mut *store, &self.export)?.call(store, ()),
        }
    }

    fn through_wasmer(&self, engine: &::wasmer::Engine, module: &::wasmer::Module) {
        use ::wasmer::{ExternType, Function, Imports, Instance, RuntimeError, Store};
        let (mut store, mut imports) = (Store::new(engine.clone()), Imports::new());
        for import in module.imports() {
            let ExternType::Function(ty) = import.ty() else { panic!("it imports more than functions") };
            let stub = Function::new(&mut store, ty, |_| Err(RuntimeError::new("nobody provides it")));
            imports.define(import.module(), import.name(), stub);
        }
        let instance = Instance::new(&mut store, module, &imports).expect("nothing is missing");
        let exports = &instance.exports;
        match exports.get_typed_function::<(i32, i32), i32>(&store, &self.export) {
            Ok(allocate) => allocate.call(&mut store, 64, 8),
            Err(_) => exports
                .get_typed_function::<(), i32>(&store, &self.export)
                .expect("it is exported")
                .call(&mut store),
        }
        .expect("it gives a number");
    }

    fn plugin(&self, settings: impl FnOnce(PluginBuilder<'static>) -> PluginBuilder<'static>) -> Plugin {
        settings(self.builder()).build().expect(RIGHT)
    }

    fn builder(&self) -> PluginBuilder<'static> {
        let mut builder = extism::builder(self.wasm.clone());
        for (module, name, parameters, results) in imports(&self.wasm) {
            let stub = |_: &mut CurrentPlugin, _: &[Val], _: &mut [Val], _: UserData<()>| {
                Err(::extism::Error::msg("nobody provides it"))
            };
            builder = builder.with_function_in_namespace(
                module,
                name,
                parameters,
                results,
                UserData::new(()),
                stub,
            );
        }
        builder
    }

    /// Makes the instance; what takes parameters Extism cannot call, which is nothing beside the rest.
    fn through_extism(&self, plugin: &mut Plugin) {
        let called = plugin.call::<&str, &str>(&self.export, "");
        if let Err(error) = called {
            assert!(plugin_has_instance(&error), "{error:#}");
        }
    }
}

/// Extism makes the instance first, and then looks at the function.
fn plugin_has_instance(error: &::extism::Error) -> bool {
    let text = format!("{error:#}");
    text.contains("expected 2 types") || text.contains("expected 2 arguments")
}

/// The functions that a module imports: from where, names, types.
fn imports(wasm: &[u8]) -> Vec<(String, String, Vec<ValType>, Vec<ValType>)> {
    let (mut types, mut imports) = (Vec::new(), Vec::new());
    let value_types = |types: &[wasmparser::ValType]| {
        let one = |ty: &wasmparser::ValType| match ty {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            other => panic!("a function that takes {other}"),
        };
        types.iter().map(one).collect::<Vec<_>>()
    };
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.expect(RIGHT) {
            Payload::TypeSection(section) => {
                types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>().expect(RIGHT);
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.expect(RIGHT);
                    let TypeRef::Func(ty) = import.ty else { panic!("it imports more than functions") };
                    let ty: &wasmparser::FuncType = &types[ty as usize];
                    imports.push((
                        import.module.to_owned(),
                        import.name.to_owned(),
                        value_types(ty.params()),
                        value_types(ty.results()),
                    ));
                }
                break;
            }
            _ => {}
        }
    }
    imports
}
