//! What the cache costs and saves: `cargo bench -p host-cache`.
//!
//! Each hit is the first of a fresh process: this program starts itself again, and the child tells how long it took from an engine
//! and an open cache to a module, and in `open` how long the opening took. Hits from memory, and misses, are those of one process.
//! Compare within one run only.
//!
//! Besides modules that are made here, those of the files that `HOST_CACHE_BENCH_WASM` names (with `:` between them) are
//! loaded, for instance `esbuild.wasm` out of `npm pack @esbuild/wasi-preview1`, or QuickJS out of
//! `npm pack @jitl/quickjs-wasmfile-release-sync`. With the feature `bench-wasmtime-cache`, Wasmtime's own cache is measured too.

#![expect(clippy::print_stdout, reason = "a benchmark talks to the person who runs it")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use host_cache::{Cache, Digest, HostKey, Input, ModuleCache, Source, load_precompiled_module};
use wasmtime::{Engine, Module};

/// A module of functions with loops, as compilers make them.
fn module(functions: usize) -> Vec<u8> {
    let mut text = String::from("(module (memory 1)");
    for number in 0..functions {
        write!(
            text,
            "(func (export \"f{number}\") (param i32 i32) (result i32) (local i32)
               (loop $again
                 (local.set 2 (i32.add (local.get 2) (i32.load (i32.and (local.get 0) (i32.const 65532)))))
                 (i32.store8 (i32.and (local.get 1) (i32.const 65535)) (i32.xor (local.get 2) (i32.const {number})))
                 (local.set 0 (i32.add (local.get 0) (i32.const 4)))
                 (br_if $again (i32.lt_u (local.get 0) (local.get 1))))
               (local.get 2))"
        )
        .expect("a string takes all that is written to it");
    }
    text.push(')');
    wat::parse_str(text).expect("the module is right")
}

fn sealed(root: &Path, engine: &Engine) -> ModuleCache {
    let cache = Cache::open(root, HostKey::from_bytes([1; 32])).expect("the directory is ours");
    ModuleCache::new(cache, engine).expect("the engine has a version")
}

#[expect(unsafe_code, reason = "a mapped cache takes a promise")]
fn mapped(root: &Path, engine: &Engine) -> ModuleCache {
    let builder = Cache::builder(root, HostKey::from_bytes([1; 32]));
    // SAFETY: the directory is the benchmark's own.
    let cache = unsafe { builder.open_mapped() }.expect("the directory is ours");
    ModuleCache::new(cache, engine).expect("the engine has a version")
}

/// The ways of loading that a fresh process is measured for.
const WAYS: [&str; 7] = [
    "deserialize_file",
    "open",
    "mapped-file",
    "mapped-digest",
    "mapped-bytes",
    "sealed-digest",
    "wasmtime-cache",
];

/// What a child is told: a way of loading, and a directory with `input.wasm`, `code.cwasm` and the caches.
const CHILD: &str = "HOST_CACHE_BENCH_CHILD";

/// Loads in one way, and prints how many nanoseconds that took, and where the code came from.
#[expect(unsafe_code, reason = "the baseline trusts its file")]
fn child(way: &str, directory: &Path) {
    let (file, root) = (directory.join("input.wasm"), directory.join("cache"));
    let wasm = fs::read(&file).expect("the input is there");
    let input = Input::with_digest(&wasm, Digest::of(&wasm));
    let engine = match way {
        "wasmtime-cache" => with_its_own_cache(directory),
        _ => Some(Engine::default()),
    };
    let Some(engine) = engine else { return };
    let mut started = Instant::now();
    let modules = match way {
        "deserialize_file" => {
            // SAFETY: the file was written by the compiler.
            let module = unsafe { load_precompiled_module(&engine, directory.join("code.cwasm")) };
            tell(started, Source::Disk);
            return drop(module.expect("the code fits"));
        }
        "wasmtime-cache" => {
            let module = Module::new(&engine, &wasm).expect("the module is valid");
            tell(started, Source::Disk);
            return drop(module);
        }
        "sealed-digest" => sealed(&root, &engine),
        _ => mapped(&root, &engine),
    };
    if way != "open" {
        started = Instant::now();
    }
    let loaded = match way {
        "open" => return tell(started, Source::Disk),
        "mapped-file" => modules.module_file(&file),
        "mapped-bytes" => modules.module(&wasm),
        _ => modules.module(input),
    };
    let loaded = loaded.expect("the module is valid");
    tell(started, loaded.outcome.source);
}

fn tell(started: Instant, source: Source) {
    println!("took {} {source}", started.elapsed().as_nanos());
}

#[cfg(feature = "bench-wasmtime-cache")]
fn with_its_own_cache(directory: &Path) -> Option<Engine> {
    let mut cache = wasmtime::CacheConfig::new();
    cache.with_directory(directory.join("wasmtimes"));
    let mut config = wasmtime::Config::new();
    config.cache(Some(wasmtime::Cache::new(cache).expect("the directory is ours")));
    Some(Engine::new(&config).expect("the configuration is right"))
}

#[cfg(not(feature = "bench-wasmtime-cache"))]
fn with_its_own_cache(_directory: &Path) -> Option<Engine> {
    None
}

fn start(way: &str, directory: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    let command = command.env(CHILD, way).arg(directory).stdout(Stdio::piped());
    command.spawn().expect("this program starts again")
}

/// What a child told: how long it took, and where its code came from.
fn told(child: Child) -> Option<(Duration, String)> {
    let output = child.wait_with_output().expect("the child ends");
    assert!(output.status.success(), "a child failed");
    let text = String::from_utf8(output.stdout).expect("it tells text");
    let (nanos, source) = text.strip_prefix("took ")?.trim().split_once(' ')?;
    Some((Duration::from_nanos(nanos.parse().ok()?), source.to_owned()))
}

/// A directory in which all ways of loading `wasm` are hits.
fn prepare(wasm: &[u8], engine: &Engine) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("there is room");
    let at = |name: &str| directory.path().join(name);
    fs::write(at("input.wasm"), wasm).expect("there is room");
    let code = engine.precompile_module(wasm).expect("the module is valid");
    fs::write(at("code.cwasm"), &code).expect("there is room");
    println!("{} bytes of WebAssembly, {} of code", wasm.len(), code.len());
    // Until the times of the input and the entry are old enough for a memo and a stamp; then they get one.
    for _ in 0..2 {
        for way in WAYS {
            told(start(way, directory.path()));
        }
        std::thread::sleep(Duration::from_secs(3));
    }
    directory
}

fn hits(criterion: &mut Criterion, inputs: &[(String, Vec<u8>)]) {
    let engine = Engine::default();
    for (name, wasm) in inputs {
        print!("{name}: ");
        let directory = prepare(wasm, &engine);
        let mut group = criterion.benchmark_group("hit of a fresh process");
        group.sample_size(20);
        for way in WAYS {
            if told(start(way, directory.path())).is_none() {
                println!("{way}: not measured; it needs the feature bench-wasmtime-cache");
                continue;
            }
            group.bench_function(BenchmarkId::new(way, name), |bencher| {
                bencher.iter_custom(|iterations| {
                    let one = |_| told(start(way, directory.path())).expect("it loaded before");
                    (0..iterations)
                        .map(one)
                        .map(|(took, source)| {
                            assert_eq!(source, "disk", "{way} is no hit");
                            took
                        })
                        .sum()
                });
            });
        }
        group.finish();
        let cache = sealed(&directory.path().join("cache"), &engine).with_memory(1 << 30);
        let input = Input::with_digest(wasm, Digest::of(wasm));
        criterion.bench_function(&format!("hit in memory/digest/{name}"), |bencher| {
            bencher.iter(|| cache.module(input).expect("the code fits"));
        });
    }
}

/// Compiling with and without the cache, in turn, so that both see the same noise.
fn misses(criterion: &mut Criterion, inputs: &[(String, Vec<u8>)]) {
    let engine = Engine::default();
    let mut group = criterion.benchmark_group("miss");
    group.sample_size(10);
    for (name, wasm) in inputs {
        let directory = tempfile::tempdir().expect("there is room");
        let modules = sealed(&directory.path().join("cache"), &engine);
        let (mut alone, mut published) = (Vec::new(), Vec::new());
        for _ in 0..if wasm.len() > 5_000_000 { 3 } else { 15 } {
            let started = Instant::now();
            Module::new(&engine, wasm).expect("the module is valid");
            alone.push(started.elapsed());
            modules.cache().clear().expect("the directory is ours");
            let started = Instant::now();
            let loaded = modules.module(wasm).expect("the module is valid");
            published.push(started.elapsed());
            assert_eq!(loaded.outcome.source, Source::Compiled);
        }
        let [alone, published] = [alone, published].map(median);
        let ratio = published.as_secs_f64() / alone.as_secs_f64();
        println!(
            "miss/{name}: Module::new {alone:?}, compiled and published {published:?}, ratio {ratio:.3}"
        );
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Four processes that ask for one thing at one time, and how many of them compile it.
fn herd(inputs: &[(String, Vec<u8>)]) {
    for (name, wasm) in inputs {
        let directory = tempfile::tempdir().expect("there is room");
        fs::write(directory.path().join("input.wasm"), wasm).expect("there is room");
        for way in ["sealed-digest", "wasmtime-cache"] {
            let started = Instant::now();
            let children: Vec<_> = (0..4).map(|_| start(way, directory.path())).collect();
            let told: Vec<_> = children.into_iter().filter_map(told).collect();
            if told.is_empty() {
                continue;
            }
            let compiled = match way {
                // It does not tell.
                "wasmtime-cache" => "?".to_owned(),
                _ => told.iter().filter(|(_, source)| source == "compiled").count().to_string(),
            };
            println!("herd/{name}: 4 cold processes, {way}: {:?}, {compiled} compiled", started.elapsed());
        }
    }
}

fn main() {
    if let Some(way) = std::env::var_os(CHILD) {
        let directory = std::env::args_os().nth(1).map(PathBuf::from).expect("the parent names a directory");
        return child(way.to_str().expect("a way is text"), &directory);
    }
    let mut inputs: Vec<_> = [("small", 20), ("large", 8_000)]
        .map(|(name, functions)| (name.to_owned(), module(functions)))
        .into();
    if let Some(files) = std::env::var_os("HOST_CACHE_BENCH_WASM") {
        for file in std::env::split_paths(&files) {
            let name = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            inputs.push((name, fs::read(&file).expect("the file can be read")));
        }
    }
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    hits(&mut criterion, &inputs);
    misses(&mut criterion, &inputs);
    herd(&inputs);
    criterion.final_summary();
}
