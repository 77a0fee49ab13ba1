//! CurricularFace (Huang et al., arXiv:2004.00288, eq. 8 to 11): impostors that beat the margin count more and more.
//!
//! ```text
//! own class      ArcFace with the hard fallback, m = 0.5
//! other class    c_j·(t + c_j)   where c_j > cos(θ_y + m), else c_j
//! t ← α·mean(cos θ_y) + (1 − α)·t,   from 0, moved before it is used, α = 0.01
//! ```
//! t carries no gradient.
//!
//! For large clean sets: impostors that are hard late in a training are real ones there. m in radians; published with s = 64.

use super::angles::cos_add;
use crate::kernels::Target;
use crate::kernels::running::unless_undefined;
use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Tensor};

pub(super) use super::arcface_fallback::{target, target_scalar};

/// t before the first batch.
pub(super) const START: f32 = 0.0;

/// t after a batch with these own cosines, `[1]`.
pub(super) fn follow<B: Backend>(statistics: Tensor<B, 1>, own: Tensor<B, 1>, share: f64) -> Tensor<B, 1> {
    unless_undefined(own.mean() * share + statistics.clone() * (1.0 - share), statistics)
}

/// What becomes of hard impostors, and which they are, `[n, c]`; the own class may be among them.
pub(super) fn hard_impostors<B: Backend>(
    cosine: Tensor<B, 2>,
    own: Tensor<B, 1>,
    margin_rad: Tensor<B, 1>,
    t: Tensor<B, 1>,
) -> (Target<B, 2>, Tensor<B, 2, Bool>) {
    let [n, c] = cosine.dims();
    let bound = cos_add(own, margin_rad).reshape([n, 1]).expand([n, c]);
    let hard = cosine.clone().greater(bound);
    let t = t.reshape([1, 1]);
    let value = cosine.clone() * (cosine.clone() + t.clone());
    (Target { value, slope: cosine * 2.0 + t }, hard)
}
