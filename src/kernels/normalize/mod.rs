//! Every row divided by its length: embeddings and class weights on the unit sphere.
//!
//! A row shorter than [`SHORTEST`] is divided by that instead, so a zero row stays zero and has a finite gradient.

mod flex;
mod reference;
#[cfg(test)]
mod tests;

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Tensor, TensorPrimitive};

/// Smallest divisor (PyTorch's `normalize` uses the same).
pub const SHORTEST: f32 = 1e-12;

/// Row normalisation and its gradient. A backend without a fast path inherits the reference.
pub trait NormalizeBackend: Backend {
    /// (unit rows `[n, d]`, divisors `[n]`)
    fn normalize_rows(x: FloatTensor<Self>) -> [FloatTensor<Self>; 2] {
        reference::forward::<Self>(x)
    }

    /// Gradient of the rows from the unit rows, the divisors and the gradient of the unit rows.
    fn normalize_rows_backward(
        unit: FloatTensor<Self>,
        length: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::backward::<Self>(unit, length, dy)
    }
}

/// Every row divided by its Euclidean length.
///
/// # Shapes
/// `[n, d]` → `[n, d]`
pub fn normalize_rows<B: NormalizeBackend>(x: Tensor<B, 2>) -> Tensor<B, 2> {
    let [unit, _] = B::normalize_rows(x.into_primitive().tensor());
    Tensor::from_primitive(TensorPrimitive::Float(unit))
}

#[derive(Debug)]
struct NormalizeRows;

impl<B: NormalizeBackend> Backward<B, 1> for NormalizeRows {
    /// (unit rows, divisors)
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (unit, length) = ops.state;
        let [parent] = ops.parents;
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::normalize_rows_backward(unit, length, dy));
        }
    }
}

impl<B: NormalizeBackend, C: CheckpointStrategy> NormalizeBackend for Autodiff<B, C> {
    fn normalize_rows(x: FloatTensor<Self>) -> [FloatTensor<Self>; 2] {
        use burn::tensor::backend::AutodiffBackend;
        let [unit, length] = B::normalize_rows(x.primitive);
        let y = match NormalizeRows.prepare::<C>([x.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((unit.clone(), length.clone()), unit),
            OpsKind::UnTracked(prep) => prep.finish(unit),
        };
        [y, Self::from_inner(length)]
    }
}
