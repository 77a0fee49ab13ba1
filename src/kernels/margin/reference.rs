//! The same loss in burn's own operations.

use super::MarginLogits;
use crate::kernels::primitive::{primitive, tensor};
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{IndexingUpdateOp, Int, Tensor};

fn column<B: Backend>(values: FloatTensor<B>) -> Tensor<B, 2> {
    let values = tensor::<B, 1>(values);
    let n = values.dims()[0];
    values.reshape([n, 1])
}

/// One row of places per sample.
fn places<B: Backend>(logits: &MarginLogits<B>) -> Tensor<B, 2, Int> {
    let labels = Tensor::<B, 1, Int>::from_primitive(logits.labels.clone());
    let n = labels.dims()[0];
    labels.reshape([n, 1])
}

/// The matrix that a backend without a fast path does write down.
fn whole<B: Backend>(logits: &MarginLogits<B>, cosine: Tensor<B, 2>) -> Tensor<B, 2> {
    let places = places(logits);
    let change = column::<B>(logits.value.clone()) - cosine.clone().gather(1, places.clone());
    cosine.scatter(1, places, change, IndexingUpdateOp::Add) * logits.scale
}

/// `scale · (softmax − onehot)`, the own column times the slope.
fn gradient<B: Backend>(logits: &MarginLogits<B>, whole: Tensor<B, 2>, log_sum: Tensor<B, 2>) -> Tensor<B, 2> {
    let places = places(logits);
    let softmax = (whole - log_sum).exp();
    let own = softmax.clone().gather(1, places.clone());
    let change = (own.clone() - 1.0) * column::<B>(logits.slope.clone()) - own;
    softmax.scatter(1, places, change, IndexingUpdateOp::Add) * logits.scale
}

pub(super) fn forward<B: Backend>(logits: MarginLogits<B>) -> [FloatTensor<B>; 2] {
    let cosine = tensor::<B, 2>(logits.cosine.clone());
    let n = cosine.dims()[0];
    let whole = whole(&logits, cosine);
    let largest = whole.clone().max_dim(1);
    let rest = (whole - largest.clone()).exp().sum_dim(1).log();
    // The difference first: near a loss of 0 the sum alone would lose its digits.
    let loss = largest.clone() - column::<B>(logits.value.clone()) * logits.scale + rest.clone();
    let log_sum = rest + largest;
    [primitive(loss.reshape([n])), primitive(log_sum.reshape([n]))]
}

pub(super) fn backward<B: Backend>(
    logits: MarginLogits<B>,
    log_sum: FloatTensor<B>,
    dy: FloatTensor<B>,
) -> FloatTensor<B> {
    let whole = whole(&logits, tensor(logits.cosine.clone()));
    primitive(gradient(&logits, whole, column::<B>(log_sum)) * column::<B>(dy))
}
