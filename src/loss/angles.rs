//! Angles from cosines without NaN.
//!
//! The derivative of arccos, and of √ at 0, is infinite: at c = ±1 both give NaN gradients, the commonest way for a
//! margin loss to die on easy data. The radicand is kept above [`SMALLEST_RADICAND`]; in f32 only c = ±1 itself is hit.
//! Nothing here is recorded for gradients: the losses state their derivatives themselves.

use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Lower bound of 1 − c² under the root.
pub const SMALLEST_RADICAND: f64 = 1e-9;
/// An arc cosine is taken of cosines this far within ±1.
const POLE: f64 = 1e-7;

/// sin θ of cosines in [−1, 1], at least √[`SMALLEST_RADICAND`].
pub(super) fn sine<B: Backend, const D: usize>(cosine: Tensor<B, D>) -> Tensor<B, D> {
    let c = cosine.clamp(-1.0, 1.0);
    // (1 − c)(1 + c) keeps the digits that 1 − c² loses near ±1.
    let radicand = (-c.clone() + 1.0) * (c + 1.0);
    radicand.clamp(SMALLEST_RADICAND, 1.0).sqrt()
}

/// θ, and sin θ, of cosines that are kept off ±1.
pub(super) fn angle_and_sine<B: Backend, const D: usize>(cosine: Tensor<B, D>) -> [Tensor<B, D>; 2] {
    let c = cosine.clamp(-1.0 + POLE, 1.0 - POLE);
    [c.clone().acos(), sine(c)]
}

/// `cos(θ + m) = c·cos m − √(1 − c²)·sin m` of cosines in [−1, 1] and one margin each; values outside by rounding are
/// clamped.
pub fn cos_add<B: Backend, const D: usize>(cosine: Tensor<B, D>, margin_rad: Tensor<B, D>) -> Tensor<B, D> {
    let c = cosine.clamp(-1.0, 1.0);
    c.clone() * margin_rad.clone().cos() - sine(c) * margin_rad.sin()
}

/// Value and derivative of [`cos_add`]: `d cos(θ + m) / d cos θ = sin(θ + m) / sin θ = cos m + c·sin m / √(1 − c²)`. Where the
/// radicand is at its bound the root counts as constant.
pub(super) fn cos_add_target<B: Backend>(cosine: Tensor<B, 1>, margin_rad: Tensor<B, 1>) -> Target<B, 1> {
    let c = cosine.clone().clamp(-1.0, 1.0);
    let root = sine(c.clone());
    let at_pole = root.clone().lower_equal_elem(SMALLEST_RADICAND.sqrt());
    let cotangent = (c / root).mask_fill(at_pole, 0.0);
    let slope = cotangent * margin_rad.clone().sin() + margin_rad.clone().cos();
    Target { value: cos_add(cosine, margin_rad), slope }
}

/// The same for one number, exact.
pub fn cos_add_scalar(cosine: f64, margin_rad: f64) -> f64 {
    let c = cosine.clamp(-1.0, 1.0);
    c * margin_rad.cos() - (1.0 - c * c).max(0.0).sqrt() * margin_rad.sin()
}
