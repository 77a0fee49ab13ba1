//! What the kernel tests share: fixed random tensors, differences, finite differences, thread pools.

use super::random::Draw;
use burn::backend::Flex;
use burn::tensor::{Tensor, TensorData};

/// Standard normal values of a fixed seed.
pub(super) fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<Flex, D> {
    Draw::new(seed, "test").normal::<Flex, D>(shape, 1.0, &Default::default()).into_value()
}

/// Largest difference, relative to the largest value of `b`.
pub(super) fn largest_difference<const D: usize>(a: Tensor<Flex, D>, b: Tensor<Flex, D>) -> f32 {
    let (a, b) = (values(&a), values(&b));
    assert_eq!(a.len(), b.len(), "they have other numbers of values");
    let scale = b.iter().fold(0f32, |m, v| m.max(v.abs())).max(1e-3);
    let difference =
        a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0f32, |m, d| if d > m || d.is_nan() { d } else { m });
    difference / scale
}

pub(super) fn values<const D: usize>(t: &Tensor<Flex, D>) -> Vec<f32> {
    t.to_data().iter::<f32>().collect()
}

/// The sum in double precision, so that a finite difference keeps its digits.
pub(super) trait Rough {
    fn rough_sum(self) -> f64;
}

impl<const D: usize> Rough for Tensor<Flex, D> {
    fn rough_sum(self) -> f64 {
        values(&self).into_iter().map(f64::from).sum()
    }
}

/// Compares a gradient with central differences of `loss`, one number at a time.
pub(super) fn check_gradient<const D: usize>(
    at: &Tensor<Flex, D>,
    gradient: &Tensor<Flex, D>,
    loss: impl Fn(Tensor<Flex, D>) -> f64,
) {
    let (start, gradient) = (values(at), values(gradient));
    let scale = gradient.iter().fold(0f32, |m, v| m.max(v.abs())).max(1e-3);
    let step = 1e-2_f32;
    for i in 0..start.len() {
        let moved = |by: f32| {
            let mut values = start.clone();
            values[i] += by;
            loss(Tensor::from_data(TensorData::new(values, at.shape()), &Default::default()))
        };
        let slope = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
        let error = (slope - f64::from(gradient[i])).abs() / f64::from(scale);
        // f32 rounding over a step of 1e-2 and the curvature of the smooth operations.
        assert!(error < 5e-3, "number {i}: gradient {} but slope {slope}", gradient[i]);
    }
}

/// Runs `f` in a pool of its own.
pub(super) fn run_with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small thread pool").install(f)
}
