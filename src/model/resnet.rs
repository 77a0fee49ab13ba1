//! The residual networks: stem → four stages of blocks → average or flatten → dropout → linear → batch normalisation
//! (named `features`, as in insightface's networks).

use super::EmbedderSpec;
use super::backbone::Plan;
use super::block::Block;
use super::global::{Global, features_in};
use super::layers::{Conv, batch_norm, linear};
use super::walk::{Act, After, EmbeddingLayer, Walk};
use crate::kernels::Kernels;
use crate::kernels::random::Draw;
use burn::module::Module;
use burn::nn::{BatchNorm, Dropout, DropoutConfig, Linear};
use burn::tensor::backend::Backend;

/// A residual network.
#[derive(Module, Debug)]
pub struct ResNet<B: Backend> {
    /// Stem.
    pub conv1: Conv<B>,
    /// After the stem.
    pub bn1: BatchNorm<B>,
    /// First stage.
    pub layer1: Vec<Block<B>>,
    /// Second stage.
    pub layer2: Vec<Block<B>>,
    /// Third stage.
    pub layer3: Vec<Block<B>>,
    /// Fourth stage.
    pub layer4: Vec<Block<B>>,
    /// How features are gathered, where it is neither the average nor every position.
    pub global: Option<Global<B>>,
    /// Only in training. Draws from burn's process-wide generator: seed it (`B::seed`) at every step where a run must
    /// be repeatable.
    pub dropout: Dropout,
    /// Embedding layer.
    pub fc: Linear<B>,
    /// Normalisation of the embedding.
    pub features: BatchNorm<B>,
}

impl<B: Backend> ResNet<B> {
    pub(super) fn init(spec: &EmbedderSpec, draw: &mut Draw, device: &B::Device) -> Self {
        let plan = Plan::of(spec.net, spec.image_px);
        let stage = |draw: &mut Draw, i: usize| {
            let block = |([c_in, c_out], stride): ([usize; 2], usize)| match plan.bottleneck {
                true => Block::init_bottleneck(draw, [c_in, plan.inner(c_out), c_out], stride, device),
                false => Block::init(draw, [c_in, c_out], stride, device),
            };
            plan.blocks(i).map(block).collect()
        };
        let conv1 = Conv::init(draw, [spec.channels, plan.stem], 3, plan.stem_stride, device);
        let layer1 = stage(draw, 0);
        let layer2 = stage(draw, 1);
        let layer3 = stage(draw, 2);
        let layer4 = stage(draw, 3);
        let (channels, px) = (plan.last_channels(), plan.last_px(spec.image_px));
        let global = Global::init(spec, channels, px, draw, device);
        let fc = linear(draw, [features_in(spec, channels, px), spec.embedding_dim], true, device);
        Self {
            conv1,
            bn1: batch_norm(plan.stem, device),
            layer1,
            layer2,
            layer3,
            layer4,
            global,
            dropout: DropoutConfig::new(spec.dropout).init(),
            fc,
            features: batch_norm(spec.embedding_dim, device),
        }
    }
}

impl<B: Kernels> ResNet<B> {
    /// `[n, image_px, image_px, channels]` → `[n, embedding_dim]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        let mut maps =
            walk.unit(images, |walk, images| walk.conv(images, &self.conv1, After::act(&self.bn1, Act::Relu)));
        for block in [&self.layer1, &self.layer2, &self.layer3, &self.layer4].into_iter().flatten() {
            maps = walk.unit(maps, |walk, maps| block.walk(walk, maps));
        }
        if let Some(global) = &self.global {
            maps = walk.unit(maps, |walk, maps| global.walk(walk, maps));
        }
        walk.embed(maps, EmbeddingLayer::linear(&self.fc, &self.features).with_dropout(&self.dropout))
    }
}
