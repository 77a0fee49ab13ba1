//! The general form of ArcFace as the paper writes it (Deng et al., arXiv:1801.07698, eq. 4) and `arcface_mxnet` trains it:
//! `φ = cos(m₁θ + m₂) − m₃` everywhere. Beyond m₁θ + m₂ = π its gradient pushes a sample away from its class.
//!
//! Here to reproduce `arcface_mxnet`; units as in the guarded form.

use super::angles::angle_and_sine;
use crate::config::Margins;
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ and its derivative `m₁·sin(m₁θ + m₂) / sin θ` at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, Margins { factor, rad, cos }: Margins) -> Target<B, 1> {
    let [theta, sine] = angle_and_sine(cosine);
    let with_margin = theta * factor + rad;
    Target { value: with_margin.clone().cos() - cos, slope: with_margin.sin() * factor / sine }
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, Margins { factor, rad, cos }: Margins) -> f64 {
    (factor * cosine.clamp(-1.0, 1.0).acos() + rad).cos() - cos
}
