//! A fingerprint of what an image looks like: 64 bits that stay nearly the same when it is resized, compressed, made
//! brighter or given more contrast.
//!
//! The DCT hash of C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), as in pHash:
//! the image is shrunk to 32×32 grey levels, and 64 low frequencies of its cosine transform are compared with their
//! median.
//!
//! ```text
//! F(u, v) = Σ_y Σ_x p(x, y) cos(π (2x + 1) u / 64) cos(π (2y + 1) v / 64),  u, v = 1 … 8
//! bit 8 (v − 1) + (u − 1) = F(u, v) > median of F
//! ```
//!
//! Frequencies with u = 0 or v = 0 are left out, so that brightness and even shading do not count; only the order of the
//! values counts, so contrast does not either. Alone it says too little about drawings of a few strokes, which share most
//! of their low frequencies: `near.rs` looks at the pixels as well.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Side of the square that is transformed, in pixels.
pub(super) const SIDE_PX: usize = 32;
/// Frequencies kept per direction.
const FREQUENCIES: usize = 8;

/// `[u − 1][x]` = cos(π (2x + 1) u / 64).
static COSINES: LazyLock<[[f32; SIDE_PX]; FREQUENCIES]> = LazyLock::new(|| {
    std::array::from_fn(|u| {
        std::array::from_fn(|x| (PI * (2 * x + 1) as f64 * (u + 1) as f64 / (2 * SIDE_PX) as f64).cos() as f32)
    })
});

/// The hash of 32×32 grey levels in [0, 255], row by row.
pub(super) fn dct_hash(grey: &[f32; SIDE_PX * SIDE_PX]) -> u64 {
    let cosines = &*COSINES;
    let mut rows = [[0.0_f32; FREQUENCIES]; SIDE_PX];
    for (row, out) in grey.chunks_exact(SIDE_PX).zip(&mut rows) {
        for (value, wave) in out.iter_mut().zip(cosines) {
            *value = row.iter().zip(wave).map(|(pixel, wave)| pixel * wave).sum();
        }
    }
    let mut low = [0.0_f32; FREQUENCIES * FREQUENCIES];
    for (out, wave) in low.chunks_exact_mut(FREQUENCIES).zip(cosines) {
        for (row, wave) in rows.iter().zip(wave) {
            out.iter_mut().zip(row).for_each(|(out, value)| *out += value * wave);
        }
    }
    let mut sorted = low;
    sorted.sort_unstable_by(f32::total_cmp);
    let (below, above) = sorted.split_at(sorted.len() / 2);
    let median = f32::midpoint(below.last().copied().unwrap_or(0.0), above.first().copied().unwrap_or(0.0));
    low.iter().rev().fold(0, |hash, &value| (hash << 1) | u64::from(value > median))
}

/// Bits in which two hashes differ, 0 to 64.
pub(super) fn distance(a: u64, b: u64) -> u32 {
    (a ^ b).count_ones()
}
