//! AdaCos (Zhang et al., arXiv:1905.00292, eq. 13 to 15): no margin, and a scale that follows the training.
//!
//! ```text
//! s₀ = √2·ln(C − 1)
//! s ← ln(B) / cos(min(π/4, θ_med))      B = mean over the batch of Σ_{j≠y} exp(s·cos θ_j),  θ_med = median of θ_y
//! ```
//! Moved before it is used. The median of an even number is the smaller of the two in the middle, as in the authors' code.
//!
//! Nothing to set: for a first look at data of which nothing is known.

use super::elastic::falling_rank;
use crate::kernels::running::unless_undefined;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// The scale after a batch, `[1]`: of all cosines `[n, c]` and the own `[n]`.
pub(super) fn follow<B: Backend>(scale: Tensor<B, 1>, cosine: Tensor<B, 2>, own: Tensor<B, 1>) -> Tensor<B, 1> {
    let n = own.dims()[0];
    let all = (cosine * scale.clone().reshape([1, 1])).exp().sum_dim(1).reshape([n]);
    let mine = (own.clone() * scale.clone()).exp();
    let others = (all - mine).mean();
    // Falling cosines are rising angles.
    let in_the_middle = falling_rank(own.clone()).equal_elem(((n - 1) / 2) as i64).float();
    let median = (own * in_the_middle).sum().clamp(std::f64::consts::FRAC_1_SQRT_2, 1.0);
    unless_undefined(others.log() / median, scale)
}
