//! ArcFace with the hard fallback (`arcface_torch` of 2022, `face.evoLVe`, PyTorch Metric Learning and others).
//!
//! ```text
//! φ(θ) = cos(θ + m)          for cos θ > cos(π − m)
//!      = cos θ − m·sin m     beyond
//! ```
//! It falls everywhere, but by a step of cos m + m·sin m − 1 at π − m (0.117 for m = 0.5).
//!
//! Here to reproduce those trainers. m in radians; published with m = 0.5 and s = 64.

use super::angles::{cos_add_scalar, cos_add_target};
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ and its derivative at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, margin_rad: Tensor<B, 1>) -> Target<B, 1> {
    let beyond = cosine.clone().lower_equal(-margin_rad.clone().cos());
    let Target { value, slope } = cos_add_target(cosine.clone(), margin_rad.clone());
    let line = cosine - margin_rad.clone() * margin_rad.sin();
    Target { value: value.mask_where(beyond.clone(), line), slope: slope.mask_fill(beyond, 1.0) }
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, margin_rad: f64) -> f64 {
    if cosine > -margin_rad.cos() { cos_add_scalar(cosine, margin_rad) } else { cosine - margin_rad * margin_rad.sin() }
}
