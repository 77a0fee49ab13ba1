//! VGG16 (Simonyan and Zisserman, arXiv:1409.1556, configuration D): thirteen 3×3 convolutions with a max-pool after the
//! second, fourth, seventh, tenth and last, with batch normalisation, without which so deep a plain network hardly learns
//! from random weights. One embedding layer takes the place of its three large ones.
//!
//! Maps of one pixel are not pooled any more, so that any image size works.

use super::EmbedderSpec;
use super::count::Count;
use super::global::{Global, count_features, features_in};
use super::layers::{Conv, batch_norm, linear};
use super::walk::{Act, After, EmbeddingLayer, MaxPool, Walk};
use crate::kernels::Kernels;
use crate::kernels::random::Draw;
use burn::module::Module;
use burn::nn::{BatchNorm, Dropout, DropoutConfig, Linear};
use burn::tensor::backend::Backend;

/// (channels, convolutions) of the five stages.
const STAGES: [(usize, usize); 5] = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];
/// Channels of the last maps.
const LAST: usize = 512;

/// (channels in, channels out) of a stage's convolutions.
fn convolutions(spec: &EmbedderSpec, stage: usize) -> impl Iterator<Item = [usize; 2]> {
    let before = if stage == 0 { spec.channels } else { STAGES[stage - 1].0 };
    let (width, count) = STAGES[stage];
    (0..count).map(move |i| [if i == 0 { before } else { width }, width])
}

/// Side of the maps after a pool, which leaves out a last odd row and column.
fn pooled_px(px: usize) -> usize {
    (px / 2).max(1)
}

/// Side of the last maps.
fn last_px(image_px: usize) -> usize {
    (0..STAGES.len()).fold(image_px, |px, _| pooled_px(px))
}

pub(super) fn count(spec: &EmbedderSpec) -> Count {
    let mut count = Count::default();
    let mut px = spec.image_px;
    for stage in 0..STAGES.len() {
        for channels in convolutions(spec, stage) {
            count.conv_norm(channels, 3, px);
            count.end_unit(channels[1], px);
        }
        px = pooled_px(px);
    }
    count_features(&mut count, spec, LAST, px);
    count.norm(spec.embedding_dim, 1);
    count
}

/// A convolution and its normalisation; ReLU follows.
#[derive(Module, Debug)]
pub struct Layer<B: Backend> {
    /// 3×3, stride 1.
    pub conv: Conv<B>,
    /// After `conv`.
    pub bn: BatchNorm<B>,
}

/// The network.
#[derive(Module, Debug)]
pub struct Vgg16<B: Backend> {
    /// Its five stages, each with a max-pool behind it.
    pub stages: Vec<Vec<Layer<B>>>,
    /// How features are gathered, where it is neither the average nor every position.
    pub global: Option<Global<B>>,
    /// Only in training; draws from burn's process-wide generator, as in [`super::resnet::ResNet`].
    pub dropout: Dropout,
    /// Embedding layer.
    pub fc: Linear<B>,
    /// Normalisation of the embedding.
    pub features: BatchNorm<B>,
    /// Side of the images, which says which stages are pooled.
    pub image_px: usize,
}

impl<B: Backend> Vgg16<B> {
    pub(super) fn init(spec: &EmbedderSpec, draw: &mut Draw, device: &B::Device) -> Self {
        let layer = |draw: &mut Draw, channels: [usize; 2]| Layer {
            conv: Conv::init(draw, channels, 3, 1, device),
            bn: batch_norm(channels[1], device),
        };
        let px = last_px(spec.image_px);
        let stages = (0..STAGES.len())
            .map(|stage| convolutions(spec, stage).map(|channels| layer(draw, channels)).collect())
            .collect();
        Self {
            stages,
            global: Global::init(spec, LAST, px, draw, device),
            dropout: DropoutConfig::new(spec.dropout).init(),
            fc: linear(draw, [features_in(spec, LAST, px), spec.embedding_dim], true, device),
            features: batch_norm(spec.embedding_dim, device),
            image_px: spec.image_px,
        }
    }
}

impl<B: Kernels> Vgg16<B> {
    /// `[n, image_px, image_px, channels]` → `[n, embedding_dim]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        let (mut maps, mut px) = (images, self.image_px);
        for stage in &self.stages {
            for (i, Layer { conv, bn }) in stage.iter().enumerate() {
                let pooled = i + 1 == stage.len() && px > 1;
                maps = walk.unit(maps, |walk, maps| {
                    let maps = walk.conv(maps, conv, After::act(bn, Act::Relu));
                    if pooled { walk.max_pool(maps, MaxPool { side: 2, stride: 2 }) } else { maps }
                });
            }
            px = pooled_px(px);
        }
        if let Some(global) = &self.global {
            maps = walk.unit(maps, |walk, maps| global.walk(walk, maps));
        }
        walk.embed(maps, EmbeddingLayer::linear(&self.fc, &self.features).with_dropout(&self.dropout))
    }
}
