//! MobileFaceNet (Chen et al., arXiv:1804.07573) as `arcface_torch` has it, twice as wide as the paper's and with 512
//! numbers per embedding: names and shapes are those of its checkpoints.
//!
//! Its second convolution has two channels per group where the paper has one, a slip that every published checkpoint
//! depends on. The last maps are weighed position by position (global depthwise convolution) instead of averaged.

use super::EmbedderSpec;
use super::count::Count;
use super::layers::{Conv, GroupedConv, Prelu, batch_norm, linear};
use super::walk::{Act, After, EmbeddingLayer, Walk};
use crate::kernels::random::Draw;
use crate::kernels::{Grouping, Kernels};
use burn::module::Module;
use burn::nn::{BatchNorm, Dropout, DropoutConfig, Linear};
use burn::tensor::backend::Backend;

/// Channels up to the second halving, and after it.
const WIDTHS: [usize; 2] = [128, 256];
/// Bottlenecks with an addition after each of the three that halve.
const RESIDUALS: [usize; 3] = [4, 6, 2];
/// Channels of the last maps.
const LAST: usize = 512;
/// Groups of the second convolution.
const SLIP_GROUPS: usize = 64;

/// Side of the last maps.
pub(super) fn last_px(spec: &EmbedderSpec) -> usize {
    spec.image_px.div_ceil(16)
}

/// (channels in, channels out, channels between) of the bottlenecks that halve.
fn halvings() -> [[usize; 3]; 3] {
    let [narrow, wide] = WIDTHS;
    [[narrow, narrow, narrow], [narrow, wide, wide], [wide, wide, 2 * wide]]
}

pub(super) fn count(spec: &EmbedderSpec) -> Count {
    let mut count = Count::default();
    let mut px = spec.image_px.div_ceil(2);
    count.conv_norm_prelu([spec.channels, WIDTHS[0]], 3, px);
    count.conv_norm_prelu([WIDTHS[0] / SLIP_GROUPS, WIDTHS[0]], 3, px);
    count.end_unit(WIDTHS[0], px);
    let mut bottleneck = |[c_in, c_out, between]: [usize; 3], px: usize, stride: usize| {
        count.conv_norm_prelu([c_in, between], 1, px);
        count.conv_norm_prelu([1, between], 3, px.div_ceil(stride));
        count.conv_norm([between, c_out], 1, px.div_ceil(stride));
        count.end_unit(c_out, px.div_ceil(stride));
    };
    for (channels, residuals) in halvings().into_iter().zip(RESIDUALS) {
        bottleneck(channels, px, 2);
        px = px.div_ceil(2);
        let width = channels[1];
        (0..residuals).for_each(|_| bottleneck([width; 3], px, 1));
    }
    count.conv_norm_prelu([WIDTHS[1], LAST], 1, px);
    count.global(LAST, px);
    count.linear([LAST, spec.embedding_dim], false);
    count.norm(spec.embedding_dim, 1);
    count
}

/// Convolution, normalisation, PReLU.
#[derive(Module, Debug)]
pub struct ConvBlock<B: Backend> {
    /// In this order.
    pub layers: (Conv<B>, BatchNorm<B>, Prelu<B>),
}

impl<B: Backend> ConvBlock<B> {
    fn init(draw: &mut Draw, channels: [usize; 2], side: usize, stride: usize, device: &B::Device) -> Self {
        let conv = Conv::init(draw, channels, side, stride, device);
        Self { layers: (conv, batch_norm(channels[1], device), Prelu::init(channels[1], device)) }
    }
}

impl<B: Kernels> ConvBlock<B> {
    fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps) -> W::Maps {
        let (conv, bn, prelu) = &self.layers;
        walk.conv(x, conv, After::act(bn, Act::Prelu(prelu)))
    }
}

/// Grouped convolution, normalisation, PReLU.
#[derive(Module, Debug)]
pub struct GroupedBlock<B: Backend> {
    /// In this order.
    pub layers: (GroupedConv<B>, BatchNorm<B>, Prelu<B>),
}

impl<B: Backend> GroupedBlock<B> {
    fn init(draw: &mut Draw, channels: usize, [groups, stride]: [usize; 2], device: &B::Device) -> Self {
        let conv = GroupedConv::init(draw, channels, 3, Grouping { groups, stride, pad: 1 }, device);
        Self { layers: (conv, batch_norm(channels, device), Prelu::init(channels, device)) }
    }
}

impl<B: Kernels> GroupedBlock<B> {
    fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps) -> W::Maps {
        let (conv, bn, prelu) = &self.layers;
        walk.grouped(x, conv, bn, Act::Prelu(prelu))
    }
}

/// Convolution and normalisation.
#[derive(Module, Debug)]
pub struct LinearBlock<B: Backend> {
    /// In this order.
    pub layers: (Conv<B>, BatchNorm<B>),
}

/// 1×1 up, 3×3 depthwise, 1×1 down.
#[derive(Module, Debug)]
pub struct Bottleneck<B: Backend> {
    /// In this order.
    pub layers: (ConvBlock<B>, GroupedBlock<B>, LinearBlock<B>),
}

impl<B: Backend> Bottleneck<B> {
    fn init(draw: &mut Draw, [c_in, c_out, between]: [usize; 3], stride: usize, device: &B::Device) -> Self {
        let up = ConvBlock::init(draw, [c_in, between], 1, 1, device);
        let depthwise = GroupedBlock::init(draw, between, [between, stride], device);
        let down = Conv::init(draw, [between, c_out], 1, 1, device);
        Self { layers: (up, depthwise, LinearBlock { layers: (down, batch_norm(c_out, device)) }) }
    }
}

impl<B: Kernels> Bottleneck<B> {
    /// With the input added at the end, or not.
    fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps, residual: bool) -> W::Maps {
        let shortcut = residual.then(|| x.clone());
        let (up, depthwise, down) = &self.layers;
        let (conv, bn) = &down.layers;
        let y = up.walk(walk, x);
        let y = depthwise.walk(walk, y);
        walk.conv(y, conv, After::norm(bn).plus(shortcut))
    }
}

/// Bottlenecks with their input added.
#[derive(Module, Debug)]
pub struct Residual<B: Backend> {
    /// One after the other.
    pub layers: Vec<Bottleneck<B>>,
}

/// Takes the place of PyTorch's layer without weights, so that the names after it are right.
#[derive(Module, Clone, Debug, Default)]
pub struct Flatten;

/// Global depthwise convolution and normalisation.
#[derive(Module, Debug)]
pub struct GlobalBlock<B: Backend> {
    /// In this order.
    pub layers: (GroupedConv<B>, BatchNorm<B>),
}

/// From the last maps to the embedding.
#[derive(Module, Debug)]
pub struct Gdc<B: Backend> {
    /// In this order.
    pub layers: (GlobalBlock<B>, Flatten, Linear<B>, BatchNorm<B>),
}

/// The stages: two convolutions, then three times a bottleneck that halves and a row of residual ones.
type Layers<B> =
    (ConvBlock<B>, GroupedBlock<B>, Bottleneck<B>, Residual<B>, Bottleneck<B>, Residual<B>, Bottleneck<B>, Residual<B>);

/// The network.
#[derive(Module, Debug)]
pub struct MobileFaceNet<B: Backend> {
    /// Everything up to the last maps.
    pub layers: Layers<B>,
    /// 1×1 to the channels of the last maps.
    pub conv_sep: ConvBlock<B>,
    /// The embedding.
    pub features: Gdc<B>,
    /// Of its features.
    pub dropout: Dropout,
}

impl<B: Backend> MobileFaceNet<B> {
    pub(super) fn init(spec: &EmbedderSpec, draw: &mut Draw, device: &B::Device) -> Self {
        let stem = ConvBlock::init(draw, [spec.channels, WIDTHS[0]], 3, 2, device);
        let second = GroupedBlock::init(draw, WIDTHS[0], [SLIP_GROUPS, 1], device);
        let [(a, b), (c, d), (e, f)] = [0, 1, 2].map(|i| {
            let (channels, residuals) = (halvings()[i], RESIDUALS[i]);
            let first = Bottleneck::init(draw, channels, 2, device);
            let layers = (0..residuals).map(|_| Bottleneck::init(draw, [channels[1]; 3], 1, device)).collect();
            (first, Residual { layers })
        });
        let conv_sep = ConvBlock::init(draw, [WIDTHS[1], LAST], 1, 1, device);
        let everywhere = Grouping { groups: LAST, stride: 1, pad: 0 };
        let global = GroupedConv::init(draw, LAST, last_px(spec), everywhere, device);
        let global = GlobalBlock { layers: (global, batch_norm(LAST, device)) };
        let embedding = linear(draw, [LAST, spec.embedding_dim], false, device);
        let norm = batch_norm(spec.embedding_dim, device);
        Self {
            layers: (stem, second, a, b, c, d, e, f),
            conv_sep,
            features: Gdc { layers: (global, Flatten, embedding, norm) },
            dropout: DropoutConfig::new(spec.dropout).init(),
        }
    }

    /// The bottlenecks in their order, each with whether its input is added.
    fn bottlenecks(&self) -> impl Iterator<Item = (&Bottleneck<B>, bool)> {
        let (_, _, a, b, c, d, e, f) = &self.layers;
        [(a, b), (c, d), (e, f)].into_iter().flat_map(|(first, residuals)| {
            std::iter::once((first, false)).chain(residuals.layers.iter().map(|bottleneck| (bottleneck, true)))
        })
    }
}

impl<B: Kernels> MobileFaceNet<B> {
    /// `[n, image_px, image_px, channels]` → `[n, embedding_dim]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        let (stem, second, ..) = &self.layers;
        let mut maps = walk.unit(images, |walk, images| {
            let maps = stem.walk(walk, images);
            second.walk(walk, maps)
        });
        for (bottleneck, residual) in self.bottlenecks() {
            maps = walk.unit(maps, |walk, maps| bottleneck.walk(walk, maps, residual));
        }
        let (global, _, embedding, norm) = &self.features.layers;
        let (conv, bn) = &global.layers;
        maps = walk.unit(maps, |walk, maps| {
            let maps = self.conv_sep.walk(walk, maps);
            walk.grouped(maps, conv, bn, Act::Linear)
        });
        walk.embed(maps, EmbeddingLayer::linear(embedding, norm).with_dropout(&self.dropout))
    }
}
