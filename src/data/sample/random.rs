//! Where every random number of the sample set comes from: one `ChaCha8` stream per purpose, identity and image.
//!
//! Not for anything outside `data::sample`. Numbers are made from integers by one multiplication, never by a
//! distribution of `rand`, so that a new version of that crate cannot change a portrait. Identity `i` asks for
//! attributes from blocks of neighbouring indices ([`stratum`]) rather than independently: with a few dozen
//! identities independent draws leave look-alikes, and the blocks do not depend on how many identities there are.

use rand::RngCore;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What a stream is for; the number is part of its address, so it must not change.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// The vector of an identity.
    Identity = 1,
    /// Pose, expression, light and the rest of one image.
    Variation = 2,
    /// The shuffled order of one attribute's values within one block of identities.
    Stratum = 3,
    /// The verification pairs.
    Pairs = 4,
}

/// One stream of random numbers.
#[derive(Debug, Clone)]
pub(super) struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of `purpose` at (`major`, `minor`), for example (identity, image); both below 2^28.
    pub(super) fn new(seed: u64, purpose: Purpose, major: u32, minor: u32) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(((purpose as u64) << 56) | (u64::from(major) << 28) | u64::from(minor));
        Self(generator)
    }

    /// Uniform in [0, 1), in steps of 2^-32.
    pub(super) fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    /// Uniform in [`low`, `high`).
    pub(super) fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Bell-shaped in (-1, 1) with standard deviation 0.41: the mean of two uniform numbers.
    pub(super) fn bell(&mut self) -> f64 {
        self.unit() + self.unit() - 1.0
    }

    /// True with the given probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform in 0..`count`; 0 when `count` is 0.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(count)) >> 64) as u64
    }

    /// Any 32 bits.
    pub(super) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }
}

/// The slot in 0..`slots` that `identity` gets for `attribute`.
///
/// Within every block of `slots` consecutive identities each slot is given once, in an order shuffled per block.
pub(super) fn stratum(seed: u64, attribute: u32, identity: u32, slots: u32) -> u32 {
    let slots = slots.max(1);
    let mut stream = Stream::new(seed, Purpose::Stratum, attribute, identity / slots);
    let mut order: Vec<u32> = (0..slots).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, stream.below(last as u64 + 1) as usize);
    }
    order.get((identity % slots) as usize).copied().unwrap_or(0)
}

/// Noise in (-1, 1), bell-shaped, for one pixel of one channel: an integer hash, so it needs no state.
pub(super) fn pixel_noise(key: u32, x: u32, y: u32, channel: u32) -> f64 {
    let mut state = u64::from(key) | (u64::from(x) << 32) | (u64::from(y) << 44) | (u64::from(channel) << 60);
    // The finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^= state >> 31;
    let parts = [state & 0xffff, (state >> 16) & 0xffff, (state >> 32) & 0xffff, state >> 48];
    parts.iter().map(|&part| part as f64 / 65_536.0).sum::<f64>() / 2.0 - 1.0
}
