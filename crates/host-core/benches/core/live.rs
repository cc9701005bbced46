//! How much memory each live instance takes, with its store and its limits: by how much the process grows.

use std::fmt::Write as _;
use std::fs;

use host_core::guard;
use wasmtime::{InstancePre, Linker, Module, Store};

use crate::instances::GUEST;
use crate::{armed, engine, optimised, raw};

/// At four mappings each, 10,000 are within what a Linux process may have.
const COUNTS: [usize; 2] = [1_000, 10_000];

pub(crate) fn measure(table: &mut String) {
    let (engine, ticker) = engine(&optimised());
    let module = Module::new(&engine, GUEST).expect("the guest is right");
    let by_hand = Linker::new(&engine).instantiate_pre(&module).expect("it needs nothing");
    let ours = Linker::new(&engine).instantiate_pre(&module).expect("it needs nothing");
    let raw_store = || {
        let mut store = raw::store(&engine);
        instantiate(&by_hand, &mut store);
        store
    };
    let our_store = || {
        let mut store = armed(&engine, &ticker);
        guard(&mut store, |store| ours.instantiate(store)).expect("it needs nothing");
        store
    };
    // The allocator's first pages are nobody's.
    drop(bytes_each(COUNTS[0], raw_store));
    for count in COUNTS {
        let (Some(raw), Some(ours)) = (bytes_each(count, raw_store), bytes_each(count, our_store)) else {
            _ = writeln!(table, "live instances: this system does not tell how large a process is");
            return;
        };
        _ = writeln!(table, "{:<42} {:>9} {:>7}", format!("{count} live instances"), "each", "ratio");
        _ = writeln!(table, "  {:<40} {raw:>8}B {:>7.2}", "raw Wasmtime", 1.0);
        _ = writeln!(table, "  {:<40} {ours:>8}B {:>7.2}", "host-core", ours as f64 / raw as f64);
    }
}

fn instantiate<T: 'static>(program: &InstancePre<T>, store: &mut Store<T>) {
    program.instantiate(store).expect("it needs nothing");
}

/// By how much the process grows for each of so many; `None` where the system does not say.
fn bytes_each<R>(count: usize, make: impl Fn() -> R) -> Option<usize> {
    let mut all = Vec::with_capacity(count);
    let before = resident()?;
    all.extend((0..count).map(|_| make()));
    let after = resident()?;
    drop(all);
    Some(after.saturating_sub(before) / count)
}

fn resident() -> Option<usize> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split_whitespace().nth(1)?.parse::<usize>().ok()? * 4096)
}
