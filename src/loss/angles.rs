//! cos(θ + m) from cos θ, without an arc cosine and without NaN.
//!
//! The derivative of arccos, and of √ at 0, is infinite: at c = ±1 both give NaN gradients, the commonest way for a
//! margin loss to die on easy data. The radicand is kept above [`SMALLEST_RADICAND`]; in f32 only c = ±1 itself is hit.

use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Lower bound of 1 − c² under the root.
pub const SMALLEST_RADICAND: f64 = 1e-9;

/// `cos(θ + m) = c·cos m − √(1 − c²)·sin m` of cosines in [−1, 1]; values outside by rounding are clamped.
pub fn cos_add<B: Backend, const D: usize>(cosine: Tensor<B, D>, margin_rad: f64) -> Tensor<B, D> {
    let c = cosine.clamp(-1.0, 1.0);
    // (1 − c)(1 + c) keeps the digits that 1 − c² loses near ±1.
    let radicand = (-c.clone() + 1.0) * (c.clone() + 1.0);
    let sine = radicand.clamp(SMALLEST_RADICAND, 1.0).sqrt();
    c * margin_rad.cos() - sine * margin_rad.sin()
}

/// Value and derivative of [`cos_add`]: `d cos(θ + m) / d cos θ = sin(θ + m) / sin θ = cos m + c·sin m / √(1 − c²)`. Where the
/// radicand is at its bound the root counts as constant.
pub fn cos_add_target<B: Backend, const D: usize>(cosine: Tensor<B, D>, margin_rad: f64) -> Target<B, D> {
    let c = cosine.clone().clamp(-1.0, 1.0);
    let radicand = (-c.clone() + 1.0) * (c.clone() + 1.0);
    let at_pole = radicand.clone().lower_elem(SMALLEST_RADICAND);
    let cotangent = (c / radicand.clamp(SMALLEST_RADICAND, 1.0).sqrt()).mask_fill(at_pole, 0.0);
    Target { value: cos_add(cosine, margin_rad), slope: cotangent * margin_rad.sin() + margin_rad.cos() }
}

/// The same for one number, exact.
pub fn cos_add_scalar(cosine: f64, margin_rad: f64) -> f64 {
    let c = cosine.clamp(-1.0, 1.0);
    c * margin_rad.cos() - (1.0 - c * c).max(0.0).sqrt() * margin_rad.sin()
}
