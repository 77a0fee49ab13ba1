use super::transforms::{IN, KERNEL, OUT, Square, gradient, input, kernel, kernel_gradient, output};
use pulp::Scalar;

/// One lane, so that a vector is a number.
const SIMD: Scalar = Scalar;

fn numbers<const N: usize>(seed: usize) -> Square<Scalar, N> {
    let value = |i: usize| ((i * 7919 + seed * 104_729) % 1013) as f32 / 506.5 - 1.0;
    std::array::from_fn(|r| std::array::from_fn(|c| value(r * N + c)))
}

fn times(a: &Square<Scalar, IN>, b: &Square<Scalar, IN>) -> Square<Scalar, IN> {
    std::array::from_fn(|r| std::array::from_fn(|c| a[r][c] * b[r][c]))
}

/// Largest distance from the definition `Σ a[r + i][c + j] · b[i][j]`, summed in f64.
fn error<const M: usize, const K: usize>(
    a: &Square<Scalar, IN>,
    b: &Square<Scalar, K>,
    found: &Square<Scalar, M>,
) -> f64 {
    let mut worst = 0f64;
    for (r, row) in found.iter().enumerate() {
        for (c, found) in row.iter().enumerate() {
            let terms = (0..K * K).map(|k| (k / K, k % K));
            let wanted: f64 = terms.map(|(i, j)| f64::from(a[r + i][c + j]) * f64::from(b[i][j])).sum();
            worst = worst.max((wanted - f64::from(*found)).abs());
        }
    }
    worst
}

#[test]
fn one_patch_is_a_convolution() {
    for seed in 0..20 {
        let (patch, weights) = (numbers::<IN>(seed), numbers::<KERNEL>(seed + 100));
        let found = output(SIMD, &times(&input(SIMD, &patch), &kernel(SIMD, &weights)));
        assert!(error::<OUT, KERNEL>(&patch, &weights, &found) < 2e-5);
    }
}

#[test]
fn the_gradient_of_one_patch_is_the_correlation_with_it() {
    for seed in 0..20 {
        let (patch, slope) = (numbers::<IN>(seed), numbers::<OUT>(seed + 100));
        let found = kernel_gradient(SIMD, &times(&input(SIMD, &patch), &gradient(SIMD, &slope)));
        assert!(error::<KERNEL, OUT>(&patch, &slope, &found) < 2e-5);
    }
}
