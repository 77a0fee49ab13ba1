//! The same loss in burn's own operations.

use crate::kernels::primitive::tensor;
use burn::tensor::backend::Backend;
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn::tensor::{IndexingUpdateOp, Int, Tensor};

fn columns<B: Backend>(labels: IntTensor<B>) -> Tensor<B, 2, Int> {
    let labels = Tensor::<B, 1, Int>::from_primitive(labels);
    let n = labels.dims()[0];
    labels.reshape([n, 1])
}

pub(super) fn forward<B: Backend>(logits: FloatTensor<B>, labels: IntTensor<B>) -> [FloatTensor<B>; 2] {
    let logits = tensor::<B, 2>(logits);
    let n = logits.dims()[0];
    let largest = logits.clone().max_dim(1);
    let log_sum = (logits.clone() - largest.clone()).exp().sum_dim(1).log() + largest;
    let loss = log_sum.clone() - logits.gather(1, columns::<B>(labels));
    [loss, log_sum].map(|t| t.reshape([n]).into_primitive().tensor())
}

pub(super) fn backward<B: Backend>(
    logits: FloatTensor<B>,
    labels: IntTensor<B>,
    log_sum: FloatTensor<B>,
    dy: FloatTensor<B>,
) -> FloatTensor<B> {
    let logits = tensor::<B, 2>(logits);
    let n = logits.dims()[0];
    let softmax = (logits - tensor::<B, 1>(log_sum).reshape([n, 1])).exp();
    let minus_one = Tensor::full([n, 1], -1.0, &softmax.device());
    let grad =
        softmax.scatter(1, columns::<B>(labels), minus_one, IndexingUpdateOp::Add) * tensor::<B, 1>(dy).reshape([n, 1]);
    grad.into_primitive().tensor()
}
