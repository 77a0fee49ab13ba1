//! ArcFace as FaceX-Zoo has it (`head/ArcFace.py`): past π − m the margin is dropped.
//!
//! ```text
//! φ(θ) = cos(θ + m)   for cos θ > cos(π − m)
//!      = cos θ        beyond
//! ```
//! The curve jumps *up* there, so a sample just beyond is better off than one just before.
//!
//! Here to reproduce that trainer. m in radians; its configuration has m = 0.35 and s = 32.

use super::angles::{cos_add_scalar, cos_add_target};
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ and its derivative at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, margin_rad: Tensor<B, 1>) -> Target<B, 1> {
    let beyond = cosine.clone().lower_equal(-margin_rad.clone().cos());
    let Target { value, slope } = cos_add_target(cosine.clone(), margin_rad);
    Target { value: value.mask_where(beyond.clone(), cosine), slope: slope.mask_fill(beyond, 1.0) }
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, margin_rad: f64) -> f64 {
    if cosine > -margin_rad.cos() { cos_add_scalar(cosine, margin_rad) } else { cosine }
}
