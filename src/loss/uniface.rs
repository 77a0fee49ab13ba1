//! UniFace's unified cross-entropy (Zhou et al., ICCV 2023, eq. 6): every class is a yes-or-no question, and all share one
//! learned threshold b.
//!
//! ```text
//! loss_i = softplus(−(s·(cos θ_y − m) − b)) + Σ_{j≠y} softplus(s·cos θ_j − b)
//! ```
//! b starts at ln(10·r·C) with r the share of the classes that take part in a step; what the softplus sees is kept within
//! ±s, as its authors do it; beyond there is no gradient, so that the automatic scale is never too small for b. Published:
//! s = 64, m = 0.4, an amount of cosine. b/s is a cosine that parts same from different for all classes alike:
//! for when one threshold shall hold for all of them.

use crate::config::Head;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// b before the first step.
pub(super) fn start_bias(class_share: f64, classes: usize) -> f32 {
    Head::uniface_threshold(class_share, classes) as f32
}

/// ln(1 + eˣ) that overflows nowhere.
fn softplus<B: Backend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, D> {
    x.clone().clamp_min(0.0) + (-x.abs()).exp().log1p()
}

/// Loss per sample.
///
/// # Shapes
/// `logits [n, c]` (scaled cosines of the other classes), `own [n]` (scaled, with margin), `is_own [n, c]` (1 at the label,
/// else 0), `bias [1]` → `[n]`
pub(super) fn loss<B: Backend>(
    logits: Tensor<B, 2>,
    own: Tensor<B, 1>,
    is_own: Tensor<B, 2>,
    bias: Tensor<B, 1>,
    scale: f64,
) -> Tensor<B, 1> {
    let n = own.dims()[0];
    let mine = softplus(-(own - bias.clone()).clamp(-scale, scale));
    let others = softplus((logits - bias.reshape([1, 1])).clamp(-scale, scale)) * (-is_own + 1.0);
    mine + others.sum_dim(1).reshape([n])
}
