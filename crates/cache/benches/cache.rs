//! What the cache costs and saves: `cargo bench -p host-cache`.
//!
//! Hits are those of a process that has just opened the cache, so that nothing but the disk's own cache is warm, save for the tier in
//! memory. Compare within one run only.

#![expect(clippy::print_stdout, reason = "a benchmark talks to the person who runs it")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use host_cache::{Cache, Digest, HostKey, Input, IntegrityOnly, ModuleCache, Trust, load_precompiled_module};
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

fn sealed(root: &Path, trust: impl Into<Trust>, engine: &Engine) -> ModuleCache {
    let cache = Cache::open(root, trust).expect("the directory is ours");
    ModuleCache::new(cache, engine).expect("the engine has a version")
}

#[expect(unsafe_code, reason = "a mapped cache takes a promise")]
fn mapped(root: &Path, trust: impl Into<Trust>, engine: &Engine) -> ModuleCache {
    // SAFETY: the directory is the benchmark's own.
    let cache = unsafe { Cache::builder(root, trust).open_mapped() }.expect("the directory is ours");
    ModuleCache::new(cache, engine).expect("the engine has a version")
}

#[expect(unsafe_code, reason = "the baseline trusts its file")]
fn hits(criterion: &mut Criterion) {
    let engine = Engine::default();
    for (size, functions) in [("small", 20), ("medium", 500), ("large", 8_000)] {
        let directory = tempfile::tempdir().expect("there is room");
        let wasm = module(functions);
        let code = engine.precompile_module(&wasm).expect("the module is valid");
        let file = directory.path().join("code.cwasm");
        fs::write(&file, &code).expect("there is room");
        println!("{size}: {} bytes of WebAssembly, {} of code", wasm.len(), code.len());
        let key = || HostKey::from_bytes([1; 32]);
        let root = directory.path().join("cache");
        sealed(&root, key(), &engine).module(&wasm).expect("the module is valid");
        // Until its times are old enough for a stamp; then it gets one.
        std::thread::sleep(Duration::from_secs(3));
        mapped(&root, key(), &engine).module(&wasm).expect("the module is valid");
        // As a registry gives it.
        let input = Input::with_digest(&wasm, Digest::of(&wasm));

        let mut group = criterion.benchmark_group("hit");
        group.throughput(Throughput::Bytes(code.len() as u64));
        group.bench_function(BenchmarkId::new("deserialize_file, unverified", size), |bencher| {
            // SAFETY: the file was just written by the compiler.
            bencher.iter(|| unsafe { load_precompiled_module(&engine, &file) }.expect("the code fits"));
        });
        let cache = mapped(&root, key(), &engine);
        group.bench_function(BenchmarkId::new("mapped, digest known", size), |bencher| {
            bencher.iter(|| cache.module(input).expect("the code fits"));
        });
        group.bench_function(BenchmarkId::new("mapped, input hashed", size), |bencher| {
            bencher.iter(|| cache.module(&wasm).expect("the code fits"));
        });
        let cache = sealed(&root, key(), &engine);
        group.bench_function(BenchmarkId::new("sealed, digest known", size), |bencher| {
            bencher.iter(|| cache.module(input).expect("the code fits"));
        });
        let cache = sealed(&root, key(), &engine).with_memory(1 << 30);
        group.bench_function(BenchmarkId::new("memory, digest known", size), |bencher| {
            bencher.iter(|| cache.module(input).expect("the code fits"));
        });
    }
}

fn misses(criterion: &mut Criterion) {
    let engine = Engine::default();
    let wasm = module(2_000);
    let mut group = criterion.benchmark_group("miss");
    group.sample_size(10);
    group.bench_function("Module::new", |bencher| {
        bencher.iter(|| Module::new(&engine, &wasm).expect("the module is valid"));
    });
    let directory = tempfile::tempdir().expect("there is room");
    let modules = sealed(&directory.path().join("cache"), IntegrityOnly, &engine);
    group.bench_function("compiled and published", |bencher| {
        bencher.iter(|| {
            modules.cache().clear().expect("the directory is ours");
            modules.module(&wasm).expect("the module is valid")
        });
    });
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    hits(&mut criterion);
    misses(&mut criterion);
    criterion.final_summary();
}
