//! Softmax cross-entropy of cosines with a margin on the own class, straight from the cosines: neither the logits nor the
//! softmax are ever written down, so of all `n × c` matrices only the cosines live from the forward to the backward pass.
//!
//! What a margin does to the own cosine is the loss's business: it says the value and, because some losses mean another
//! one than the value's own, the derivative.

mod flex;
mod reference;
#[cfg(test)]
mod tests;

use crate::kernels::primitive::{primitive, tensor};
use burn::backend::Autodiff;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn::tensor::{Int, Tensor};

/// What becomes of the own cosines; plain tensors, nothing flows back through them.
#[derive(Clone, Debug)]
pub struct Target<B: Backend, const D: usize> {
    /// Takes the own cosine's place.
    pub value: Tensor<B, D>,
    /// Its derivative by the own cosine.
    pub slope: Tensor<B, D>,
}

/// The logits in parts: `scale · cosine`, but `scale · value` in the column of the label.
#[derive(Debug)]
pub struct MarginLogits<B: Backend> {
    /// `[n, c]`
    pub cosine: FloatTensor<B>,
    /// `[n]`, in `0..c`
    pub labels: IntTensor<B>,
    /// `[n]`
    pub value: FloatTensor<B>,
    /// `[n]`
    pub slope: FloatTensor<B>,
    /// Factor on the cosines.
    pub scale: f32,
}

/// The loss and its gradient. A backend without a fast path inherits the reference.
pub trait MarginBackend: Backend {
    /// (loss per sample `[n]`, log-sum-exp per sample `[n]`)
    fn margin_loss(logits: MarginLogits<Self>) -> [FloatTensor<Self>; 2] {
        reference::forward::<Self>(logits)
    }

    /// The gradient of the cosines for one `dy` per sample.
    fn margin_loss_backward(
        logits: MarginLogits<Self>,
        log_sum: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::backward::<Self>(logits, log_sum, dy)
    }
}

/// Cross-entropy of every sample with a margin on its own class.
///
/// # Shapes
/// `cosine [n, c]`, `labels [n]` in `0..c`, `target [n]` → `[n]`
pub fn margin_loss<B: MarginBackend>(
    cosine: Tensor<B, 2>,
    labels: Tensor<B, 1, Int>,
    target: Target<B, 1>,
    scale: f64,
) -> Tensor<B, 1> {
    let [loss, _] = B::margin_loss(MarginLogits {
        cosine: primitive(cosine),
        labels: labels.into_primitive(),
        value: primitive(target.value.detach()),
        slope: primitive(target.slope.detach()),
        scale: scale as f32,
    });
    tensor(loss)
}

#[derive(Debug)]
struct MarginLoss;

impl<B: MarginBackend> Backward<B, 1> for MarginLoss {
    /// (cosine, labels, value, slope, log-sum-exp, scale)
    type State = (NodeId, IntTensor<B>, [FloatTensor<B>; 3], f32);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (cosine, labels, [value, slope, log_sum], scale) = ops.state;
        let cosine = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(cosine);
        let [parent] = ops.parents;
        if let Some(node) = parent {
            let logits = MarginLogits { cosine, labels, value, slope, scale };
            grads.register::<B>(node.id, B::margin_loss_backward(logits, log_sum, dy));
        }
    }
}

impl<B: MarginBackend, C: CheckpointStrategy> MarginBackend for Autodiff<B, C> {
    fn margin_loss(logits: MarginLogits<Self>) -> [FloatTensor<Self>; 2] {
        let MarginLogits { cosine, labels, value, slope, scale } = logits;
        let (value, slope) = (value.primitive, slope.primitive);
        let inner = |cosine| MarginLogits::<B> {
            cosine,
            labels: labels.clone(),
            value: value.clone(),
            slope: slope.clone(),
            scale,
        };
        let (loss, log_sum) = match MarginLoss.prepare::<C>([cosine.node.clone()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let saved = prep.checkpoint(&cosine);
                let [loss, log_sum] = B::margin_loss(inner(cosine.primitive));
                let state = (saved, labels.clone(), [value.clone(), slope.clone(), log_sum.clone()], scale);
                (prep.finish(state, loss), log_sum)
            }
            OpsKind::UnTracked(prep) => {
                let [loss, log_sum] = B::margin_loss(inner(cosine.primitive));
                (prep.finish(loss), log_sum)
            }
        };
        [loss, Self::from_inner(log_sum)]
    }
}
