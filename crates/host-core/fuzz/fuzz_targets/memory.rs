//! Any access at any address of a guest's memory.

#![no_main]

#[path = "../../tests/it/fuzzing/memory.rs"]
mod memory;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    memory::run(input);
});
