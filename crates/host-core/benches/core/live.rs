//! How much memory each live instance takes, with its store and its limits: by how much a process grows.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use host_core::guard;
use wasmtime::{InstancePre, Linker, Module, Store};

use crate::instances::GUEST;
use crate::{armed, engine, optimised, raw};

/// At four mappings each, 10,000 are within what a Linux process may have.
const COUNTS: [usize; 2] = [1_000, 10_000];

/// Set in the processes that measure: memory that was freed would be used again. Which kind, and how many.
const VARIABLE: &str = "HOST_CORE_BENCH_LIVE";

pub(crate) fn measure(table: &mut String) {
    for count in COUNTS {
        let (Some(raw), Some(ours)) = (ask("raw", count), ask("ours", count)) else {
            _ = writeln!(table, "live instances: this system does not tell how large a process is");
            return;
        };
        _ = writeln!(table, "{:<42} {:>9} {:>7}", format!("{count} live instances"), "each", "ratio");
        _ = writeln!(table, "  {:<40} {raw:>8}B {:>7.2}", "raw Wasmtime", 1.0);
        _ = writeln!(table, "  {:<40} {ours:>8}B {:>7.2}", "host-core", ours as f64 / raw as f64);
    }
}

/// Asks a process of its own for the bytes of each of so many.
fn ask(kind: &str, count: usize) -> Option<usize> {
    let mut command = Command::new(env::current_exe().ok()?);
    let said = command.env(VARIABLE, format!("{kind} {count}")).output().ok()?.stdout;
    String::from_utf8(said).ok()?.trim().parse().ok()
}

/// The answer, in a process that was asked.
pub(crate) fn answer() -> Option<usize> {
    let asked = env::var(VARIABLE).ok()?;
    let (kind, count) = asked.split_once(' ')?;
    let count = count.parse().ok()?;
    let (engine, ticker) = engine(&optimised());
    let module = Module::new(&engine, GUEST).expect("the guest is right");
    match kind {
        "raw" => {
            let program = Linker::new(&engine).instantiate_pre(&module).expect("it needs nothing");
            bytes_each(count, || {
                let mut store = raw::store(&engine);
                instantiate(&program, &mut store);
                store
            })
        }
        _ => {
            let program = Linker::new(&engine).instantiate_pre(&module).expect("it needs nothing");
            bytes_each(count, || {
                let mut store = armed(&engine, &ticker);
                guard(&mut store, |store| program.instantiate(store)).expect("it needs nothing");
                store
            })
        }
    }
}

fn instantiate<T: 'static>(program: &InstancePre<T>, store: &mut Store<T>) {
    program.instantiate(store).expect("it needs nothing");
}

/// By how much the process grows for each of so many; `None` where the system does not say.
fn bytes_each<R>(count: usize, make: impl Fn() -> R) -> Option<usize> {
    // What is made once is nobody's.
    drop(make());
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
