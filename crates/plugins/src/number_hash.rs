//! `NumberMap`: a map by numbers of our own, which nobody chooses to make it slow.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose keys are numbers that we count up ourselves. The hash that withstands chosen keys would cost more than all the
/// rest of a look-up.
pub(crate) type NumberMap<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;

/// Hashes one `u64`.
#[derive(Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio: it spreads numbers that follow each other over all bits.
        self.0 = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a key is one number");
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
