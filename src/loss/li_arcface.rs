//! Li-ArcFace (Li, AirFace, arXiv:1907.12256, eq. 5): logits linear in the angle.
//!
//! ```text
//! φ(θ) = (π − 2(θ + m)) / π        the other classes: (π − 2θ_j) / π
//! ```
//! A straight line never turns round, so no guard is needed. Published: s = 64, m = 0.45 rad.
//!
//! For small networks and embeddings, for which its authors made it.

use super::angles::angle_and_sine;
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use std::f64::consts::PI;

/// `(π − 2θ) / π` of all cosines, `[n, c]`.
pub(super) fn all<B: Backend>(cosine: Tensor<B, 2>) -> Target<B, 2> {
    let [theta, sine] = angle_and_sine(cosine);
    Target { value: theta * (-2.0 / PI) + 1.0, slope: sine.recip() * (2.0 / PI) }
}

/// φ at the own cosines; its derivative is by `(π − 2θ) / π`, which stands in the own cosine's place.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, margin_rad: Tensor<B, 1>) -> Target<B, 1> {
    let [theta, _] = angle_and_sine(cosine);
    Target { slope: theta.ones_like(), value: (theta + margin_rad) * (-2.0 / PI) + 1.0 }
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, margin_rad: f64) -> f64 {
    1.0 - 2.0 * (cosine.clamp(-1.0, 1.0).acos() + margin_rad) / PI
}
