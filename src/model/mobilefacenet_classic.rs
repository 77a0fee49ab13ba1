//! MobileFaceNet as the paper has it (Chen et al., arXiv:1804.07573, table 1): half the width of `arcface_torch`'s. Names
//! and shapes are those of InsightFace_Pytorch and of what was made from it.

use super::EmbedderSpec;
use super::count::Count;
use super::layers::{Conv, GroupedConv, Prelu, batch_norm, linear};
use super::walk::{Act, After, EmbeddingLayer, Walk};
use crate::config::Net;
use crate::kernels::random::Draw;
use crate::kernels::{Grouping, Kernels};
use burn::module::Module;
use burn::nn::{BatchNorm, Dropout, DropoutConfig, Linear};
use burn::tensor::backend::Backend;

/// Channels of the stem and of the last maps.
pub(super) const ENDS: [usize; 2] = [64, 512];
/// (channels in, channels out, channels between) of the three bottlenecks that halve.
pub(super) const HALVINGS: [[usize; 3]; 3] = [[64, 64, 128], [64, 128, 256], [128, 128, 512]];
/// Bottlenecks with an addition after each of them, and their channels between.
pub(super) const RESIDUALS: [(usize, usize); 3] = [(4, 128), (6, 256), (2, 256)];

/// Every bottleneck in order: channels as in [`HALVINGS`], and stride.
pub(super) fn bottlenecks() -> impl Iterator<Item = ([usize; 3], usize)> {
    HALVINGS.into_iter().zip(RESIDUALS).flat_map(|(halving, (count, between))| {
        let width = halving[1];
        std::iter::once((halving, 2)).chain(std::iter::repeat_n(([width, width, between], 1), count))
    })
}

pub(super) fn count(spec: &EmbedderSpec) -> Count {
    let mut count = Count::default();
    let mut px = spec.image_px.div_ceil(2);
    let [stem, last] = ENDS;
    count.conv_norm_prelu([spec.channels, stem], 3, px);
    count.conv_norm_prelu([1, stem], 3, px);
    count.end_unit(stem, px);
    let mut width = stem;
    for ([c_in, c_out, between], stride) in bottlenecks() {
        count.conv_norm_prelu([c_in, between], 1, px);
        px = px.div_ceil(stride);
        count.conv_norm_prelu([1, between], 3, px);
        count.conv_norm([between, c_out], 1, px);
        count.end_unit(c_out, px);
        width = c_out;
    }
    count.conv_norm_prelu([width, last], 1, px);
    count.global(last, px);
    count.linear([last, spec.embedding_dim], false);
    count.norm(spec.embedding_dim, 1);
    count
}

/// Convolution, normalisation, PReLU.
#[derive(Module, Debug)]
pub struct Dense<B: Backend> {
    /// Without groups.
    pub conv: Conv<B>,
    /// After `conv`.
    pub bn: BatchNorm<B>,
    /// After `bn`.
    pub prelu: Prelu<B>,
}

impl<B: Backend> Dense<B> {
    fn init(draw: &mut Draw, channels: [usize; 2], side: usize, stride: usize, device: &B::Device) -> Self {
        let conv = Conv::init(draw, channels, side, stride, device);
        Self { conv, bn: batch_norm(channels[1], device), prelu: Prelu::init(channels[1], device) }
    }
}

/// Depthwise convolution, normalisation, PReLU.
#[derive(Module, Debug)]
pub struct Depthwise<B: Backend> {
    /// One channel per group.
    pub conv: GroupedConv<B>,
    /// After `conv`.
    pub bn: BatchNorm<B>,
    /// After `bn`.
    pub prelu: Prelu<B>,
}

impl<B: Backend> Depthwise<B> {
    fn init(draw: &mut Draw, channels: usize, stride: usize, device: &B::Device) -> Self {
        let conv = GroupedConv::init(draw, channels, 3, Grouping { groups: channels, stride, pad: 1 }, device);
        Self { conv, bn: batch_norm(channels, device), prelu: Prelu::init(channels, device) }
    }
}

/// Convolution and normalisation.
#[derive(Module, Debug)]
pub struct Projection<B: Backend> {
    /// 1×1.
    pub conv: Conv<B>,
    /// After `conv`.
    pub bn: BatchNorm<B>,
}

/// Depthwise convolution over the whole maps, and normalisation.
#[derive(Module, Debug)]
pub struct Global<B: Backend> {
    /// As large as the maps.
    pub conv: GroupedConv<B>,
    /// After `conv`.
    pub bn: BatchNorm<B>,
}

/// 1×1 up, 3×3 depthwise, 1×1 down.
#[derive(Module, Debug)]
pub struct DepthWise<B: Backend> {
    /// Up.
    pub conv: Dense<B>,
    /// Depthwise.
    pub conv_dw: Depthwise<B>,
    /// Down.
    pub project: Projection<B>,
}

impl<B: Backend> DepthWise<B> {
    fn init(draw: &mut Draw, [c_in, c_out, between]: [usize; 3], stride: usize, device: &B::Device) -> Self {
        let conv = Dense::init(draw, [c_in, between], 1, 1, device);
        let conv_dw = Depthwise::init(draw, between, stride, device);
        let down = Conv::init(draw, [between, c_out], 1, 1, device);
        Self { conv, conv_dw, project: Projection { conv: down, bn: batch_norm(c_out, device) } }
    }
}

/// Bottlenecks with their input added.
#[derive(Module, Debug)]
pub struct Row<B: Backend> {
    /// One after the other.
    pub model: Vec<DepthWise<B>>,
}

/// The network.
#[derive(Module, Debug)]
pub struct MobileFaceNetClassic<B: Backend> {
    /// Stem, stride 2.
    pub conv1: Dense<B>,
    /// Depthwise.
    pub conv2_dw: Depthwise<B>,
    /// Halves.
    pub conv_23: DepthWise<B>,
    /// Four.
    pub conv_3: Row<B>,
    /// Halves.
    pub conv_34: DepthWise<B>,
    /// Six.
    pub conv_4: Row<B>,
    /// Halves.
    pub conv_45: DepthWise<B>,
    /// Two.
    pub conv_5: Row<B>,
    /// To the channels of the last maps.
    pub conv_6_sep: Dense<B>,
    /// The last maps become features.
    pub conv_6_dw: Global<B>,
    /// Of the features.
    pub dropout: Dropout,
    /// Embedding layer, without offsets.
    pub linear: Linear<B>,
    /// Normalisation of the embedding.
    pub bn: BatchNorm<B>,
}

impl<B: Backend> MobileFaceNetClassic<B> {
    pub(super) fn init(spec: &EmbedderSpec, draw: &mut Draw, device: &B::Device) -> Self {
        let [stem, last] = ENDS;
        let conv1 = Dense::init(draw, [spec.channels, stem], 3, 2, device);
        let conv2_dw = Depthwise::init(draw, stem, 1, device);
        let [(conv_23, conv_3), (conv_34, conv_4), (conv_45, conv_5)] = [0, 1, 2].map(|i| {
            let (width, (count, between)) = (HALVINGS[i][1], RESIDUALS[i]);
            let first = DepthWise::init(draw, HALVINGS[i], 2, device);
            let model = (0..count).map(|_| DepthWise::init(draw, [width, width, between], 1, device)).collect();
            (first, Row { model })
        });
        let conv_6_sep = Dense::init(draw, [HALVINGS[2][1], last], 1, 1, device);
        let everywhere = Grouping { groups: last, stride: 1, pad: 0 };
        let global = GroupedConv::init(draw, last, Net::face_maps_side(spec.image_px), everywhere, device);
        Self {
            conv1,
            conv2_dw,
            conv_23,
            conv_3,
            conv_34,
            conv_4,
            conv_45,
            conv_5,
            conv_6_sep,
            conv_6_dw: Global { conv: global, bn: batch_norm(last, device) },
            dropout: DropoutConfig::new(spec.dropout).init(),
            linear: linear(draw, [last, spec.embedding_dim], false, device),
            bn: batch_norm(spec.embedding_dim, device),
        }
    }
}

impl<B: Kernels> Dense<B> {
    fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps) -> W::Maps {
        walk.conv(x, &self.conv, After::act(&self.bn, Act::Prelu(&self.prelu)))
    }
}

impl<B: Kernels> Depthwise<B> {
    fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps) -> W::Maps {
        walk.grouped(x, &self.conv, &self.bn, Act::Prelu(&self.prelu))
    }
}

impl<B: Kernels> DepthWise<B> {
    fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps, shortcut: Option<W::Maps>) -> W::Maps {
        let y = self.conv.walk(walk, x);
        let y = self.conv_dw.walk(walk, y);
        walk.conv(y, &self.project.conv, After::norm(&self.project.bn).plus(shortcut))
    }
}

impl<B: Kernels> MobileFaceNetClassic<B> {
    /// `[n, image_px, image_px, channels]` → `[n, embedding_dim]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        let mut maps = walk.unit(images, |walk, images| {
            let maps = self.conv1.walk(walk, images);
            self.conv2_dw.walk(walk, maps)
        });
        for (first, row) in
            [(&self.conv_23, &self.conv_3), (&self.conv_34, &self.conv_4), (&self.conv_45, &self.conv_5)]
        {
            maps = walk.unit(maps, |walk, maps| first.walk(walk, maps, None));
            for bottleneck in &row.model {
                maps = walk.unit(maps, |walk, maps| bottleneck.walk(walk, maps.clone(), Some(maps)));
            }
        }
        let maps = walk.unit(maps, |walk, maps| {
            let maps = self.conv_6_sep.walk(walk, maps);
            walk.grouped(maps, &self.conv_6_dw.conv, &self.conv_6_dw.bn, Act::Linear)
        });
        walk.embed(maps, EmbeddingLayer::linear(&self.linear, &self.bn).with_dropout(&self.dropout))
    }
}
