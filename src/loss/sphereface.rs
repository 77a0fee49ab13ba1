//! SphereFace, or A-softmax (Liu et al., arXiv:1704.08063, eq. 7), annealed as its authors train it
//! (`wy1iu/sphereface`, `margin_inner_product_layer.cpp`).
//!
//! ```text
//! z_y = ‖x‖·(λ·cos θ + ψ(θ)) / (1 + λ)      ψ(θ) = (−1)ᵏ·cos(mθ) − 2k,  k = ⌊mθ/π⌋
//! z_j = ‖x‖·cos θ_j                          λ = max(5, 1000 / (1 + 0.12·t)),  t = number of the step from 1
//! ```
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
const GAMMA: f64 = 0.12;
/// λ never falls below.
const LEAST: f64 = 5.0;

/// Weight of the plain cosine at a step counted from 0.
pub(super) fn lambda(step: u64) -> f64 {
    (BASE / (1.0 + GAMMA * (step + 1) as f64)).max(LEAST)
}

fn mixed<B: Backend>(cosine: Tensor<B, 1>, factor: f64, lambda: f64) -> Target<B, 1> {
    let Target { value, slope } = sphereface_curve::target(cosine.clone(), factor);
    Target { value: (value + cosine * lambda) / (1.0 + lambda), slope: (slope + lambda) / (1.0 + lambda) }
}

/// `‖x‖·φ`, its derivative by `‖x‖·cos θ`, and by `‖x‖`.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, norm: Tensor<B, 1>, factor: f64, step: u64) -> WithNorm<B> {
    let Target { value, slope } = mixed(cosine.clone(), factor, lambda(step));
    let norm_slope = value.clone() - cosine * slope.clone();
    WithNorm { target: Target { value: value * norm, slope }, norm_slope }
}

/// φ of one cosine once λ has reached its end.
pub(super) fn target_scalar(cosine: f64, factor: f64) -> f64 {
    (LEAST * cosine + sphereface_curve::target_scalar(cosine, factor)) / (1.0 + LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_starts_where_the_authors_start_and_ends_at_five() {
        assert!((lambda(0) - 892.857_142_857).abs() < 1e-9);
        assert!(lambda(100) > lambda(101));
        assert_eq!(lambda(1_000_000), 5.0);
    }
}
