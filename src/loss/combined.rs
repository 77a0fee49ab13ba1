//! The general form of ArcFace (Deng et al., arXiv:1801.07698, eq. 4), guarded by reflection.
//!
//! ```text
//! φ(θ) = cos(m₁θ + m₂) − m₃             for m₁θ + m₂ ≤ π
//!      = −2 − cos(m₁θ + m₂) − m₃        beyond
//! ```
//! The paper's mixtures are (1, 0.3, 0.2) and (0.9, 0.4, 0.15). The reflection is `Keras_insightface`'s, written there as
//! `−2 − 2·m₃ − (cos(m₁θ + m₂) − m₃)`; `arcface_torch` cannot express the form, for it ignores m₁ and m₂ when m₃ is set.
//!
//! For sets on which one kind of margin alone is too hard. m₁ is a factor, m₂ in radians, m₃ an amount of cosine; s = 64.

use super::combined_exact;
use crate::config::Margins;
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use std::f64::consts::PI;

/// φ and its derivative at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, margins: Margins) -> Target<B, 1> {
    let beyond = cosine.clone().lower_elem(((PI - margins.rad) / margins.factor).min(PI).cos());
    let Target { value, slope } = combined_exact::target(cosine, margins);
    let reflected = -value.clone() - 2.0 - 2.0 * margins.cos;
    let reversed = -slope.clone();
    Target { value: value.mask_where(beyond.clone(), reflected), slope: slope.mask_where(beyond, reversed) }
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, margins: Margins) -> f64 {
    let exact = combined_exact::target_scalar(cosine, margins);
    let beyond = margins.factor * cosine.clamp(-1.0, 1.0).acos() + margins.rad > PI;
    if beyond { -2.0 - 2.0 * margins.cos - exact } else { exact }
}
