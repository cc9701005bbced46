//! Any export of any module, called with any values.

#![no_main]

#[path = "../../tests/it/fuzzing/call.rs"]
mod call;
#[path = "../../tests/it/fuzzing/link.rs"]
mod link;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    call::run(input);
});
