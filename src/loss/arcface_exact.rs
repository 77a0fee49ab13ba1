//! ArcFace as the paper writes it (Deng et al., arXiv:1801.07698, eq. 3).
//!
//! ```text
//! φ(θ) = cos(θ + m) = cos θ·cos m − sin θ·sin m     everywhere
//! ```
//! Past θ = π − m the curve turns round and its gradient pushes a sample away from its class; the guards of the other
//! variants exist because of that.
//!
//! Here to reproduce the paper. θ and m in radians; published with m = 0.5 and s = 64.

use super::angles::{cos_add_scalar, cos_add_target};
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ and its derivative at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, margin_rad: Tensor<B, 1>) -> Target<B, 1> {
    cos_add_target(cosine, margin_rad)
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, margin_rad: f64) -> f64 {
    cos_add_scalar(cosine, margin_rad)
}
