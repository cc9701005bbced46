//! The hot paths, each alone between two marks, so that `cargo xtask bench --counts` can count its instructions.

use std::hint::black_box;
use std::time::Duration;

use host_cache::{Cache, Digest, Input, IntegrityOnly, ModuleCache};
use host_limits::{Limits, Meter, Ticker, arm};
use wasmtime::{Engine, ResourceLimiter, Store};

use crate::guests;
use crate::jobs::runtime;
use crate::rivals::host::Host;

/// How often each is done between the marks: what belongs to one in many is spread over them.
const TIMES: u32 = 200;
/// And before, so that what is done once is done.
const BEFORE: u32 = 20;

/// Does what is named so often, and says how often that was. There are the names of [`PATHS`].
pub(crate) fn path(name: &str) -> Option<u32> {
    let work = PATHS.iter().find(|(known, _)| *known == name)?.1;
    let mut work = work();
    for _ in 0..BEFORE {
        work();
    }
    counted(&mut *work);
    Some(TIMES)
}

type Prepare = fn() -> Box<dyn FnMut()>;

/// The hot paths.
pub(crate) const PATHS: [(&str, Prepare); 8] = [
    ("arm a store", arm_a_store),
    ("fresh call", fresh_call),
    ("fresh call with bytes", || bytes(false)),
    ("warm call", warm_call),
    ("warm call by name", warm_call_by_name),
    ("warm call with bytes", || bytes(true)),
    ("memory-tier hit", memory_tier_hit),
    ("growth check", growth_check),
];

/// The mark: instructions are counted within this function. It keeps its name because nothing can be put in its place.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    for _ in 0..TIMES {
        black_box(&mut *work)();
    }
}

fn limits() -> Limits {
    Limits { fuel: None, deadline: Duration::from_secs(3600), ..Limits::default() }
}

fn arm_a_store() -> Box<dyn FnMut()> {
    let engine = Engine::new(wasmtime::Config::new().epoch_interruption(true)).expect("it fits together");
    let ticker = Ticker::start(&engine).expect("there may be a thread more");
    let limits = limits();
    Box::new(move || {
        let mut store = Store::new(&engine, Meter::new(limits.clone()));
        arm(&mut store, &ticker).expect("the engine can hold the limits");
    })
}

fn fresh_call() -> Box<dyn FnMut()> {
    string(false, async |host| drop(black_box(host.typed(SIXTEEN).await)))
}

fn warm_call() -> Box<dyn FnMut()> {
    string(true, async |host| drop(black_box(host.typed(SIXTEEN).await)))
}

fn warm_call_by_name() -> Box<dyn FnMut()> {
    string(true, async |host| drop(black_box(host.untyped(SIXTEEN).await)))
}

/// A call of the core module that gives back its bytes.
fn bytes(is_warm: bool) -> Box<dyn FnMut()> {
    let (host, runtime) = (Host::in_small_pool(is_warm, &guests::bytes_echo()), runtime());
    Box::new(move || drop(black_box(runtime.block_on(host.bytes(SIXTEEN.as_bytes())))))
}

const SIXTEEN: &str = "sixteen letters!";

/// A call of the component that gives back its string.
fn string(is_warm: bool, call: impl AsyncFn(&Host) + 'static) -> Box<dyn FnMut()> {
    let (host, runtime) = (Host::in_small_pool(is_warm, &guests::read("component-echo")), runtime());
    Box::new(move || runtime.block_on(call(&host)))
}

fn memory_tier_hit() -> Box<dyn FnMut()> {
    let home = tempfile::tempdir().expect("a directory for a while");
    let cache = Cache::open(home.path(), IntegrityOnly).expect("it is ours");
    let cache = ModuleCache::new(cache, &Engine::default()).expect("the engine can be cached");
    let cache = cache.with_memory(1 << 20);
    let wasm = guests::small();
    let digest = Digest::of(&wasm);
    Box::new(move || {
        let _home = &home;
        drop(black_box(cache.module(Input::with_digest(&wasm, digest)).expect("it is a module")));
    })
}

fn growth_check() -> Box<dyn FnMut()> {
    let mut meter = Meter::new(limits());
    let mut size = 0;
    Box::new(move || {
        let limiter: &mut dyn ResourceLimiter = &mut meter;
        assert!(black_box(limiter.memory_growing(size, size + 4096, None)).expect("nothing fails"));
        size += 4096;
    })
}
