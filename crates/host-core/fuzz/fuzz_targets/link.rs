//! Graphs of modules that nobody wrote.

#![no_main]

#[path = "../../tests/it/fuzzing/link.rs"]
mod link;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    link::run(input);
});
