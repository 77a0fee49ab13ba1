//! 2-D convolution with a 3×3 or 1×1 kernel, stride 1 or 2, "same" padding, no bias: all that our networks use.
//!
//! `reference.rs` is burn's own convolution, `flex.rs` the CPU version: a direct convolution (no matrix of columns) whose
//! inner loops (`tile.rs`) read images packed by `packing.rs`. This file makes it differentiable. Images are channels-last:
//! what a pixel's sum runs over lies side by side, on the CPU and on a GPU's matrix units alike.

mod convolve;
mod flex;
mod folded;
mod packing;
mod reference;
mod shape;
mod sweep;
#[cfg(test)]
mod tests;
mod tile;
mod weight_gradient;
mod weights;
mod winograd;

pub use folded::FoldedConv;
pub(super) use folded::{Finish, folded_weight};
pub(super) use reference::{channels_first, channels_last, met, spread};
pub(super) use shape::Maps;
pub use shape::output_px;
pub use winograd::kept_per_weight;

use burn::backend::Autodiff;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Tensor, TensorPrimitive};

/// Convolution and its gradients. A backend without a fast path inherits the reference.
pub trait ConvBackend: Backend {
    /// `x[n, h, w, c_in] * w[c_out, c_in, k, k]`, padding `k / 2`.
    fn conv(x: FloatTensor<Self>, w: FloatTensor<Self>, stride: usize) -> FloatTensor<Self> {
        reference::forward::<Self>(x, w, stride)
    }

    /// Gradients of `x` and `w`; only those asked for by `want` are computed.
    fn conv_backward(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        stride: usize,
        want: [bool; 2],
    ) -> [Option<FloatTensor<Self>>; 2] {
        reference::backward::<Self>(x, w, dy, stride, want)
    }

    /// A convolution with what follows it; not differentiable.
    fn folded_conv(
        x: FloatTensor<Self>,
        conv: &FoldedConv<Self>,
        shortcut: Option<FloatTensor<Self>>,
    ) -> FloatTensor<Self> {
        folded::reference::<Self>(x, conv, shortcut)
    }
}

/// Convolution without bias; the kernel size is that of the weight (1 or 3), padding is half of it.
///
/// # Shapes
/// `x [n, h, w, c_in]`, `weight [c_out, c_in, k, k]` → `[n, ⌈h/stride⌉, ⌈w/stride⌉, c_out]`
pub fn conv2d<B: ConvBackend>(x: Tensor<B, 4>, weight: Tensor<B, 4>, stride: usize) -> Tensor<B, 4> {
    let y = B::conv(x.into_primitive().tensor(), weight.into_primitive().tensor(), stride);
    Tensor::from_primitive(TensorPrimitive::Float(y))
}

#[derive(Debug)]
struct Conv;

impl<B: ConvBackend> Backward<B, 2> for Conv {
    type State = (NodeId, NodeId, usize);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (x, w, stride) = ops.state;
        let x = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(x);
        let w = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(w);
        let want = [ops.parents[0].is_some(), ops.parents[1].is_some()];
        let found = B::conv_backward(x, w, dy, stride, want);
        for (node, grad) in ops.parents.into_iter().zip(found) {
            if let (Some(node), Some(grad)) = (node, grad) {
                grads.register::<B>(node.id, grad);
            }
        }
    }
}

impl<B: ConvBackend, C: CheckpointStrategy> ConvBackend for Autodiff<B, C> {
    fn conv(x: FloatTensor<Self>, w: FloatTensor<Self>, stride: usize) -> FloatTensor<Self> {
        match Conv.prepare::<C>([x.node.clone(), w.node.clone()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&x), prep.checkpoint(&w), stride);
                prep.finish(state, B::conv(x.primitive, w.primitive, stride))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv(x.primitive, w.primitive, stride)),
        }
    }
}
