//! What the fuzzers of `fuzz/` do, done with their seeds: the same functions, in an ordinary test.
//!
//! `cargo +nightly fuzz run memory` (or `link`, or `call`) in this crate's folder goes on from there for as long as one likes.

pub(crate) mod call;
pub(crate) mod link;
pub(crate) mod memory;

use std::fs;
use std::path::Path;

/// How many inputs are made of each seed, by changing some of its bytes.
const VARIANTS: u64 = 12;

#[test]
fn guest_memory() {
    run_seeds("memory", memory::run);
}

#[test]
fn linking_graphs() {
    run_seeds("link", link::run);
}

#[test]
fn calls_with_any_values() {
    run_seeds("call", call::run);
}

/// Runs every seed of a fuzzer, and variants of it. Fails if too few of the inputs were of any use.
fn run_seeds(fuzzer: &str, run: fn(&[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join("seeds").join(fuzzer);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 8, "the seeds of {fuzzer} are gone");
    let (mut inputs, mut useful) = (0, 0);
    for (number, path) in (1..).zip(paths) {
        let seed = fs::read(path).unwrap();
        for variant in 0..VARIANTS {
            let mut input = seed.clone();
            let mut random = Random(number << 32 | variant);
            for _ in 0..variant {
                let at = random.next() as usize % input.len();
                input[at] = random.next() as u8;
            }
            inputs += 1;
            useful += u32::from(run(&input));
        }
    }
    assert!(useful * 2 > inputs, "only {useful} of {inputs} inputs got anywhere");
}

/// A xorshift generator: the same numbers on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
