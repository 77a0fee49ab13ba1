//! What losses do to the cosines of the other classes.

use crate::kernels::Target;
use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Int, Tensor};

/// `value` with the gradient `slope` by the cosine, where `chosen`; the cosine elsewhere. `[n, c]` each.
pub(super) fn replaced<B: Backend>(
    cosine: Tensor<B, 2>,
    chosen: Tensor<B, 2, Bool>,
    Target { value, slope }: Target<B, 2>,
) -> Tensor<B, 2> {
    cosine.clone().mask_where(chosen, with_slope(cosine, Target { value, slope }))
}

/// `value`, and `slope` as its derivative by the cosine.
pub(super) fn with_slope<B: Backend>(cosine: Tensor<B, 2>, Target { value, slope }: Target<B, 2>) -> Tensor<B, 2> {
    (cosine.clone() - cosine.detach()) * slope + value
}

/// Everything but the column of the label, `[n, c]`.
pub(super) fn not_own<B: Backend>(labels: Tensor<B, 1, Int>, classes: usize) -> Tensor<B, 2, Bool> {
    let n = labels.dims()[0];
    let column = Tensor::<B, 1, Int>::arange(0..classes as i64, &labels.device());
    let labels = labels.reshape([n, 1]).expand([n, classes]);
    column.reshape([1, classes]).expand([n, classes]).not_equal(labels)
}

/// Inter-class filter (`arcface_torch`, `interclass_filtering_threshold`): other classes with a larger cosine than `above` may
/// be the same person under another name. Their logit becomes 0 — they stay in the denominator as e⁰ — and they get no
/// gradient.
pub(super) fn filtered<B: Backend>(
    logits: Tensor<B, 2>,
    cosine: Tensor<B, 2>,
    not_own: Tensor<B, 2, Bool>,
    above: f64,
) -> Tensor<B, 2> {
    logits.mask_fill(cosine.greater_elem(above).bool_and(not_own), 0.0)
}
