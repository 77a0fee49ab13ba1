//! The cosine without its turns: what the SphereFace family bends the angle with, and what guards the combined margins.
//!
//! ```text
//! χ(α) = (−1)ᵏ·cos α − 2k,   k = ⌊α/π⌋      (Liu et al., arXiv:1704.08063, eq. 6, with α = mθ)
//! χ′(α) = −(−1)ᵏ·sin α = −|sin α|
//! ```
//! Every half turn of the cosine is mirrored and set below the one before, so χ falls from 1 as far as α goes, in one piece,
//! and its slope is 0 where two halves meet. Up to α = π it is the cosine; up to 2π it is the reflection −2 − cos α.

use super::angles::angle_and_sine;
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use std::f64::consts::PI;

/// χ of angles α ≥ 0, and how fast it falls there: `|sin α|`.
pub(super) fn unturned<B: Backend>(angle: Tensor<B, 1>) -> [Tensor<B, 1>; 2] {
    let k = (angle.clone() / PI).floor();
    // 1 for even k, −1 for odd.
    let sign = (k.clone() / 2.0).floor() * 4.0 - k.clone() * 2.0 + 1.0;
    [sign * angle.clone().cos() - k * 2.0, angle.sin().abs()]
}

/// χ of one angle α ≥ 0.
pub(super) fn unturned_scalar(angle: f64) -> f64 {
    let k = (angle / PI).floor();
    let sign = if k % 2.0 == 0.0 { 1.0 } else { -1.0 };
    sign * angle.cos() - 2.0 * k
}

/// SphereFace's curve ψ(θ) = χ(mθ), and its derivative `m·|sin(mθ)| / sin θ` at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, factor: f64) -> Target<B, 1> {
    let [theta, sine] = angle_and_sine(cosine);
    let [value, fall] = unturned(theta * factor);
    Target { value, slope: fall * factor / sine }
}

/// ψ of one cosine.
pub(super) fn target_scalar(cosine: f64, factor: f64) -> f64 {
    unturned_scalar(factor * cosine.clamp(-1.0, 1.0).acos())
}
