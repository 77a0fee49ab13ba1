//! Pairs within the batch as impostors (Jung et al., UNPG, ECCV 2022): besides the class weights, every sample is compared
//! with all pairs of different classes in its batch, the outliers among them left out.
//!
//! The paper appends the same row of pair cosines to every row of logits. Here the row is summed once: with
//! E = log Σ exp(s·pair), the cross-entropy over both is `ce + softplus(E − L)`, L = log-sum-exp of the plain logits.

use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Int, Tensor};

/// Width of the box-and-whisker filter in interquartile ranges (the paper's).
const WHISKER: f64 = 1.5;
/// Stands for minus infinity in a sum of exponentials.
const NOTHING: f64 = -1e30;

/// Places of all pairs of different labels (each pair once) in an `n × n` matrix; empty when there is none.
pub(super) fn pairs(labels: &[u32]) -> Vec<i64> {
    let n = labels.len();
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    pairs.filter(|(i, j)| labels[*i] != labels[*j]).map(|(i, j)| (i * n + j) as i64).collect()
}

/// The pairs' cosines within the whiskers: `q1 − w·IQR ≤ v ≤ q3 + w·IQR`, quartiles at ⌊n/4⌋ and ⌊3n/4⌋ of the sorted values.
fn within_whiskers<B: Backend>(cosine: Tensor<B, 1>) -> Tensor<B, 1, Bool> {
    let n = cosine.dims()[0];
    let sorted = cosine.clone().sort(0);
    let at = |place: usize| sorted.clone().narrow(0, place.min(n - 1), 1);
    let (q1, q3) = (at(n / 4), at(n * 3 / 4));
    let reach = (q3.clone() - q1.clone()) * WHISKER;
    let (low, high) = ((q1 - reach.clone()).expand([n]), (q3 + reach).expand([n]));
    cosine.clone().greater_equal(low).bool_and(cosine.lower_equal(high))
}

/// log Σ exp(s·cosine) over the kept pairs of the unit rows `[n, d]`, recorded for gradients, `[1]`; `scale` is s, `[1]`.
pub(super) fn log_sum<B: Backend>(unit: Tensor<B, 2>, pairs: Tensor<B, 1, Int>, scale: Tensor<B, 1>) -> Tensor<B, 1> {
    let n = unit.dims()[0];
    let cosine = unit.clone().matmul(unit.transpose()).reshape([n * n]).select(0, pairs);
    let kept = within_whiskers(cosine.clone().detach());
    let logits = (cosine * scale).mask_fill(kept.bool_not(), NOTHING);
    let largest = logits.clone().detach().max();
    (logits - largest.clone()).exp().sum().log() + largest
}

/// The cross-entropy with the pairs added: of the cross-entropy and the own logit without them (both recorded), `[n]`.
pub(super) fn added<B: Backend>(cross_entropy: Tensor<B, 1>, own: Tensor<B, 1>, log_sum: Tensor<B, 1>) -> Tensor<B, 1> {
    let ahead = log_sum - (cross_entropy.clone() + own);
    cross_entropy + ahead.clone().clamp_min(0.0) + (-ahead.abs()).exp().log1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;

    #[test]
    fn pairs_are_those_of_different_labels() {
        assert_eq!(pairs(&[4, 7, 4]), [1, 5]);
        assert!(pairs(&[1, 1]).is_empty());
    }

    #[test]
    fn outliers_among_the_pairs_are_left_out() {
        let cosine =
            Tensor::<Flex, 1>::from_floats([0.1, 0.12, 0.11, 0.13, 0.95, 0.09, -0.9, 0.1], &Default::default());
        let kept: Vec<bool> = within_whiskers(cosine).into_data().iter::<bool>().collect();
        assert_eq!(kept, [true, true, true, true, false, true, false, true]);
    }
}
