//! The CPU version: one pass over each row per direction, parallel over rows.

use super::{MarginBackend, MarginLogits, reference};
use crate::kernels::cross_entropy::usable_labels;
use crate::kernels::flex_tensor::{f32_slice, from_vec};
use burn::backend::Flex;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// (loss, log-sum-exp) of one row; the sum is in f64, in order.
fn row_loss(row: &[f32], label: usize, own: f32, scale: f32) -> (f32, f32) {
    let logit = |(j, cosine): (usize, &f32)| if j == label { own } else { cosine * scale };
    let largest = row.iter().enumerate().map(logit).fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = row.iter().enumerate().map(logit).map(|z| f64::from((z - largest).exp())).sum();
    // The difference to the largest logit is taken first: near a loss of 0 the logarithm alone would lose its digits.
    ((f64::from(largest - own) + sum.ln()) as f32, (f64::from(largest) + sum.ln()) as f32)
}

struct Slices<'a> {
    cosine: &'a [f32],
    labels: Vec<usize>,
    value: &'a [f32],
    slope: &'a [f32],
    /// Columns.
    c: usize,
}

impl<'a> Slices<'a> {
    fn of(logits: &'a MarginLogits<Flex>) -> Option<Self> {
        let [n, c] = logits.cosine.layout().shape().dims::<2>();
        let labels = usable_labels(&logits.labels, n, c)?;
        let (value, slope) = (f32_slice(&logits.value)?, f32_slice(&logits.slope)?);
        let fits = value.len() == n && slope.len() == n;
        fits.then_some(Self { cosine: f32_slice(&logits.cosine)?, labels, value, slope, c })
    }
}

fn in_order(logits: MarginLogits<Flex>) -> MarginLogits<Flex> {
    let MarginLogits { cosine, labels, value, slope, scale } = logits;
    let [cosine, value, slope] = [cosine, value, slope].map(|tensor| tensor.to_contiguous());
    MarginLogits { cosine, labels, value, slope, scale }
}

impl MarginBackend for Flex {
    fn margin_loss(logits: MarginLogits<Self>) -> [FlexTensor; 2] {
        let logits = in_order(logits);
        let Some(Slices { cosine, labels, value, c, .. }) = Slices::of(&logits) else {
            return reference::forward::<Self>(logits);
        };
        let (n, scale) = (labels.len(), logits.scale);
        let rows = cosine.par_chunks(c).zip(&labels).zip(value);
        let (loss, log_sum): (Vec<f32>, Vec<f32>) =
            rows.map(|((row, label), own)| row_loss(row, *label, own * scale, scale)).unzip();
        [from_vec(loss, [n]), from_vec(log_sum, [n])]
    }

    fn margin_loss_backward(logits: MarginLogits<Self>, log_sum: FlexTensor, dy: FlexTensor) -> FlexTensor {
        let (logits, log_sum, dy) = (in_order(logits), log_sum.to_contiguous(), dy.to_contiguous());
        let found = (Slices::of(&logits), f32_slice(&log_sum), f32_slice(&dy));
        let (Some(Slices { cosine, labels, value, slope, c }), Some(log_sums), Some(dys)) = found else {
            return reference::backward::<Self>(logits, log_sum, dy);
        };
        let (n, scale) = (labels.len(), logits.scale);
        let mut grad = vec![0f32; n * c];
        let own = labels.par_iter().zip(value.par_iter().zip(slope));
        let rows = grad.par_chunks_mut(c).zip(cosine.par_chunks(c)).zip(log_sums.par_iter().zip(dys)).zip(own);
        rows.for_each(|(((grad, row), (log_sum, dy)), (label, (value, slope)))| {
            let factor = dy * scale;
            for (grad, cosine) in grad.iter_mut().zip(row) {
                *grad = (cosine * scale - log_sum).exp() * factor;
            }
            grad[*label] = ((value * scale - log_sum).exp() - 1.0) * factor * slope;
        });
        from_vec(grad, [n, c])
    }
}
