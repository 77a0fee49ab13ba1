//! One description of each network for everything that is done with it: a network tells a [`Walk`] its layers in the order
//! they are computed, and the walk computes them ([`super::forward`]), freezes them ([`super::inference`]) or writes
//! them down as a graph ([`super::onnx`]).

use super::layers::{Conv, GroupedConv, Prelu, SqueezeExcite};
use burn::module::Param;
use burn::nn::{BatchNorm, Dropout, Linear};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// What layers are told to.
pub(super) trait Walk<B: Backend> {
    /// Feature maps.
    type Maps: Clone;
    /// Embeddings.
    type Rows;

    /// A convolution and what follows it.
    fn conv(&mut self, x: Self::Maps, conv: &Conv<B>, after: After<'_, B, Self::Maps>) -> Self::Maps;

    /// A convolution in groups, its normalisation and activation.
    fn grouped(&mut self, x: Self::Maps, conv: &GroupedConv<B>, bn: &BatchNorm<B>, act: Act<'_, B>) -> Self::Maps;

    /// A normalisation with no convolution in front of it, and its activation.
    fn norm(&mut self, x: Self::Maps, bn: &BatchNorm<B>, act: Act<'_, B>) -> Self::Maps;

    /// A part of the network that can be computed on its own, from the maps in front of it. Everything before the embedding
    /// layer lies in one unit or another.
    fn unit(&mut self, x: Self::Maps, unit: impl FnOnce(&mut Self, Self::Maps) -> Self::Maps) -> Self::Maps {
        unit(self, x)
    }

    /// The largest of some pixels.
    fn max_pool(&mut self, x: Self::Maps, pool: MaxPool) -> Self::Maps;

    /// Squeeze and excitation, then the shortcut.
    fn excite(&mut self, x: Self::Maps, gate: &SqueezeExcite<B>, shortcut: Self::Maps) -> Self::Maps;

    /// The embedding layer.
    fn embed(&mut self, x: Self::Maps, layer: EmbeddingLayer<'_, B>) -> Self::Rows;
}

/// The largest number of every square of `side` pixels, `stride` apart and all inside the maps. A side of 1 takes every
/// `stride`-th pixel of every `stride`-th row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MaxPool {
    pub side: usize,
    pub stride: usize,
}

impl MaxPool {
    /// Side of the maps behind it.
    pub fn output_px(self, px: usize) -> usize {
        px.saturating_sub(self.side) / self.stride + 1
    }
}

/// What is applied to each number.
pub(super) enum Act<'a, B: Backend> {
    /// Nothing.
    Linear,
    /// Negative values become 0.
    Relu,
    /// Values are held between 0 and 6 (MobileNetV2).
    Relu6,
    /// Negative values are multiplied by a learnt slope per channel.
    Prelu(&'a Prelu<B>),
}

/// What follows a convolution: normalisation, then the shortcut, then the activation.
pub(super) struct After<'a, B: Backend, M> {
    pub bn: Option<&'a BatchNorm<B>>,
    pub shortcut: Option<M>,
    pub act: Act<'a, B>,
}

impl<'a, B: Backend, M> After<'a, B, M> {
    /// Normalisation alone.
    pub fn norm(bn: &'a BatchNorm<B>) -> Self {
        Self { bn: Some(bn), shortcut: None, act: Act::Linear }
    }

    /// Normalisation and an activation.
    pub fn act(bn: &'a BatchNorm<B>, act: Act<'a, B>) -> Self {
        Self { bn: Some(bn), shortcut: None, act }
    }

    /// A PReLU without normalisation.
    pub fn prelu_alone(prelu: &'a Prelu<B>) -> Self {
        Self { bn: None, shortcut: None, act: Act::Prelu(prelu) }
    }

    /// With this added before the activation, which must not be a PReLU.
    pub fn plus(self, shortcut: Option<M>) -> Self {
        Self { shortcut, ..self }
    }
}

/// From the last maps to the embedding.
pub(super) struct EmbeddingLayer<'a, B: Backend> {
    /// Of the maps.
    pub before: Option<&'a BatchNorm<B>>,
    /// Only in training.
    pub dropout: Option<&'a Dropout>,
    /// `[features, embedding_dim]`; as many features as channels means their average, else every position has its own.
    pub weight: Tensor<B, 2>,
    /// `[embedding_dim]`
    pub bias: Option<Tensor<B, 1>>,
    /// Of the embedding.
    pub norm: &'a BatchNorm<B>,
}

impl<'a, B: Backend> EmbeddingLayer<'a, B> {
    /// A linear layer and the normalisation behind it.
    pub fn linear(fc: &Linear<B>, norm: &'a BatchNorm<B>) -> Self {
        let bias = fc.bias.as_ref().map(Param::val);
        Self { before: None, dropout: None, weight: fc.weight.val(), bias, norm }
    }

    /// With a normalisation of the maps.
    pub fn with_norm_before(self, before: &'a BatchNorm<B>) -> Self {
        Self { before: Some(before), ..self }
    }

    /// With dropout of the features.
    pub fn with_dropout(self, dropout: &'a Dropout) -> Self {
        Self { dropout: Some(dropout), ..self }
    }
}
