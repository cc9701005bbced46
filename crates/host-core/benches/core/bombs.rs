//! Code that is made to be slow to compile, under the settings that one might compile it with: how much longer twice as
//! much of it takes. 2 is in proportion, 4 the square.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use host_core::{EngineSettings, Optimization, Profile, RegisterAllocation};
use host_limits::Limits;
use wasmtime::{Engine, Module};

/// How much of the smaller one, and the text of one.
type Bomb = (&'static str, usize, fn(usize) -> String);

const BOMBS: [Bomb; 5] = [
    ("nested if", 2_000, nested),
    ("a chain of if", 10_000, chain),
    ("many locals", 4_000, locals),
    ("a large br_table", 2_000, branches),
    ("many functions", 10_000, functions),
];

/// What takes longer than this is not tried at twice the size.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn measure(table: &mut String) {
    let settings = |optimization, register_allocation| EngineSettings {
        optimization,
        register_allocation,
        ..Profile::Untrusted.settings()
    };
    let candidates = [
        ("speed, backtracking", settings(Optimization::Speed, RegisterAllocation::Backtracking)),
        ("none, backtracking", settings(Optimization::None, RegisterAllocation::Backtracking)),
        ("speed, single pass", settings(Optimization::Speed, RegisterAllocation::SinglePass)),
        ("none, single pass (untrusted)", settings(Optimization::None, RegisterAllocation::SinglePass)),
    ];
    for (name, size, text) in BOMBS {
        let [once, twice] =
            [size, 2 * size].map(|size| wat::parse_str(text(size)).expect("the text is right"));
        _ = writeln!(
            table,
            "compile: {name}, {} KiB {:>20} {:>9} {:>7}",
            once.len() / 1024,
            "once",
            "twice",
            "ratio"
        );
        for (label, settings) in &candidates {
            let mut config = settings.config();
            let engine =
                Engine::new(Limits::untrusted().configure(&mut config)).expect("the settings fit together");
            let first = compile(&engine, &once);
            if first > PATIENCE {
                _ = writeln!(table, "  {label:<40} {first:>9.1?}");
                continue;
            }
            let second = compile(&engine, &twice);
            let ratio = second.as_secs_f64() / first.as_secs_f64();
            _ = writeln!(table, "  {label:<40} {first:>9.1?} {second:>9.1?} {ratio:>7.1}");
        }
    }
}

/// The best of three.
fn compile(engine: &Engine, wasm: &[u8]) -> Duration {
    let once = || {
        let start = Instant::now();
        drop(Module::new(engine, wasm).expect("the code is valid"));
        start.elapsed()
    };
    let first = once();
    if first > PATIENCE / 10 { first } else { first.min(once()).min(once()) }
}

fn nested(size: usize) -> String {
    let open = "(if (local.get 0) (then (local.set 1 (i32.add (local.get 1) (local.get 0)))".repeat(size);
    format!("(module (func (param i32) (local i32) {open}{}))", "))".repeat(size))
}

fn chain(size: usize) -> String {
    let one = "(if (local.get 0) (then (local.set 1 (i32.add (local.get 1) (i32.const 1)))))";
    format!("(module (func (param i32) (result i32) (local i32) {} (local.get 1)))", one.repeat(size))
}

fn locals(size: usize) -> String {
    let sets: String = (1..=size).map(|at| format!("(local.set {at} (local.get {}))", at - 1)).collect();
    let adds: String = (1..=size).map(|at| format!("(local.get {at}) i32.add ")).collect();
    format!(
        "(module (func (param i32) (result i32) (local {}) {sets} (local.get 0) {adds}))",
        "i32 ".repeat(size)
    )
}

fn branches(size: usize) -> String {
    let blocks = "(block ".repeat(size);
    let targets: String = (0..size).map(|target| format!("{target} ")).collect();
    format!("(module (func (param i32) {blocks} (br_table {targets} (local.get 0)) {}))", ")".repeat(size))
}

fn functions(size: usize) -> String {
    format!("(module {})", "(func)".repeat(size))
}
