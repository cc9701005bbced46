//! Which random numbers does a guest get? Real ones, or the same in every run.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use wasmtime_wasi::WasiCtxBuilder;

/// Which random numbers a guest gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Randomness {
    /// Real ones, that nobody can foresee.
    #[default]
    Real,
    /// Those that follow from this number: the same in every run, on every machine, and for WASI 0.1 and 0.2. Nothing
    /// that a guest makes of them is secret: no key, no token.
    ///
    /// They are the output of ChaCha with 8 rounds, whose key is the number (little-endian, and then zeros), with
    /// stream number 0 for the secure numbers, 1 for the insecure ones and 2 for the insecure seed. Of each 32 bits
    /// a guest that asks for bytes gets the lowest 8.
    Seeded(u64),
}

impl Randomness {
    /// Hands the generators to the context that is being built.
    pub(crate) fn open(self, builder: &mut WasiCtxBuilder) {
        let Randomness::Seeded(seed) = self else { return };
        builder.secure_random(generator(seed, 0));
        builder.insecure_random(generator(seed, 1));
        let mut bytes = [0; 16];
        generator(seed, 2).fill_bytes(&mut bytes);
        builder.insecure_random_seed(u128::from_le_bytes(bytes));
    }
}

fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(stream);
    generator
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::Rng as _;

    use super::generator;

    /// The published test vector of ChaCha8 for a key of zeros: what a seed gives does not depend on this crate.
    #[test]
    fn the_stream_is_that_of_chacha8() {
        let mut bytes = [0; 16];
        generator(0, 0).fill_bytes(&mut bytes);
        let expect =
            [0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6, 0x7f, 0x5b, 0xb8, 0xe8, 0x1f, 0x09, 0xa5, 0xa1];
        assert_eq!(bytes, expect);
    }
}
