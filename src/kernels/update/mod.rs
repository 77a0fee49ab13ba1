//! What a step does with gradients: measures them and moves the weights, in one pass over memory each.
//!
//! Never differentiated, so only plain backends have these operations.

mod flex;
mod reference;
#[cfg(test)]
mod tests;

use crate::kernels::primitive::{primitive, tensor};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;

/// Stochastic gradient descent with momentum and L2 decay, as PyTorch's `SGD` with dampening 0:
/// with `d = g + decay · w`, `v ← momentum · v + d`, `w ← w − lr · v`; the first step takes `v = d`. Nesterov's form moves by
/// `d + momentum · v` instead of `v`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdRule {
    /// Learning rate.
    pub lr: f32,
    /// Share of the velocity that is kept, [0, 1).
    pub momentum: f32,
    /// Weight decay, 0 for none.
    pub decay: f32,
    /// Nesterov's form.
    pub nesterov: bool,
}

/// The operations. A backend without a fast path inherits the reference.
pub trait UpdateBackend: Backend {
    /// (weight, velocity) after a step.
    fn sgd(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: Option<FloatTensor<Self>>,
        rule: SgdRule,
    ) -> [FloatTensor<Self>; 2] {
        reference::sgd::<Self>(weight, gradient, velocity, rule)
    }

    /// Sum of the squares, `[1]`.
    fn square_sum(x: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::square_sum::<Self>(x)
    }
}

/// (weight, velocity) after a step of any shape.
pub fn sgd<B: UpdateBackend, const D: usize>(
    weight: Tensor<B, D>,
    gradient: Tensor<B, D>,
    velocity: Option<Tensor<B, D>>,
    rule: SgdRule,
) -> [Tensor<B, D>; 2] {
    B::sgd(primitive(weight), primitive(gradient), velocity.map(primitive), rule).map(tensor)
}

/// Sum of the squares of any shape, `[1]`.
pub fn square_sum<B: UpdateBackend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, 1> {
    tensor(B::square_sum(primitive(x)))
}
