//! Softmax cross-entropy per sample: `log Σ exp(z_j) − z_y`, natural logarithm, largest logit subtracted first.
//!
//! No clamp on the probability: with log-sum-exp the loss is exact however large it is.

mod flex;
mod reference;
#[cfg(test)]
mod tests;

pub(super) use flex::usable_labels;

use burn::backend::Autodiff;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn::tensor::{Int, Tensor, TensorPrimitive};

/// Cross-entropy and its gradient. A backend without a fast path inherits the reference.
pub trait CrossEntropyBackend: Backend {
    /// (loss per sample `[n]`, log-sum-exp per sample `[n]`) of logits `[n, c]` and labels `[n]` in `0..c`.
    fn cross_entropy(logits: FloatTensor<Self>, labels: IntTensor<Self>) -> [FloatTensor<Self>; 2] {
        reference::forward::<Self>(logits, labels)
    }

    /// `(softmax(z) − onehot(y)) · dy`, one `dy` per sample.
    fn cross_entropy_backward(
        logits: FloatTensor<Self>,
        labels: IntTensor<Self>,
        log_sum: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::backward::<Self>(logits, labels, log_sum, dy)
    }
}

/// Cross-entropy of every sample.
///
/// # Shapes
/// `logits [n, c]`, `labels [n]` in `0..c` → `[n]`
pub fn cross_entropy<B: CrossEntropyBackend>(logits: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    let [loss, _] = B::cross_entropy(logits.into_primitive().tensor(), labels.into_primitive());
    Tensor::from_primitive(TensorPrimitive::Float(loss))
}

#[derive(Debug)]
struct CrossEntropy;

impl<B: CrossEntropyBackend> Backward<B, 1> for CrossEntropy {
    /// (logits, labels, log-sum-exp)
    type State = (NodeId, IntTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (logits, labels, log_sum) = ops.state;
        let logits = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(logits);
        let [parent] = ops.parents;
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::cross_entropy_backward(logits, labels, log_sum, dy));
        }
    }
}

impl<B: CrossEntropyBackend, C: CheckpointStrategy> CrossEntropyBackend for Autodiff<B, C> {
    fn cross_entropy(logits: FloatTensor<Self>, labels: IntTensor<Self>) -> [FloatTensor<Self>; 2] {
        let prepared = CrossEntropy.prepare::<C>([logits.node.clone()]).compute_bound().stateful();
        match prepared {
            OpsKind::Tracked(mut prep) => {
                let saved = prep.checkpoint(&logits);
                let [loss, log_sum] = B::cross_entropy(logits.primitive, labels.clone());
                let loss = prep.finish((saved, labels, log_sum.clone()), loss);
                [loss, Self::from_inner(log_sum)]
            }
            OpsKind::UnTracked(prep) => {
                let [loss, log_sum] = B::cross_entropy(logits.primitive, labels);
                [prep.finish(loss), Self::from_inner(log_sum)]
            }
        }
    }
}
