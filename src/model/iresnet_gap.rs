//! The improved residual networks with insightface's head "GAP" (`get_fc1` in `arcface_mxnet`'s `symbol_utils.py`):
//! normalisation, PReLU, average, embedding layer, normalisation. Nothing follows the addition of the last unit, so without
//! the PReLU the embedding would be a linear function of its maps.
//!
//! A network of its own and not a part of [`IResNet`] that may be absent: burn's records go by position, and runs of an
//! `IResNet` must resume from theirs.

use super::EmbedderSpec;
use super::iresnet::{IResNet, IrUnit, WIDTHS, trunk};
use super::layers::{Conv, Prelu};
use super::walk::{Act, EmbeddingLayer, Walk};
use crate::kernels::Kernels;
use crate::kernels::random::Draw;
use burn::module::Module;
use burn::nn::{BatchNorm, Dropout, Linear};
use burn::tensor::backend::Backend;

/// The network; its names are those of [`IResNet`] and one more.
#[derive(Module, Debug)]
pub struct IResNetGap<B: Backend> {
    /// Stem, stride 1.
    pub conv1: Conv<B>,
    /// After the stem.
    pub bn1: BatchNorm<B>,
    /// After `bn1`.
    pub prelu: Prelu<B>,
    /// First stage.
    pub layer1: Vec<IrUnit<B>>,
    /// Second stage.
    pub layer2: Vec<IrUnit<B>>,
    /// Third stage.
    pub layer3: Vec<IrUnit<B>>,
    /// Fourth stage.
    pub layer4: Vec<IrUnit<B>>,
    /// After the last stage.
    pub bn2: BatchNorm<B>,
    /// After `bn2`.
    pub prelu2: Prelu<B>,
    /// Only in training; draws from burn's process-wide generator, as in [`super::ResNet`].
    pub dropout: Dropout,
    /// Embedding layer, of the average.
    pub fc: Linear<B>,
    /// Normalisation of the embedding; its factors stay 1.
    pub features: BatchNorm<B>,
}

impl<B: Backend> IResNetGap<B> {
    /// With the start values of the network that averages without a PReLU.
    pub(super) fn init(spec: &EmbedderSpec, draw: &mut Draw, device: &B::Device) -> Self {
        let net = IResNet::init(spec, draw, device);
        Self {
            conv1: net.conv1,
            bn1: net.bn1,
            prelu: net.prelu,
            layer1: net.layer1,
            layer2: net.layer2,
            layer3: net.layer3,
            layer4: net.layer4,
            bn2: net.bn2,
            prelu2: Prelu::init(WIDTHS[3], device),
            dropout: net.dropout,
            fc: net.fc,
            features: net.features,
        }
    }
}

impl<B: Kernels> IResNetGap<B> {
    /// `[n, image_px, image_px, channels]` → `[n, embedding_dim]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        let stem = (&self.conv1, &self.bn1, &self.prelu);
        let maps = trunk(walk, images, stem, [&self.layer1, &self.layer2, &self.layer3, &self.layer4]);
        let maps = walk.unit(maps, |walk, maps| walk.norm(maps, &self.bn2, Act::Prelu(&self.prelu2)));
        walk.embed(maps, EmbeddingLayer::linear(&self.fc, &self.features).with_dropout(&self.dropout))
    }
}
