//! What host-component costs: `cargo bench -p host-component`, or a part of it: `cargo bench -p host-component -- untyped`.
//!
//! It ends with a table, in which each thing stands beside hand-written raw Wasmtime with the same settings: the first
//! line of its group. JSON beside other runtimes is measured by `cargo xtask bench`.

#![expect(clippy::print_stdout, reason = "a benchmark talks to the person who runs it")]

mod composed; // from one component to another
mod reading; // what is in a large one
mod typed; // a world's own bindings
mod untyped; // any export, by values and by text

mod echo; // the guest

#[path = "../../../limits/benches/limits/comparison.rs"]
mod comparison;
#[path = "../../../host-core/benches/core/raw.rs"]
mod raw; // an embedder without our crates

use std::time::Duration;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut table = String::new();
    typed::measure(&mut criterion, &mut table);
    untyped::measure(&mut criterion, &mut table);
    composed::measure(&mut criterion, &mut table);
    reading::measure(&mut criterion, &mut table);
    criterion.final_summary();
    println!("{table}");
}

/// Lengths of the texts that are handed over.
const LENGTHS: [(&str, usize); 3] = [("16 B", 16), ("4 KiB", 4 << 10), ("1 MiB", 1 << 20)];
