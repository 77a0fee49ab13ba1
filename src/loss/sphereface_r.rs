//! SphereFace-R (Liu et al., arXiv:2109.05565) with hard feature normalisation: three curves, one scale, and a loss that is
//! weighted so that its size does not depend on the scale.
//!
//! ```text
//! v0   φ = ψ(θ)                    (SphereFace's curve)
//! v1   φ = cos(min(mθ, π))
//! v2   φ = cos θ, and the other classes get cos(θ_j / m)
//! loss = (50 / s) · cross-entropy
//! ```
//! Published: s = 30, m = 1.5, the margin without gradient. (The authors' code was taken out of `opensphere`; these are the
//! formulas of its last version, `model/head/spherefacer.py`.)
//!
//! v1 is the curve its authors recommend. m is a factor on the angle.

use super::angles::angle_and_sine;
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use std::f64::consts::PI;

/// Weight of the loss times the scale.
const WEIGHT: f64 = 50.0;

/// What the cross-entropy is multiplied by.
pub(super) fn loss_weight(scale: f64) -> f64 {
    WEIGHT / scale
}

/// v1 at the own cosines.
pub(super) fn target_v1<B: Backend>(cosine: Tensor<B, 1>, factor: f64) -> Target<B, 1> {
    let [theta, sine] = angle_and_sine(cosine);
    let angle = theta * factor;
    let beyond = angle.clone().greater_elem(PI);
    let angle = angle.clamp_max(PI);
    Target { value: angle.clone().cos(), slope: (angle.sin() * factor / sine).mask_fill(beyond, 0.0) }
}

/// v1 of one cosine.
pub(super) fn target_scalar_v1(cosine: f64, factor: f64) -> f64 {
    (factor * cosine.clamp(-1.0, 1.0).acos()).min(PI).cos()
}

/// What v2 makes of the cosines to other classes, `[n, c]`.
pub(super) fn others_v2<B: Backend>(cosine: Tensor<B, 2>, factor: f64) -> Target<B, 2> {
    let [theta, sine] = angle_and_sine(cosine);
    let angle = theta / factor;
    Target { value: angle.clone().cos(), slope: angle.sin() / (sine * factor) }
}
