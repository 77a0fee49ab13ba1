//! ArcFace as `arcface_torch` trains it since December 2022 (`losses.py`): the value of `cos(θ + m)`, the gradient of `cos θ`.
//!
//! There the target cosine is changed in place where no gradient is recorded, so the margin enters the softmax but not the
//! derivative ("straight-through"; opensphere calls it characteristic gradient detachment). Stable, and the form behind
//! today's published checkpoints; its gradients are not the paper's.

use super::angles::{cos_add, cos_add_scalar};
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ and the derivative that is used for it.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, margin_rad: f64) -> Target<B, 1> {
    Target { slope: cosine.ones_like(), value: cos_add(cosine, margin_rad) }
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, margin_rad: f64) -> f64 {
    cos_add_scalar(cosine, margin_rad)
}
