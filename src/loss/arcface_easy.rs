//! ArcFace with the easy margin (`ronghuaiyang/arcface-pytorch`, MagFace's default).
//!
//! ```text
//! φ(θ) = cos(θ + m)   within 90°
//!      = cos θ        beyond
//! ```
//! Far samples feel no margin, so a net that cannot start otherwise can; the curve jumps up by sin m at 90°.
//! m in radians; published with m = 0.5.

use super::angles::{cos_add_scalar, cos_add_target};
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ and its derivative at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, margin_rad: Tensor<B, 1>) -> Target<B, 1> {
    let far = cosine.clone().lower_equal_elem(0.0);
    let Target { value, slope } = cos_add_target(cosine.clone(), margin_rad);
    Target { value: value.mask_where(far.clone(), cosine), slope: slope.mask_fill(far, 1.0) }
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, margin_rad: f64) -> f64 {
    if cosine > 0.0 { cos_add_scalar(cosine, margin_rad) } else { cosine }
}
