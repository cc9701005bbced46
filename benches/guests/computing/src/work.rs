//! What is computed, in the guest and, to compare, without one.

/// Below this, in memory that fits the processor's first cache.
const END: usize = 30_000;
/// So many there are.
pub const PRIMES: u32 = 3_245;

/// Counts the primes.
pub fn primes() -> u32 {
    let mut composite = [false; END];
    let mut found = 0;
    for number in 2..END {
        if composite[number] {
            continue;
        }
        found += 1;
        let mut multiple = 2 * number;
        while multiple < END {
            composite[multiple] = true;
            multiple += number;
        }
    }
    found
}
