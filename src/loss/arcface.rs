//! ArcFace (Deng et al., arXiv:1801.07698, eq. 3) with a reflection past π − m.
//!
//! ```text
//! φ(θ) = cos(θ + m)          for θ ≤ π − m
//!      = −2 − cos(θ + m)     beyond
//! ```
//! The paper's cos(θ + m) turns round at θ = π − m: a sample further away than that would be pushed further still. The
//! reflection (that of `Keras_insightface`) is continuous in value and slope, falls everywhere, and never reverses the
//! gradient; the fallbacks other implementations use jump.
//!
//! The usual choice. m in radians; published with m = 0.5 and s = 64, for tens of thousands of classes. Fewer want a smaller s
//! (BENCHMARKS.md).

use super::angles::{cos_add_scalar, cos_add_target};
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ and its derivative at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, margin_rad: Tensor<B, 1>) -> Target<B, 1> {
    let beyond = cosine.clone().lower(-margin_rad.clone().cos());
    let Target { value, slope } = cos_add_target(cosine, margin_rad);
    let (reflected, reversed) = (-value.clone() - 2.0, -slope.clone());
    Target { value: value.mask_where(beyond.clone(), reflected), slope: slope.mask_where(beyond, reversed) }
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, margin_rad: f64) -> f64 {
    let with_margin = cos_add_scalar(cosine, margin_rad);
    if cosine < -margin_rad.cos() { -2.0 - with_margin } else { with_margin }
}
