//! One seed, many independent streams of random numbers, told apart by what they are for.
//!
//! Two purposes sharing one stream would change each other's draws whenever one of them draws more, which
//! breaks "same seed, same result" for reasons nobody can see. `ChaCha8` has 2^64 streams per seed; the name
//! of the purpose picks one.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator for `purpose` under `seed`. The same two always give the same numbers.
pub(crate) fn named_stream(seed: u64, purpose: &str) -> ChaCha8Rng {
    // FNV-1a: short, and fixed for ever, unlike the standard library's hasher.
    let stream = purpose
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

#[cfg(test)]
mod tests {
    use super::named_stream;
    use rand::RngCore;

    #[test]
    fn same_name_repeats_and_another_name_differs() {
        let first = named_stream(7, "pairs").next_u64();
        assert_eq!(first, named_stream(7, "pairs").next_u64());
        assert_ne!(first, named_stream(7, "folds").next_u64());
        assert_ne!(first, named_stream(8, "pairs").next_u64());
    }
}
