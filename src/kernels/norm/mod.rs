//! Batch normalisation over channels with what usually follows it: an added shortcut and a ReLU, in one pass.
//!
//! [`norm`] is the training form (statistics of the batch, differentiable); [`affine`] the inference form (a scale and a
//! shift per channel, computed once from the running statistics). Fusing matters on Flex, where every broadcast costs
//! more than the arithmetic; elsewhere the reference bodies run as burn operations.

mod channels;
mod flex;
mod prelu;
mod reference;
#[cfg(test)]
mod tests;

pub(super) use prelu::leak;
pub use prelu::{NormPreluBackend, norm_prelu, prelu};

use crate::kernels::primitive::{primitive, tensor};
use burn::backend::Autodiff;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::Tensor;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::ops::FloatTensor;

/// What is done to the normalised values before they leave the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing.
    Linear,
    /// Negative values become 0.
    Relu,
}

impl Tail {
    /// What values are raised to.
    pub(super) fn floor(self) -> f32 {
        match self {
            Self::Linear => f32::NEG_INFINITY,
            Self::Relu => 0.0,
        }
    }
}

/// Like `max`, but a NaN stays a NaN: a diverged run must be seen.
#[inline(always)]
pub(super) fn clip(value: f32, floor: f32) -> f32 {
    if value < floor { floor } else { value }
}

/// Result of the forward pass.
#[derive(Debug)]
pub struct NormForward<B: Backend> {
    /// The output, as large as the input.
    pub y: FloatTensor<B>,
    /// Mean per channel.
    pub mean: FloatTensor<B>,
    /// Biased variance per channel.
    pub var: FloatTensor<B>,
}

/// What the backward pass needs from the forward pass.
#[derive(Debug)]
pub struct NormSaved<B: Backend> {
    /// Input `[n, h, w, c]`.
    pub x: FloatTensor<B>,
    /// Factor per channel.
    pub gamma: FloatTensor<B>,
    /// The output where a ReLU followed: its sign says where that was open.
    pub behind_relu: Option<FloatTensor<B>>,
    /// Mean per channel.
    pub mean: FloatTensor<B>,
    /// Biased variance per channel.
    pub var: FloatTensor<B>,
    /// Added to the variance.
    pub eps: f32,
}

/// Gradients of [`norm`].
#[derive(Debug)]
pub struct NormGrads<B: Backend> {
    /// Of the input.
    pub x: FloatTensor<B>,
    /// Of the factor.
    pub gamma: FloatTensor<B>,
    /// Of the offset.
    pub beta: FloatTensor<B>,
    /// Of the shortcut: the gradient behind the tail; `None` where it was not asked for.
    pub shortcut: Option<FloatTensor<B>>,
}

/// Batch normalisation and its gradients. A backend without a fast path inherits the reference.
pub trait NormBackend: Backend {
    /// `tail((x - mean) / √(var + eps) · gamma + beta + shortcut)`, statistics over all but the channel axis, which is the last.
    fn norm(
        x: FloatTensor<Self>,
        [gamma, beta]: [FloatTensor<Self>; 2],
        shortcut: Option<FloatTensor<Self>>,
        tail: Tail,
        eps: f32,
    ) -> NormForward<Self> {
        reference::norm::<Self>(x, [gamma, beta], shortcut, tail, eps)
    }

    /// Gradients of [`NormBackend::norm`] for the gradient `dy` of its output.
    fn norm_backward(saved: NormSaved<Self>, dy: FloatTensor<Self>, want_shortcut: bool) -> NormGrads<Self> {
        reference::norm_backward::<Self>(saved, dy, want_shortcut)
    }

    /// `tail(x · scale + shift + shortcut)` with one scale and shift per channel.
    fn affine(
        x: FloatTensor<Self>,
        [scale, shift]: [FloatTensor<Self>; 2],
        shortcut: Option<FloatTensor<Self>>,
        tail: Tail,
    ) -> FloatTensor<Self> {
        reference::affine::<Self>(x, [scale, shift], shortcut, tail)
    }
}

/// Output of [`norm`].
#[derive(Clone, Debug)]
pub struct Normed<B: Backend> {
    /// `[n, h, w, c]`
    pub y: Tensor<B, 4>,
    /// Mean of the batch, `[c]`, without gradient.
    pub mean: Tensor<B, 1>,
    /// Biased variance of the batch, `[c]`, without gradient.
    pub var: Tensor<B, 1>,
}

impl<B: Backend> Normed<B> {
    fn of(found: NormForward<B>) -> Self {
        Self { y: tensor(found.y), mean: tensor(found.mean), var: tensor(found.var) }
    }
}

/// Batch normalisation with the statistics of this batch, an optional shortcut and a tail.
///
/// # Shapes
/// `x`, `shortcut` and the result `[n, h, w, c]`; `gamma`, `beta` `[c]`
pub fn norm<B: NormBackend>(
    x: Tensor<B, 4>,
    [gamma, beta]: [Tensor<B, 1>; 2],
    shortcut: Option<Tensor<B, 4>>,
    tail: Tail,
    eps: f32,
) -> Normed<B> {
    let factors = [primitive(gamma), primitive(beta)];
    Normed::of(B::norm(primitive(x), factors, shortcut.map(primitive), tail, eps))
}

/// A scale and a shift per channel, an optional shortcut and a tail: batch normalisation at inference.
///
/// # Shapes
/// `x`, `shortcut` and the result `[n, h, w, c]`; `scale`, `shift` `[c]`
pub fn affine<B: NormBackend>(
    x: Tensor<B, 4>,
    [scale, shift]: [Tensor<B, 1>; 2],
    shortcut: Option<Tensor<B, 4>>,
    tail: Tail,
) -> Tensor<B, 4> {
    let factors = [primitive(scale), primitive(shift)];
    tensor(B::affine(primitive(x), factors, shortcut.map(primitive), tail))
}

/// Parents: input, gamma, beta, and the shortcut where there is one.
#[derive(Debug)]
struct Norm;

/// (input, gamma, output of a ReLU, mean, variance, eps)
type State<B> = (NodeId, NodeId, Option<FloatTensor<B>>, FloatTensor<B>, FloatTensor<B>, f32);

fn backward<B: NormBackend>(
    (x, gamma, behind_relu, mean, var, eps): State<B>,
    dy: FloatTensor<B>,
    checkpointer: &mut Checkpointer,
    want_shortcut: bool,
) -> NormGrads<B> {
    let x = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(x);
    let gamma = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(gamma);
    B::norm_backward(NormSaved { x, gamma, behind_relu, mean, var, eps }, dy, want_shortcut)
}

impl<B: NormBackend> Backward<B, 3> for Norm {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let found = backward::<B>(ops.state, dy, checkpointer, false);
        for (node, grad) in ops.parents.into_iter().zip([found.x, found.gamma, found.beta]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, grad);
            }
        }
    }
}

impl<B: NormBackend> Backward<B, 4> for Norm {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 4>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let found = backward::<B>(ops.state, dy, checkpointer, ops.parents[3].is_some());
        let found = [Some(found.x), Some(found.gamma), Some(found.beta), found.shortcut];
        for (node, grad) in ops.parents.into_iter().zip(found) {
            if let (Some(node), Some(grad)) = (node, grad) {
                grads.register::<B>(node.id, grad);
            }
        }
    }
}

/// Runs the forward pass and finishes whichever preparation it is given.
macro_rules! finish {
    ($prepared:expr, $x:ident, $gamma:ident, $beta:ident, $shortcut:expr, $tail:ident, $eps:ident) => {{
        match $prepared {
            OpsKind::Tracked(mut prep) => {
                let (xs, gs) = (prep.checkpoint(&$x), prep.checkpoint(&$gamma));
                let factors = [$gamma.primitive, $beta.primitive];
                let NormForward { y, mean, var } = B::norm($x.primitive, factors, $shortcut, $tail, $eps);
                let behind_relu = ($tail == Tail::Relu).then(|| y.clone());
                let state = (xs, gs, behind_relu, mean.clone(), var.clone(), $eps);
                (prep.finish(state, y), mean, var)
            }
            OpsKind::UnTracked(prep) => {
                let factors = [$gamma.primitive, $beta.primitive];
                let NormForward { y, mean, var } = B::norm($x.primitive, factors, $shortcut, $tail, $eps);
                (prep.finish(y), mean, var)
            }
        }
    }};
}

impl<B: NormBackend, C: CheckpointStrategy> NormBackend for Autodiff<B, C> {
    fn norm(
        x: FloatTensor<Self>,
        [gamma, beta]: [FloatTensor<Self>; 2],
        shortcut: Option<FloatTensor<Self>>,
        tail: Tail,
        eps: f32,
    ) -> NormForward<Self> {
        let nodes = [x.node.clone(), gamma.node.clone(), beta.node.clone()];
        let (y, mean, var) = match shortcut {
            None => {
                let prepared = Norm.prepare::<C>(nodes).compute_bound().stateful();
                finish!(prepared, x, gamma, beta, None, tail, eps)
            }
            Some(shortcut) => {
                let [a, b, c] = nodes;
                let nodes = [a, b, c, shortcut.node.clone()];
                let prepared = Norm.prepare::<C>(nodes).compute_bound().stateful();
                finish!(prepared, x, gamma, beta, Some(shortcut.primitive), tail, eps)
            }
        };
        NormForward { y, mean: Self::from_inner(mean), var: Self::from_inner(var) }
    }
    // `affine` inherits the reference body, whose operations are differentiable by themselves. Only a network that keeps its
    // statistics in training comes here; inference runs on the inner backend.
}
