//! The same normalisation in burn's own operations.

use super::SHORTEST;
use crate::kernels::primitive::tensor;
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;

pub(super) fn forward<B: Backend>(x: FloatTensor<B>) -> [FloatTensor<B>; 2] {
    let x = tensor::<B, 2>(x);
    let n = x.dims()[0];
    let length = (x.clone() * x.clone()).sum_dim(1).sqrt().clamp_min(SHORTEST);
    let unit = x / length.clone();
    [unit.into_primitive().tensor(), length.reshape([n]).into_primitive().tensor()]
}

/// `(dy − unit · ⟨unit, dy⟩) / length`
pub(super) fn backward<B: Backend>(unit: FloatTensor<B>, length: FloatTensor<B>, dy: FloatTensor<B>) -> FloatTensor<B> {
    let (unit, dy) = (tensor::<B, 2>(unit), tensor::<B, 2>(dy));
    let n = unit.dims()[0];
    let along = (unit.clone() * dy.clone()).sum_dim(1);
    let dx = (dy - unit * along) / tensor::<B, 1>(length).reshape([n, 1]);
    dx.into_primitive().tensor()
}
