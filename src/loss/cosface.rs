//! CosFace (Wang et al., arXiv:1801.09414, eq. 4): `φ = cos θ − m`. No angle, no guard: numerically the safest.
//!
//! A good second run beside ArcFace. m is an amount of cosine; published with m = 0.35 and s = 64
//! (`arcface_torch`'s recipes for Glint360K and WebFace take 0.4).

use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ and its derivative at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, margin_cos: Tensor<B, 1>) -> Target<B, 1> {
    Target { slope: cosine.ones_like(), value: cosine - margin_cos }
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, margin_cos: f64) -> f64 {
    cosine - margin_cos
}
