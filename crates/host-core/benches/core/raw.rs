//! An embedder who writes it by hand, well: the same guards and the same answers, on Wasmtime alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};

/// The counters of one store, in the store's data.
pub(crate) struct Guards {
    memory: usize,
    elements: usize,
    started: Instant,
    deadline: Instant,
}

const MEMORY: usize = 256 << 20;
const ELEMENTS: usize = 100_000;
const FUEL: u64 = u64::MAX / 2;
const DEADLINE: Duration = Duration::from_secs(24 * 3600);

impl Guards {
    fn new() -> Guards {
        let started = Instant::now();
        Guards { memory: 0, elements: 0, started, deadline: started + DEADLINE }
    }
}

impl ResourceLimiter for Guards {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let all = self.memory + (desired - current);
        let allowed = all <= MEMORY;
        if allowed {
            self.memory = all;
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let all = self.elements + (desired - current);
        let allowed = all <= ELEMENTS;
        if allowed {
            self.elements = all;
        }
        Ok(allowed)
    }
}

/// A store with its limits on memory and tables, fuel, and a deadline.
pub(crate) fn store(engine: &Engine) -> Store<Guards> {
    let mut store = Store::new(engine, Guards::new());
    store.limiter(|data| data);
    store.set_fuel(FUEL).expect("the engine meters fuel");
    store.set_hostcall_fuel(16 << 20);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        if Instant::now() >= store.data().deadline {
            wasmtime::bail!("the deadline has passed");
        }
        Ok(UpdateDeadline::Continue(1))
    });
    store
}

/// What a call gave and spent, however it ended; a panic of the host's functions ends it too.
pub(crate) fn guarded<R>(
    store: &mut Store<Guards>,
    work: impl FnOnce(&mut Store<Guards>) -> wasmtime::Result<R>,
) -> wasmtime::Result<(R, u64, Duration, usize)> {
    if Instant::now() >= store.data().deadline {
        wasmtime::bail!("the deadline has passed");
    }
    let result = catch_unwind(AssertUnwindSafe(|| work(store)));
    let value = result.unwrap_or_else(|_| Err(wasmtime::format_err!("a host function panicked")))?;
    let fuel = FUEL - store.get_fuel()?;
    Ok((value, fuel, store.data().started.elapsed(), store.data().memory))
}
