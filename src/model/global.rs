//! A third way from the last maps to features, beside averaging and flattening: a global depthwise convolution (MobileFaceNet,
//! Chen et al., arXiv:1804.07573, section 3.1; the head "GDC" of insightface). It weighs every position, but with one
//! weight per channel: for 7 × 7 maps of 512 channels 25 thousand numbers, where flattening has 12.8 million.

use super::EmbedderSpec;
use super::count::Count;
use super::layers::{GroupedConv, batch_norm};
use super::walk::{Act, Walk};
use crate::config::Pooling;
use crate::kernels::random::Draw;
use crate::kernels::{Grouping, Kernels};
use burn::module::Module;
use burn::nn::BatchNorm;
use burn::tensor::backend::Backend;

/// The convolution over whole maps and its normalisation.
#[derive(Module, Debug)]
pub struct Global<B: Backend> {
    /// One weight per channel and position.
    pub conv: GroupedConv<B>,
    /// Of what is left.
    pub bn: BatchNorm<B>,
}

impl<B: Backend> Global<B> {
    /// For maps of `px` pixels, where the network gathers its features in this way.
    pub(super) fn init(
        spec: &EmbedderSpec,
        channels: usize,
        px: usize,
        draw: &mut Draw,
        device: &B::Device,
    ) -> Option<Self> {
        (spec.pooling() == Pooling::Depthwise).then(|| Self {
            conv: GroupedConv::init(draw, channels, px, Grouping { groups: channels, stride: 1, pad: 0 }, device),
            bn: batch_norm(channels, device),
        })
    }
}

impl<B: Kernels> Global<B> {
    /// `[n, px, px, c]` → `[n, 1, 1, c]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, maps: W::Maps) -> W::Maps {
        walk.grouped(maps, &self.conv, &self.bn, Act::Linear)
    }
}

/// Numbers per image that the embedding layer sees, of maps of `px` pixels.
pub(super) fn features_in(spec: &EmbedderSpec, channels: usize, px: usize) -> usize {
    channels * if spec.pooling() == Pooling::Flatten { px * px } else { 1 }
}

/// Counts everything behind the last maps but the normalisation of the embedding.
pub(super) fn count_features(count: &mut Count, spec: &EmbedderSpec, channels: usize, px: usize) {
    if spec.pooling() == Pooling::Depthwise {
        count.global(channels, px);
    }
    count.linear([features_in(spec, channels, px), spec.embedding_dim], true);
}
