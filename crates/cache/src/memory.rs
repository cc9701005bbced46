//! `Memory`: what was loaded not long ago, kept in this process.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use crate::Digest;

/// Values by the digest of their input, within a bound of bytes: what was used longest ago goes.
pub(crate) struct Memory<T> {
    values: HashMap<Digest, Kept<T>>,
    most: u64,
    bytes: u64,
    clock: u64,
    /// How many pins each pinned input has. Pinned values stay, whatever the bound.
    pins: HashMap<Digest, usize>,
}

struct Kept<T> {
    value: T,
    compile_time: Duration,
    bytes: u64,
    used: u64,
}

impl<T: Clone> Memory<T> {
    /// Keeps no more than `most` bytes.
    pub(crate) fn new(most: u64) -> Self {
        Self { values: HashMap::new(), most, bytes: 0, clock: 0, pins: HashMap::new() }
    }

    /// How many bytes may be kept.
    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    /// What is kept for an input, and what compiling it took.
    pub(crate) fn get(&mut self, input: &Digest) -> Option<(T, Duration)> {
        self.clock += 1;
        let kept = self.values.get_mut(input)?;
        kept.used = self.clock;
        Some((kept.value.clone(), kept.compile_time))
    }

    /// Keeps what there is for an input, or comes, until it is unpinned as often.
    pub(crate) fn pin(&mut self, input: Digest) {
        *self.pins.entry(input).or_default() += 1;
    }

    /// Takes one pin back.
    pub(crate) fn unpin(&mut self, input: &Digest) {
        if let Some(count) = self.pins.get_mut(input) {
            *count -= 1;
            if *count == 0 {
                self.pins.remove(input);
                self.make_room();
            }
        }
    }

    /// Keeps a value of `bytes`, unless that alone is more than there is room for and it is not pinned.
    pub(crate) fn insert(&mut self, input: Digest, value: T, compile_time: Duration, bytes: u64) {
        if bytes > self.most && !self.pins.contains_key(&input) {
            return;
        }
        self.clock += 1;
        let kept = Kept { value, compile_time, bytes, used: self.clock };
        if let Some(before) = self.values.insert(input, kept) {
            self.bytes -= before.bytes;
        }
        self.bytes += bytes;
        self.make_room();
    }

    fn make_room(&mut self) {
        while self.bytes > self.most {
            // There are few: some thousands at most, of kilobytes each.
            let loose = self.values.iter().filter(|(input, _)| !self.pins.contains_key(*input));
            let oldest = loose.min_by_key(|(_, kept)| kept.used).map(|(input, _)| *input);
            let Some(gone) = oldest.and_then(|oldest| self.values.remove(&oldest)) else { break };
            self.bytes -= gone.bytes;
        }
    }
}

impl<T> fmt::Debug for Memory<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("values", &self.values.len()).field("bytes", &self.bytes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let input = |name: &str| Digest::of(name);
        let mut memory = Memory::new(10);
        for name in ["a", "b", "c"] {
            memory.insert(input(name), name, Duration::ZERO, 3);
        }
        assert_eq!(memory.get(&input("a")).unwrap().0, "a");
        memory.insert(input("d"), "d", Duration::ZERO, 4);
        let kept = |memory: &mut Memory<&str>| {
            ["a", "b", "c", "d"].map(|name| memory.values.contains_key(&input(name)))
        };
        assert_eq!(kept(&mut memory), [true, false, true, true]);
        assert_eq!(memory.bytes, 10);
        // The same again takes no more; too much is not kept, and pushes nobody out.
        memory.insert(input("d"), "d", Duration::ZERO, 4);
        memory.insert(input("b"), "b", Duration::ZERO, 11);
        assert_eq!(kept(&mut memory), [true, false, true, true]);
        memory.insert(input("b"), "b", Duration::ZERO, 10);
        assert_eq!(kept(&mut memory), [false, true, false, false]);
    }
}
