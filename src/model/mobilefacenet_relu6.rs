//! The classic MobileFaceNet built from MobileNetV2's blocks (Sandler et al., arXiv:1801.04381), with their ReLU6 in place
//! of PReLU and a pointwise convolution behind the first depthwise one. Names and shapes are those of foamliu's
//! MobileFaceNet, whose weights are widely used.

use super::EmbedderSpec;
use super::count::Count;
use super::layers::{Conv, GroupedConv, batch_norm};
use super::mobilefacenet_classic::{ENDS, bottlenecks};
use super::walk::{Act, After, EmbeddingLayer, Walk};
use crate::config::Net;
use crate::kernels::random::{Draw, constant};
use crate::kernels::{Grouping, Kernels};
use burn::module::{Module, Param};
use burn::nn::{BatchNorm, Dropout, DropoutConfig};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

pub(super) fn count(spec: &EmbedderSpec) -> Count {
    let mut count = Count::default();
    let mut px = spec.image_px.div_ceil(2);
    let [stem, last] = ENDS;
    count.conv_norm([spec.channels, stem], 3, px);
    count.conv_norm([1, stem], 3, px);
    count.conv_norm([stem, stem], 1, px);
    count.end_unit(stem, px);
    let mut width = stem;
    for ([c_in, c_out, between], stride) in bottlenecks() {
        count.conv_norm([c_in, between], 1, px);
        px = px.div_ceil(stride);
        count.conv_norm([1, between], 3, px);
        count.conv_norm([between, c_out], 1, px);
        count.end_unit(c_out, px);
        width = c_out;
    }
    count.conv_norm([width, last], 1, px);
    count.global(last, px);
    count.linear([last, spec.embedding_dim], true);
    count.norm(spec.embedding_dim, 1);
    count
}

/// Depthwise and pointwise convolution.
#[derive(Module, Debug)]
pub struct Separable<B: Backend> {
    /// 3×3.
    pub depthwise: GroupedConv<B>,
    /// 1×1.
    pub pointwise: Conv<B>,
    /// After `depthwise`, before a ReLU.
    pub bn1: BatchNorm<B>,
    /// After `pointwise`, before a ReLU.
    pub bn2: BatchNorm<B>,
}

/// Depthwise convolution over the whole maps.
#[derive(Module, Debug)]
pub struct GlobalDepthwise<B: Backend> {
    /// As large as the maps.
    pub depthwise: GroupedConv<B>,
    /// After it.
    pub bn: BatchNorm<B>,
}

/// MobileNetV2's inverted residual.
#[derive(Module, Debug)]
pub struct Inverted<B: Backend> {
    /// Up with ReLU6, depthwise with ReLU6, down.
    pub conv: (PlainConv<B>, PlainDepthwise<B>, Conv<B>, BatchNorm<B>),
}

type PlainConv<B> = (Conv<B>, BatchNorm<B>);
type PlainDepthwise<B> = (GroupedConv<B>, BatchNorm<B>);

impl<B: Backend> Inverted<B> {
    fn init(draw: &mut Draw, [c_in, c_out, between]: [usize; 3], stride: usize, device: &B::Device) -> Self {
        let up = Conv::init(draw, [c_in, between], 1, 1, device);
        let depthwise = GroupedConv::init(draw, between, 3, Grouping { groups: between, stride, pad: 1 }, device);
        let down = Conv::init(draw, [between, c_out], 1, 1, device);
        let norm = |channels| batch_norm(channels, device);
        Self { conv: ((up, norm(between)), (depthwise, norm(between)), down, norm(c_out)) }
    }

    fn adds_its_input(&self) -> bool {
        let ((up, _), (depthwise, _), down, _) = &self.conv;
        depthwise.stride == 1 && up.weight.dims()[1] == down.weight.dims()[0]
    }
}

/// A linear layer kept as a convolution's weight.
#[derive(Module, Debug)]
pub struct Pointwise<B: Backend> {
    /// `[embedding_dim, channels, 1, 1]`
    pub weight: Param<Tensor<B, 4>>,
    /// `[embedding_dim]`
    pub bias: Param<Tensor<B, 1>>,
}

/// The network.
#[derive(Module, Debug)]
pub struct MobileFaceNetRelu6<B: Backend> {
    /// Stem, stride 2, ReLU6.
    pub conv1: (Conv<B>, BatchNorm<B>),
    /// Two convolutions.
    pub dw_conv: Separable<B>,
    /// All bottlenecks.
    pub features: Vec<Inverted<B>>,
    /// To the channels of the last maps, ReLU6.
    pub conv2: (Conv<B>, BatchNorm<B>),
    /// The last maps become features.
    pub gdconv: GlobalDepthwise<B>,
    /// Of the features.
    pub dropout: Dropout,
    /// Embedding layer.
    pub conv3: Pointwise<B>,
    /// Normalisation of the embedding.
    pub bn: BatchNorm<B>,
}

impl<B: Backend> MobileFaceNetRelu6<B> {
    pub(super) fn init(spec: &EmbedderSpec, draw: &mut Draw, device: &B::Device) -> Self {
        let [stem, last] = ENDS;
        let norm = |channels| batch_norm(channels, device);
        let conv1 = Conv::init(draw, [spec.channels, stem], 3, 2, device);
        let depthwise = GroupedConv::init(draw, stem, 3, Grouping { groups: stem, stride: 1, pad: 1 }, device);
        let pointwise = Conv::init(draw, [stem, stem], 1, 1, device);
        let features: Vec<_> =
            bottlenecks().map(|(channels, stride)| Inverted::init(draw, channels, stride, device)).collect();
        let width = bottlenecks().last().map_or(stem, |([_, width, _], _)| width);
        let conv2 = Conv::init(draw, [width, last], 1, 1, device);
        let everywhere = Grouping { groups: last, stride: 1, pad: 0 };
        let global = GroupedConv::init(draw, last, Net::face_maps_side(spec.image_px), everywhere, device);
        let bound = 1.0 / (last as f64).sqrt();
        let weight = draw.uniform([spec.embedding_dim, last, 1, 1], bound, device);
        Self {
            conv1: (conv1, norm(stem)),
            dw_conv: Separable { depthwise, pointwise, bn1: norm(stem), bn2: norm(stem) },
            features,
            conv2: (conv2, norm(last)),
            gdconv: GlobalDepthwise { depthwise: global, bn: norm(last) },
            dropout: DropoutConfig::new(spec.dropout).init(),
            conv3: Pointwise { weight, bias: constant(0.0, [spec.embedding_dim], device) },
            bn: norm(spec.embedding_dim),
        }
    }
}

impl<B: Kernels> Inverted<B> {
    fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps) -> W::Maps {
        let shortcut = self.adds_its_input().then(|| x.clone());
        let ((up, up_bn), (depthwise, depthwise_bn), down, down_bn) = &self.conv;
        let y = walk.conv(x, up, After::act(up_bn, Act::Relu6));
        let y = walk.grouped(y, depthwise, depthwise_bn, Act::Relu6);
        walk.conv(y, down, After::norm(down_bn).plus(shortcut))
    }
}

impl<B: Kernels> MobileFaceNetRelu6<B> {
    /// `[n, image_px, image_px, channels]` → `[n, embedding_dim]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        let mut maps = walk.unit(images, |walk, images| {
            let maps = walk.conv(images, &self.conv1.0, After::act(&self.conv1.1, Act::Relu6));
            let maps = walk.grouped(maps, &self.dw_conv.depthwise, &self.dw_conv.bn1, Act::Relu);
            walk.conv(maps, &self.dw_conv.pointwise, After::act(&self.dw_conv.bn2, Act::Relu))
        });
        for block in &self.features {
            maps = walk.unit(maps, |walk, maps| block.walk(walk, maps));
        }
        let maps = walk.unit(maps, |walk, maps| {
            let maps = walk.conv(maps, &self.conv2.0, After::act(&self.conv2.1, Act::Relu6));
            walk.grouped(maps, &self.gdconv.depthwise, &self.gdconv.bn, Act::Linear)
        });
        let weight = self.conv3.weight.val();
        let [dim, features, ..] = weight.dims();
        walk.embed(
            maps,
            EmbeddingLayer {
                before: None,
                dropout: Some(&self.dropout),
                weight: weight.reshape([dim, features]).transpose(),
                bias: Some(self.conv3.bias.val()),
                norm: &self.bn,
            },
        )
    }
}
