//! Losses in which the length of the embedding has a say of its own.

use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// A target that also depends on the length of the embedding.
#[derive(Debug)]
pub(super) struct WithNorm<B: Backend> {
    /// Value and derivative by the own cosine (or dot product).
    pub target: Target<B, 1>,
    /// Derivative of the value by the length, `[n]`.
    pub norm_slope: Tensor<B, 1>,
}

/// Lengths of the rows, recorded for gradients; a row of zeros has no direction and passes none on.
///
/// # Shapes
/// `[n, d]` → `[n]`
pub(super) fn lengths<B: Backend>(rows: Tensor<B, 2>) -> Tensor<B, 1> {
    let n = rows.dims()[0];
    (rows.clone() * rows).sum_dim(1).reshape([n]).clamp_min(1e-24).sqrt()
}

/// `value` as it is, with `slope` as its derivative by the (recorded) length beside those that it has already.
///
/// # Shapes
/// `[n]` each
pub(super) fn with_slope<B: Backend>(value: Tensor<B, 1>, length: Tensor<B, 1>, slope: Tensor<B, 1>) -> Tensor<B, 1> {
    value + (length.clone() - length.detach()) * slope
}

/// Adds what the length contributes to the gradient of a cross-entropy, and nothing to its value: the derivative of the
/// cross-entropy by the own logit is p − 1, and p = exp(−cross-entropy).
pub(super) fn pass_on<B: Backend>(
    cross_entropy: Tensor<B, 1>,
    length: Tensor<B, 1>,
    norm_slope: Tensor<B, 1>,
    scale: f64,
) -> Tensor<B, 1> {
    let p = (-cross_entropy.clone().detach()).exp();
    with_slope(cross_entropy, length, (p - 1.0) * norm_slope * scale)
}
