//! SphereFace, or A-softmax (Liu et al., arXiv:1704.08063, eq. 7), annealed as its authors train it
//! (`wy1iu/sphereface`, `margin_inner_product_layer.cpp`).
//!
//! ```text
//! z_y = ‖x‖·(λ·cos θ + ψ(θ)) / (1 + λ)      ψ(θ) = (−1)ᵏ·cos(mθ) − 2k,  k = ⌊mθ/π⌋
//! z_j = ‖x‖·cos θ_j                          λ = max(5, 1000 / (1 + γ·t)),  t = number of the step from 1
//! ```
//! γ = 0.12 as published, with which λ takes 1659 steps to its 5. A run of fewer than twice as many has the γ that gets there in
//! half of its steps: with the published one λ would end too high for the margin to count (456 steps leave it a weight of 5 %).
//! Steps in which the network rests do not count.
//!
//! Class weights are normalised, embeddings are not, so the gradient also flows through ‖x‖. (The Caffe code rescales the
//! target's gradient once more; this is the exact one.)
//!
//! The first angular margin, here to reproduce it. m is a whole factor on the angle, 4 as published; there is no scale.

use super::norms::WithNorm;
use super::sphereface_curve;
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// λ of the first step would be this divided by `1 + GAMMA`.
const BASE: f64 = 1000.0;
/// As published: the least that γ is.
const GAMMA: f64 = 0.12;
/// Share of a run by which λ has reached its least value.
const ANNEALED_BY: f64 = 0.5;
/// λ never falls below.
const LEAST: f64 = 5.0;

/// Weight of the plain cosine at a step counted from 0, in a run of `run_steps`; both without those of a network at rest.
pub(super) fn lambda(step: u64, run_steps: u64) -> f64 {
    let in_time = (BASE / LEAST - 1.0) / (ANNEALED_BY * run_steps.max(1) as f64);
    (BASE / (1.0 + GAMMA.max(in_time) * (step + 1) as f64)).max(LEAST)
}

fn mixed<B: Backend>(cosine: Tensor<B, 1>, factor: f64, lambda: f64) -> Target<B, 1> {
    let Target { value, slope } = sphereface_curve::target(cosine.clone(), factor);
    Target { value: (value + cosine * lambda) / (1.0 + lambda), slope: (slope + lambda) / (1.0 + lambda) }
}

/// `‖x‖·φ`, its derivative by `‖x‖·cos θ`, and by `‖x‖`; `lambda` is that of the step.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, norm: Tensor<B, 1>, factor: f64, lambda: f64) -> WithNorm<B> {
    let Target { value, slope } = mixed(cosine.clone(), factor, lambda);
    let norm_slope = value.clone() - cosine * slope.clone();
    WithNorm { target: Target { value: value * norm, slope }, norm_slope }
}

/// φ of one cosine in the last step of a run, whatever its length: λ has reached its end.
pub(super) fn target_scalar(cosine: f64, factor: f64) -> f64 {
    (LEAST * cosine + sphereface_curve::target_scalar(cosine, factor)) / (1.0 + LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_starts_where_the_authors_start_and_ends_at_five() {
        let long = 1_000_000;
        assert!((lambda(0, long) - 892.857_142_857).abs() < 1e-9);
        assert!(lambda(100, long) > lambda(101, long));
        assert!(lambda(1657, long) > LEAST);
        assert_eq!(lambda(1658, long), LEAST);
    }

    #[test]
    fn short_runs_get_there_by_their_half_and_none_is_slower_than_published() {
        let published = |step: u64| (1000.0 / (1.0 + 0.12 * (step + 1) as f64)).max(5.0);
        for run_steps in [1, 2, 50, 456, 3316, 3317, 100_000] {
            assert!((lambda(run_steps - 1, run_steps) - LEAST).abs() < 1e-9, "{run_steps}");
            let half = (run_steps / 2).max(1) - 1;
            assert!(lambda(half, run_steps) < 1.01 * LEAST, "{run_steps}");
            for step in (0..run_steps).step_by(7) {
                assert!(lambda(step, run_steps) <= published(step), "{step} of {run_steps}");
                assert!(lambda(step + 1, run_steps) <= lambda(step, run_steps), "{step} of {run_steps}");
            }
        }
        assert_eq!(lambda(300, 3317), published(300));
        assert!(lambda(300, 3316) < published(300));
        // The sample: half-way to the half, λ is twice what it ends at.
        assert!((lambda(113, 456) - 9.95).abs() < 0.01);
    }
}
