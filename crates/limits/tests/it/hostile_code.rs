//! Code that was made to hurt whoever reads it: read without harm, and soon.

use std::time::{Duration, Instant};

use host_limits::{Bytes, Rejected, StaticLimit, StaticLimits};
use proptest::prelude::*;

use crate::proposals::SAMPLES;
use crate::static_instances::doubling;
use crate::static_limits::{everything, wasm};

fn leb(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

fn section(id: u8, contents: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(contents.len() as u64), contents].concat()
}

const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn types_nested_by_the_million_do_not_overflow_the_stack() {
    // A type, an instance type, with one declaration: a type.
    let mut types = vec![1];
    for _ in 0..1_000_000 {
        types.extend([0x42, 1, 1]);
    }
    let bomb = [COMPONENT, &section(7, &types)].concat();
    assert!(matches!(
        everything().check(&bomb),
        Err(Rejected::Limit { limit: StaticLimit::Nesting, found: 101, .. })
    ));
    let wide = StaticLimits { nesting: u64::MAX, types: u64::MAX, ..everything() };
    assert!(matches!(wide.check(&bomb), Err(Rejected::Malformed { .. })));
}

#[test]
fn components_nested_by_the_thousand_are_counted() {
    let mut nested = COMPONENT.to_vec();
    for _ in 0..2_000 {
        nested = [COMPONENT, &section(4, &nested)].concat();
    }
    let error = everything().check(&nested).unwrap_err();
    assert!(matches!(error, Rejected::Limit { limit: StaticLimit::Nesting, found: 101, .. }), "{error}");
    let wide = StaticLimits { nesting: u64::MAX, ..everything() };
    assert_eq!(wide.check(&nested).unwrap().nesting, 2_001);
}

#[test]
fn counts_of_what_is_not_there_ask_for_no_memory() {
    let most = [0xff, 0xff, 0xff, 0xff, 0x0f];
    // The start section has no count but the number of a function, which is not looked at here.
    for id in (1..=13).filter(|id| *id != 8) {
        for header in [MODULE, COMPONENT] {
            let bytes = [header, &section(id, &most)].concat();
            assert!(everything().check(&bytes).is_err(), "{id}");
        }
    }
    // A table of branches to four billion places.
    let body = [&[0, 0x0e][..], &most, &[0x0b]].concat();
    let code = [&[1][..], &leb(body.len() as u64), &body].concat();
    let bytes = [MODULE, &section(1, &[1, 0x60, 0, 0]), &section(3, &[1, 0]), &section(10, &code)].concat();
    assert!(everything().check(&bytes).is_err());
}

#[test]
fn numbers_that_are_too_long_are_refused() {
    let overlong = [MODULE, &[1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]].concat();
    assert!(matches!(everything().check(&overlong), Err(Rejected::Malformed { .. })));
}

#[test]
fn every_cut_of_a_file_is_refused() {
    let whole = wasm(&doubling(2));
    for length in 0..whole.len() {
        // Where a section ends, what is before it is a file.
        let _ = everything().check(&whole[..length]);
    }
    assert!(everything().check(&whole[..whole.len() - 1]).is_err());
    assert!(everything().check(&[&whole[..], &[0]].concat()).is_err());
    assert!(everything().check(b"").is_err());
}

/// A file of each kind that is full of `many` of something.
fn large_files(many: usize) -> Vec<(&'static str, Vec<u8>)> {
    let function = |body: &[u8]| {
        let code = [&[1][..], &leb(body.len() as u64), body].concat();
        [MODULE, &section(1, &[1, 0x60, 0, 0]), &section(3, &[1, 0]), &section(10, &code)].concat()
    };
    let module = |id: u8, contents: &[u8]| [MODULE, &section(id, contents)].concat();
    let repeat = |items: usize, item: &[u8]| [&leb(items as u64)[..], &item.repeat(items)].concat();
    let blocks = [&[0][..], &[0x02, 0x40].repeat(many), &[0x0b].repeat(many + 1)].concat();
    let branches = [&[0, 0x41, 0, 0x0e][..], &repeat(many, &[0]), &[0, 0x0b]].concat();
    let sum = [&[1, 0x7f, 0, 0x41, 0][..], &[0x41, 0, 0x6a].repeat(many), &[0x0b]].concat();
    // A `delegate` ends its `try`, which hides from who counts ends.
    let tries = [&[1, 0x7f, 0][..], &[0x06, 0x40].repeat(many), &[0x18, 0].repeat(many), &[0x0b]].concat();
    vec![
        ("types", module(1, &repeat(many, &[0x60, 0, 0]))),
        ("elements", module(9, &repeat(many, &[1, 0, 0]))),
        ("data", module(11, &repeat(many, &[1, 0]))),
        ("globals", module(6, &repeat(many, &[0x7f, 0, 0x41, 0, 0x0b]))),
        ("a long constant", module(6, &sum)),
        ("blocks in blocks of a constant", module(6, &tries)),
        ("blocks in blocks", function(&blocks)),
        ("branches", function(&branches)),
        ("component types", [COMPONENT, &section(7, &repeat(many, &[0x72, 0]))].concat()),
        ("aliases", [COMPONENT, &section(6, &repeat(many, &[3, 2, 0, 0]))].concat()),
    ]
}

/// How long this thread has computed: what others do meanwhile does not count. Where the system does not tell, the time since
/// `start`.
fn computed(start: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// Eight times the bytes take about eight times the time, whatever the file is full of; were it the square of it, 64 times.
#[test]
fn large_files_of_every_kind_are_read_in_one_pass() {
    let wide = StaticLimits {
        types: u64::MAX,
        exports: u64::MAX,
        globals: u64::MAX,
        element_segments: u64::MAX,
        data_segments: u64::MAX,
        function_size: Bytes::gibi(1),
        ..everything()
    };
    let start = Instant::now();
    let time = |bytes: &[u8]| {
        let before = computed(start);
        let _ = wide.check(bytes);
        computed(start) - before
    };
    for ((name, small), (_, large)) in large_files(100_000).iter().zip(&large_files(800_000)) {
        let (small, large) = (time(small), time(large));
        assert!(large < 24 * small + Duration::from_secs(2), "{name}: {small:?}, then {large:?}");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = SAMPLES.iter().map(|(_, text)| wasm(text)).collect();
    seeds.push(wasm(&doubling(5)));
    seeds
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200), component in any::<bool>()) {
        let header = if component { COMPONENT } else { MODULE };
        let _ = everything().check(&bytes);
        let _ = everything().check(&[header, &bytes].concat());
    }

    #[test]
    fn changed_code_is_read_without_harm(
        seed in 0..SAMPLES.len() + 1,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = everything().check(&bytes);
        let _ = StaticLimits::untrusted().check(&bytes);
    }
}
