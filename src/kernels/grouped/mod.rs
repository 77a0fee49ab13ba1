//! Grouped 2-D convolution without bias: depthwise (one channel per group), few channels per group, and the "global"
//! kernel that covers a whole map.
//!
//! A full convolution multiplies every channel with every channel and is bound by arithmetic; here each number meets a
//! handful of weights, and the loops are bound by memory: other loops, another folder. `reference.rs` is burn's own
//! convolution, `flex.rs` the CPU version, `loops.rs` its inner loops, `folded.rs` the form for inference.

mod flex;
mod folded;
mod loops;
mod reference;
mod shape;
#[cfg(test)]
mod tests;

pub use folded::FoldedGrouped;
pub use shape::Grouping;

use crate::kernels::primitive::{primitive, tensor};
use burn::backend::Autodiff;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;

/// Grouped convolution and its gradients. A backend without a fast path inherits the reference.
pub trait GroupedBackend: Backend {
    /// `x [n, h, w, c_in] * w [c_out, c_in / groups, k, k]`
    fn grouped(x: FloatTensor<Self>, w: FloatTensor<Self>, grouping: Grouping) -> FloatTensor<Self> {
        reference::forward::<Self>(x, w, grouping)
    }

    /// Gradients of `x` and `w`; only those asked for by `want` are computed.
    fn grouped_backward(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        grouping: Grouping,
        want: [bool; 2],
    ) -> [Option<FloatTensor<Self>>; 2] {
        reference::backward::<Self>(x, w, dy, grouping, want)
    }

    /// The convolution with what follows it; not differentiable.
    fn folded_grouped(x: FloatTensor<Self>, conv: &FoldedGrouped<Self>) -> FloatTensor<Self> {
        folded::reference::<Self>(x, conv)
    }
}

/// Convolution whose channels are parted into groups that do not see each other.
///
/// # Shapes
/// `x [n, h, w, c_in]`, `weight [c_out, c_in / groups, k, k]` → `[n, (h + 2·pad − k) / stride + 1, …, c_out]`
pub fn grouped_conv2d<B: GroupedBackend>(x: Tensor<B, 4>, weight: Tensor<B, 4>, grouping: Grouping) -> Tensor<B, 4> {
    tensor(B::grouped(primitive(x), primitive(weight), grouping))
}

#[derive(Debug)]
struct GroupedConv;

impl<B: GroupedBackend> Backward<B, 2> for GroupedConv {
    type State = (NodeId, NodeId, Grouping);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (x, w, grouping) = ops.state;
        let x = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(x);
        let w = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(w);
        let want = [ops.parents[0].is_some(), ops.parents[1].is_some()];
        let found = B::grouped_backward(x, w, dy, grouping, want);
        for (node, grad) in ops.parents.into_iter().zip(found) {
            if let (Some(node), Some(grad)) = (node, grad) {
                grads.register::<B>(node.id, grad);
            }
        }
    }
}

impl<B: GroupedBackend, C: CheckpointStrategy> GroupedBackend for Autodiff<B, C> {
    fn grouped(x: FloatTensor<Self>, w: FloatTensor<Self>, grouping: Grouping) -> FloatTensor<Self> {
        match GroupedConv.prepare::<C>([x.node.clone(), w.node.clone()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&x), prep.checkpoint(&w), grouping);
                prep.finish(state, B::grouped(x.primitive, w.primitive, grouping))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::grouped(x.primitive, w.primitive, grouping)),
        }
    }
}
