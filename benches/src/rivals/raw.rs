//! Wasmtime by hand, as one who knows it would write it for code that nobody has read: everything that can be done once is
//! done once, and each call has the guards that `PluginHost` gives.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ResourceLimiter, Store,
    UpdateDeadline,
};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

mod component;
mod module;
mod stopped;

pub(crate) use component::Component;
pub(crate) use module::Module;
pub(crate) use stopped::Stopped;

// `Limits::default` of host-limits, and `PoolSettings::default` of host-core.
const MEMORY: usize = 256 << 20;
const TABLE_ELEMENTS: usize = 100_000;
const INSTANCES: usize = 50;
const MEMORIES: usize = 10;
const TABLES: usize = 10;
const FUEL: u64 = 10_000_000_000;
const DEADLINE: Duration = Duration::from_secs(10);
const STACK: usize = 1 << 20;
const LIFTED: usize = 16 << 20;
const HANDLES: usize = 10_000;
const RESOURCES: usize = 500;
const RANDOM: u64 = 1 << 20;
const GUESTS: u32 = 256;
const KEEP_RESIDENT: usize = 2 << 20;
const TICK: Duration = Duration::from_millis(5);
/// What `host.rs` captures of each stream.
const OUTPUT: usize = 64 << 10;

/// What the store of one call holds.
struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
    stdout: MemoryOutputPipe,
    stderr: MemoryOutputPipe,
    memory: usize,
    peak_memory: usize,
    table_elements: usize,
}

/// What a call gave, spent and said.
#[expect(dead_code, reason = "a host would hand it on")]
struct Answer<R> {
    value: R,
    fuel: u64,
    elapsed: Duration,
    peak_memory: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

pub(crate) fn engine(pool: bool) -> Engine {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .shared_memory(false)
        .gc_support(false)
        .wasm_function_references(false)
        .wasm_gc(false)
        .wasm_exceptions(false)
        .epoch_interruption(true)
        .consume_fuel(true)
        .max_wasm_stack(STACK)
        .async_stack_size(STACK + (2 << 20))
        .memory_reservation(4 << 30);
    if pool {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(GUESTS)
            .total_core_instances(4 * GUESTS)
            .total_memories(2 * GUESTS)
            .total_tables(4 * GUESTS)
            .total_stacks(GUESTS)
            .max_memories_per_module(MEMORIES as u32)
            .max_tables_per_module(TABLES as u32)
            .max_memory_size(MEMORY)
            .table_elements(TABLE_ELEMENTS)
            .pagemap_scan(Enabled::Auto);
        if PoolingAllocationConfig::is_pagemap_scan_available() {
            pool.linear_memory_keep_resident(KEEP_RESIDENT).table_keep_resident(KEEP_RESIDENT);
        }
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    Engine::new(&config).expect("the settings fit together")
}

/// A store for one guest, with all of WASI that nobody is granted anything of.
fn store(engine: &Engine) -> Store<Host> {
    let (stdout, stderr) = (MemoryOutputPipe::new(OUTPUT), MemoryOutputPipe::new(OUTPUT));
    let wasi =
        WasiCtx::builder().stdout(stdout.clone()).stderr(stderr.clone()).max_random_size(RANDOM).build();
    let mut table = ResourceTable::new();
    table.set_max_capacity(RESOURCES);
    let host = Host { wasi, table, stdout, stderr, memory: 0, peak_memory: 0, table_elements: 0 };
    Store::new(engine, host)
}

/// The cache that Wasmtime brings along.
pub(crate) fn its_own_cache(directory: &Path) -> wasmtime::Cache {
    let mut settings = wasmtime::CacheConfig::new();
    settings.with_directory(directory);
    wasmtime::Cache::new(settings).expect("the directory is ours")
}

/// Puts the store under its limits, for one call.
fn arm(store: &mut Store<Host>, begun: Instant) {
    let at = begun + DEADLINE;
    store.set_fuel(FUEL).expect("the engine meters");
    store.set_hostcall_fuel(LIFTED);
    store.set_max_component_handles(HANDLES);
    store.limiter(|host| host);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if Instant::now() >= at {
            return Err(wasmtime::Error::msg("the deadline has passed"));
        }
        Ok(UpdateDeadline::Yield(1))
    });
}

fn answer<R>(store: &mut Store<Host>, begun: Instant, value: R) -> Answer<R> {
    let fuel = FUEL - store.get_fuel().expect("the engine meters");
    let host = store.data();
    Answer {
        value,
        fuel,
        elapsed: begun.elapsed(),
        peak_memory: host.peak_memory,
        stdout: host.stdout.contents().into(),
        stderr: host.stderr.contents().into(),
    }
}

/// A panic of a host function ends this call and no other.
async fn caught<R>(work: impl Future<Output = wasmtime::Result<R>>) -> wasmtime::Result<R> {
    let mut work = pin!(work);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
            .unwrap_or_else(|_| Poll::Ready(Err(wasmtime::Error::msg("a host function panicked"))))
    })
    .await
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// All memories together, all tables together.
impl ResourceLimiter for Host {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let sum = self.memory + (desired - current);
        if sum > MEMORY {
            return Ok(false);
        }
        self.memory = sum;
        self.peak_memory = self.peak_memory.max(sum);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let sum = self.table_elements + (desired - current);
        if sum > TABLE_ELEMENTS {
            return Ok(false);
        }
        self.table_elements = sum;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

/// Moves the epoch of an engine.
pub(crate) struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> Ticker {
        let (engine, stop) = (engine.clone(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                thread::sleep(TICK);
                engine.increment_epoch();
            }
        });
        Ticker { stop, thread: Some(thread) }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the ticker does not panic");
        }
    }
}
