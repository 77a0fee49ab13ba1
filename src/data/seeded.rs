//! Random streams with names: the same (seed, purpose, index) gives the same numbers on every machine.
//!
//! Hashing instead of `seed ^ something`: neighbouring seeds and indices must not give related streams.

use rand::{RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest as _, Sha256};

/// The stream of `purpose`, number `index`.
pub(super) fn stream(seed: u64, purpose: &str, index: u64) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(index.to_le_bytes());
    hash.update(purpose.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// Fisher–Yates with 32-bit draws, so that 32-bit and 64-bit machines agree. Slices are shorter than 2³² here.
pub(super) fn shuffle<T>(slice: &mut [T], rng: &mut ChaCha8Rng) {
    for i in (1..slice.len()).rev() {
        // Multiply-shift on 32 bits: a bias below 2⁻³²·n, which no experiment of this size can see.
        let j = (u64::from(rng.next_u32()) * (i as u64 + 1)) >> 32;
        slice.swap(i, j as usize);
    }
}

/// Uniform in [-1, 1).
pub(super) fn signed_unit(rng: &mut ChaCha8Rng) -> f32 {
    // 24 bits: every value is exact in f32.
    (rng.next_u32() >> 8) as f32 * (2.0 / 16_777_216.0) - 1.0
}
