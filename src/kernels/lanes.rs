//! Sums in a fixed order, sixteen f32 lanes wide, widened to f64 at the end.
//!
//! The compiler may not reorder a float sum, so the lanes are written out: one vector register each, and the same
//! result whatever the number of threads.

use pulp::{Arch, Simd, WithSimd};

const LANES: usize = 16;

/// Runs a loop compiled for the processor's own vector instructions. It and what it calls must be inlined, so write
/// `#[inline(always)]` in front of a closure: a long one is otherwise compiled for any processor. Results are the
/// same bit for bit, since the compiler neither reorders nor fuses float operations.
#[inline(always)]
pub(super) fn vectorised<T>(body: impl FnOnce() -> T) -> T {
    Arch::new().dispatch(body)
}

/// Sum of `f(a, b)` over two slices of the same length.
pub(super) fn sum2(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f64 {
    Arch::new().dispatch(Sum2 { a, b, f })
}

/// A struct, because only its method is sure to be inlined into the code for the processor's instructions.
struct Sum2<'a, F> {
    a: &'a [f32],
    b: &'a [f32],
    f: F,
}

impl<F: Fn(f32, f32) -> f32> WithSimd for Sum2<'_, F> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let Self { a, b, f } = self;
        let mut acc = [0f32; LANES];
        let (blocks_a, blocks_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        let tail: f32 = blocks_a.remainder().iter().zip(blocks_b.remainder()).map(|(a, b)| f(*a, *b)).sum();
        for (a, b) in blocks_a.zip(blocks_b) {
            for ((acc, a), b) in acc.iter_mut().zip(a).zip(b) {
                *acc += f(*a, *b);
            }
        }
        acc.iter().map(|v| f64::from(*v)).sum::<f64>() + f64::from(tail)
    }
}
