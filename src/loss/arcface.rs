//! ArcFace (Deng et al., arXiv:1801.07698, eq. 3) with a reflection past π − m.
//!
//! ```text
//! φ(θ) = cos(θ + m)          for θ ≤ π − m
//!      = −2 − cos(θ + m)     beyond
//! ```
//! The paper's cos(θ + m) turns round at θ = π − m: a sample further away than that would be pushed further still. The
//! reflection (that of `Keras_insightface`) is continuous in value and slope, falls everywhere, and never reverses the
//! gradient; the fallbacks other implementations use jump.

use super::angles::{cos_add, cos_add_scalar};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ of the target cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 2>, margin_rad: f64) -> Tensor<B, 2> {
    let beyond = cosine.clone().lower_elem(-margin_rad.cos());
    let with_margin = cos_add(cosine, margin_rad);
    let reflected = -with_margin.clone() - 2.0;
    with_margin.mask_where(beyond, reflected)
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, margin_rad: f64) -> f64 {
    let with_margin = cos_add_scalar(cosine, margin_rad);
    if cosine < -margin_rad.cos() { -2.0 - with_margin } else { with_margin }
}
