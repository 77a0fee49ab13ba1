//! Batch normalisation followed by a PReLU (He et al. 2015, arXiv:1502.01852, eq. 1) in one pass: what every unit of the
//! iresnet and MobileFaceNet families has. The backward pass makes the values before the PReLU again from the input, which
//! costs less than keeping them.

mod flex;
mod reference;
#[cfg(test)]
mod tests;

pub use reference::prelu;

use super::{NormForward, Normed, primitive, tensor};
use burn::backend::Autodiff;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::Tensor;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::ops::FloatTensor;

/// Below 0 a value is multiplied by the slope.
#[inline(always)]
pub(in crate::kernels) fn leak(value: f32, slope: f32) -> f32 {
    if value < 0.0 { value * slope } else { value }
}

/// What the backward pass needs from the forward pass; vectors are per channel.
#[derive(Debug)]
pub struct NormPreluSaved<B: Backend> {
    /// Input `[n, h, w, c]`.
    pub x: FloatTensor<B>,
    /// Factor, offset, and slope below 0.
    pub parameters: [FloatTensor<B>; 3],
    /// Mean of the batch.
    pub mean: FloatTensor<B>,
    /// Biased variance of the batch.
    pub var: FloatTensor<B>,
    /// Added to the variance.
    pub eps: f32,
}

/// Normalisation with PReLU and its gradients. A backend without a fast path inherits the reference.
pub trait NormPreluBackend: Backend {
    /// `prelu((x - mean) / √(var + eps) · gamma + beta)`; `parameters` are gamma, beta, slope.
    fn norm_prelu(x: FloatTensor<Self>, parameters: [FloatTensor<Self>; 3], eps: f32) -> NormForward<Self> {
        reference::norm_prelu::<Self>(x, parameters, eps)
    }

    /// Gradients of the input and of the three parameters.
    fn norm_prelu_backward(
        saved: NormPreluSaved<Self>,
        dy: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, [FloatTensor<Self>; 3]) {
        reference::norm_prelu_backward::<Self>(saved, dy)
    }
}

/// Batch normalisation with the statistics of this batch, then a PReLU.
///
/// # Shapes
/// `x` and the result `[n, h, w, c]`; `gamma`, `beta`, `slope` `[c]`
pub fn norm_prelu<B: NormPreluBackend>(x: Tensor<B, 4>, parameters: [Tensor<B, 1>; 3], eps: f32) -> Normed<B> {
    Normed::of(B::norm_prelu(primitive(x), parameters.map(primitive), eps))
}

/// Parents: input, gamma, beta, slope.
#[derive(Debug)]
struct NormPrelu;

impl<B: NormPreluBackend> Backward<B, 4> for NormPrelu {
    /// (input, parameters, mean, variance, eps)
    type State = (NodeId, [NodeId; 3], FloatTensor<B>, FloatTensor<B>, f32);

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (x, parameters, mean, var, eps) = ops.state;
        let x = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(x);
        let parameters = parameters.map(|id| checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(id));
        let (dx, [d_gamma, d_beta, d_slope]) =
            B::norm_prelu_backward(NormPreluSaved { x, parameters, mean, var, eps }, dy);
        for (node, grad) in ops.parents.into_iter().zip([dx, d_gamma, d_beta, d_slope]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, grad);
            }
        }
    }
}

impl<B: NormPreluBackend, C: CheckpointStrategy> NormPreluBackend for Autodiff<B, C> {
    fn norm_prelu(x: FloatTensor<Self>, parameters: [FloatTensor<Self>; 3], eps: f32) -> NormForward<Self> {
        let [gamma, beta, slope] = &parameters;
        let nodes = [x.node.clone(), gamma.node.clone(), beta.node.clone(), slope.node.clone()];
        let (y, mean, var) = match NormPrelu.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let (saved, kept) = (prep.checkpoint(&x), [gamma, beta, slope].map(|p| prep.checkpoint(p)));
                let NormForward { y, mean, var } = B::norm_prelu(x.primitive, parameters.map(|p| p.primitive), eps);
                (prep.finish((saved, kept, mean.clone(), var.clone(), eps), y), mean, var)
            }
            OpsKind::UnTracked(prep) => {
                let NormForward { y, mean, var } = B::norm_prelu(x.primitive, parameters.map(|p| p.primitive), eps);
                (prep.finish(y), mean, var)
            }
        };
        NormForward { y, mean: Self::from_inner(mean), var: Self::from_inner(var) }
    }
}
