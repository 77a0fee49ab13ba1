//! The operations in burn's own.

use super::SgdRule;
use crate::kernels::primitive::{primitive, tensor};
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Tensor, TensorMetadata};

/// Shapes do not matter here: everything is seen as one row.
fn row<B: Backend>(primitive: FloatTensor<B>) -> Tensor<B, 1> {
    let numbers = primitive.shape().num_elements();
    tensor(B::float_reshape(primitive, [numbers].into()))
}

pub(super) fn sgd<B: Backend>(
    weight: FloatTensor<B>,
    gradient: FloatTensor<B>,
    velocity: Option<FloatTensor<B>>,
    rule: SgdRule,
) -> [FloatTensor<B>; 2] {
    let shape = weight.shape();
    let (weight, mut next) = (row::<B>(weight), row::<B>(gradient));
    if rule.decay > 0.0 {
        next = next + weight.clone().mul_scalar(rule.decay);
    }
    let gradient = next.clone();
    if let Some(velocity) = velocity {
        next = next + row::<B>(velocity).mul_scalar(rule.momentum);
    }
    let by = if rule.nesterov { gradient + next.clone().mul_scalar(rule.momentum) } else { next.clone() };
    let moved = weight - by.mul_scalar(rule.lr);
    [moved, next].map(|row| B::float_reshape(primitive(row), shape.clone()))
}

pub(super) fn square_sum<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let x = row::<B>(x);
    primitive((x.clone() * x).sum())
}
