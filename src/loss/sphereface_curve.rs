//! The curve of the SphereFace family: `ψ(θ) = (−1)ᵏ·cos(mθ) − 2k` with `k = ⌊mθ/π⌋`, which falls from 1 to below −m in one
//! piece (Liu et al., arXiv:1704.08063, eq. 6).

use super::angles::angle_and_sine;
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use std::f64::consts::PI;

/// ψ and its derivative `(−1)ᵏ·m·sin(mθ) / sin θ` at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, factor: f64) -> Target<B, 1> {
    let [theta, sine] = angle_and_sine(cosine);
    let angle = theta * factor;
    let k = (angle.clone() / PI).floor();
    // 1 for even k, −1 for odd.
    let sign = (k.clone() / 2.0).floor() * 4.0 - k.clone() * 2.0 + 1.0;
    Target { value: sign.clone() * angle.clone().cos() - k * 2.0, slope: sign * angle.sin() * factor / sine }
}

/// ψ of one cosine.
pub(super) fn target_scalar(cosine: f64, factor: f64) -> f64 {
    let angle = factor * cosine.clamp(-1.0, 1.0).acos();
    let k = (angle / PI).floor();
    let sign = if k % 2.0 == 0.0 { 1.0 } else { -1.0 };
    sign * angle.cos() - 2.0 * k
}
