//! The CPU version: one pass over each row per direction, parallel over rows.

use super::{CrossEntropyBackend, reference};
use crate::kernels::flex_tensor::{f32_slice, from_vec, index_vec};
use burn::backend::Flex;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// (loss, log-sum-exp) of one row; the sum is in f64, in order.
fn row_loss(row: &[f32], label: usize) -> (f32, f32) {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = row.iter().map(|z| f64::from((z - largest).exp())).sum();
    let log_sum = (f64::from(largest) + sum.ln()) as f32;
    // The difference to the largest logit is taken first: near a loss of 0 the logarithm alone would lose its digits.
    let loss = (f64::from(largest - row[label]) + sum.ln()) as f32;
    (loss, log_sum)
}

/// The labels as indices, if the fast path can use them: right type, one per row, all below `c`.
pub(in crate::kernels) fn usable_labels(labels: &FlexTensor, n: usize, c: usize) -> Option<Vec<usize>> {
    let labels = index_vec(labels)?;
    (c > 0 && labels.len() == n && labels.iter().all(|label| *label < c)).then_some(labels)
}

impl CrossEntropyBackend for Flex {
    fn cross_entropy(logits: FlexTensor, labels: FlexTensor) -> [FlexTensor; 2] {
        let logits = logits.to_contiguous();
        let [n, c] = logits.layout().shape().dims::<2>();
        let (Some(z), Some(indices)) = (f32_slice(&logits), usable_labels(&labels, n, c)) else {
            return reference::forward::<Self>(logits, labels);
        };
        let (loss, log_sum): (Vec<f32>, Vec<f32>) =
            z.par_chunks(c).zip(&indices).map(|(row, label)| row_loss(row, *label)).unzip();
        [from_vec(loss, [n]), from_vec(log_sum, [n])]
    }

    fn cross_entropy_backward(
        logits: FlexTensor,
        labels: FlexTensor,
        log_sum: FlexTensor,
        dy: FlexTensor,
    ) -> FlexTensor {
        let (logits, dy) = (logits.to_contiguous(), dy.to_contiguous());
        let [n, c] = logits.layout().shape().dims::<2>();
        let slices = (f32_slice(&logits), f32_slice(&log_sum), f32_slice(&dy));
        let (Some(z), Some(sums), Some(dys)) = slices else {
            return reference::backward::<Self>(logits, labels, log_sum, dy);
        };
        let Some(indices) = usable_labels(&labels, n, c) else {
            return reference::backward::<Self>(logits, labels, log_sum, dy);
        };
        let mut grad = vec![0f32; n * c];
        let rows = grad.par_chunks_mut(c).zip(z.par_chunks(c)).zip(sums).zip(dys).zip(&indices);
        rows.for_each(|((((grad, z), log_sum), dy), label)| {
            for (g, z) in grad.iter_mut().zip(z) {
                *g = (z - log_sum).exp() * dy;
            }
            grad[*label] -= dy;
        });
        from_vec(grad, [n, c])
    }
}
