//! MobileFaceNet (Chen et al., arXiv:1804.07573) as `arcface_torch` has it, twice as wide as the paper's and with 512
//! numbers per embedding: names and shapes are those of its checkpoints (`mbf`). Four times as wide and deeper it is
//! [`super::mobilefacenet_large`].
//!
//! Its second convolution has two channels per group where the paper has one, a slip that every published checkpoint
//! depends on. The last maps are weighed position by position (global depthwise convolution) instead of averaged.

use super::EmbedderSpec;
use super::count::Count;
use super::layers::{Conv, GroupedConv, Prelu, batch_norm, linear};
use super::spec::Family;
use super::walk::{Act, After, EmbeddingLayer, Walk};
use crate::config::Net;
use crate::kernels::random::Draw;
use crate::kernels::{Grouping, Kernels};
use burn::module::Module;
use burn::nn::{BatchNorm, Dropout, DropoutConfig, Linear};
use burn::tensor::backend::Backend;

/// What the two sizes differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Channels up to the second halving, and after it.
    pub widths: [usize; 2],
    /// Bottlenecks with an addition behind the stem; none where a single convolution stands in their place.
    second: usize,
    /// Bottlenecks with an addition after each of the three that halve.
    residuals: [usize; 3],
}

impl Size {
    const USUAL: Self = Self { widths: [128, 256], second: 0, residuals: [4, 6, 2] };
    const LARGE: Self = Self { widths: [256, 512], second: 2, residuals: [8, 12, 4] };

    pub fn of(spec: &EmbedderSpec) -> Self {
        if Family::of(spec) == Family::MobileLarge { Self::LARGE } else { Self::USUAL }
    }

    /// Channels of the stem.
    pub fn stem(self) -> usize {
        self.widths[0]
    }

    /// (channels in, channels out, channels between) of the bottlenecks that halve.
    fn halvings(self) -> [[usize; 3]; 3] {
        let [narrow, wide] = self.widths;
        let [first, second, third] = HALVING_BETWEEN;
        [[narrow, narrow, first], [narrow, wide, second], [wide, wide, third]]
    }

    /// How many bottlenecks with an addition stand after each of those, and their channels as in [`Self::halvings`].
    fn rows(self) -> [(usize, [usize; 3]); 3] {
        [0, 1, 2].map(|i| {
            let width = self.halvings()[i][1];
            (self.residuals[i], [width, width, RESIDUAL_BETWEEN[i]])
        })
    }

    /// Those behind the stem.
    pub fn second_row(self) -> (usize, [usize; 3]) {
        (self.second, [self.stem(), self.stem(), SECOND_BETWEEN])
    }
}

/// Channels between of the three bottlenecks that halve, of the rows behind them, and of that behind the stem, whatever the
/// width.
const HALVING_BETWEEN: [usize; 3] = [128, 256, 512];
const RESIDUAL_BETWEEN: [usize; 3] = [128, 256, 256];
const SECOND_BETWEEN: usize = 128;
/// Channels of the last maps.
pub(super) const LAST: usize = 512;
/// Groups of the second convolution.
const SLIP_GROUPS: usize = 64;

/// Which of the two has a stem of so many channels.
pub(super) fn net_of_stem(channels: usize) -> Option<Net> {
    let nets = [(Net::MobileFaceNet, Size::USUAL), (Net::MobileFaceNetLarge, Size::LARGE)];
    nets.into_iter().find(|(_, size)| size.stem() == channels).map(|(net, _)| net)
}

pub(super) fn count(spec: &EmbedderSpec) -> Count {
    let size = Size::of(spec);
    let mut count = Count::default();
    let mut px = spec.image_px.div_ceil(2);
    count.conv_norm_prelu([spec.channels, size.stem()], 3, px);
    if size.second == 0 {
        count.conv_norm_prelu([size.stem() / SLIP_GROUPS, size.stem()], 3, px);
    }
    count.end_unit(size.stem(), px);
    let mut bottleneck = |[c_in, c_out, between]: [usize; 3], px: usize, stride: usize| {
        count.conv_norm_prelu([c_in, between], 1, px);
        count.conv_norm_prelu([1, between], 3, px.div_ceil(stride));
        count.conv_norm([between, c_out], 1, px.div_ceil(stride));
        count.end_unit(c_out, px.div_ceil(stride));
    };
    let (second, channels) = size.second_row();
    (0..second).for_each(|_| bottleneck(channels, px, 1));
    for (halving, (residuals, channels)) in size.halvings().into_iter().zip(size.rows()) {
        bottleneck(halving, px, 2);
        px = px.div_ceil(2);
        (0..residuals).for_each(|_| bottleneck(channels, px, 1));
    }
    count.conv_norm_prelu([size.widths[1], LAST], 1, px);
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
    pub(super) fn init(draw: &mut Draw, channels: [usize; 2], side: usize, stride: usize, device: &B::Device) -> Self {
        let conv = Conv::init(draw, channels, side, stride, device);
        Self { layers: (conv, batch_norm(channels[1], device), Prelu::init(channels[1], device)) }
    }
}

impl<B: Kernels> ConvBlock<B> {
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps) -> W::Maps {
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
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps, residual: bool) -> W::Maps {
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

impl<B: Backend> Residual<B> {
    pub(super) fn init(draw: &mut Draw, (count, channels): (usize, [usize; 3]), device: &B::Device) -> Self {
        Self { layers: (0..count).map(|_| Bottleneck::init(draw, channels, 1, device)).collect() }
    }
}

impl<B: Kernels> Residual<B> {
    /// Each bottleneck is a unit.
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, maps: W::Maps) -> W::Maps {
        self.layers
            .iter()
            .fold(maps, |maps, bottleneck| walk.unit(maps, |walk, maps| bottleneck.walk(walk, maps, true)))
    }
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

impl<B: Backend> Gdc<B> {
    pub(super) fn init(spec: &EmbedderSpec, draw: &mut Draw, device: &B::Device) -> Self {
        let everywhere = Grouping { groups: LAST, stride: 1, pad: 0 };
        let global = GroupedConv::init(draw, LAST, Net::face_maps_side(spec.image_px), everywhere, device);
        let global = GlobalBlock { layers: (global, batch_norm(LAST, device)) };
        let embedding = linear(draw, [LAST, spec.embedding_dim], false, device);
        Self { layers: (global, Flatten, embedding, batch_norm(spec.embedding_dim, device)) }
    }
}

/// Two convolutions, then three times a bottleneck that halves and a row of residual ones.
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
        let size = Size::of(spec);
        let stem = ConvBlock::init(draw, [spec.channels, size.stem()], 3, 2, device);
        let second = GroupedBlock::init(draw, size.stem(), [SLIP_GROUPS, 1], device);
        let [(a, b), (c, d), (e, f)] = stages(size, draw, device);
        Self {
            layers: (stem, second, a, b, c, d, e, f),
            conv_sep: ConvBlock::init(draw, [size.widths[1], LAST], 1, 1, device),
            features: Gdc::init(spec, draw, device),
            dropout: DropoutConfig::new(spec.dropout).init(),
        }
    }
}

/// The bottlenecks that halve, each with the row behind it.
pub(super) fn stages<B: Backend>(size: Size, draw: &mut Draw, device: &B::Device) -> [(Bottleneck<B>, Residual<B>); 3] {
    [0, 1, 2].map(|i| {
        let first = Bottleneck::init(draw, size.halvings()[i], 2, device);
        (first, Residual::init(draw, size.rows()[i], device))
    })
}

impl<B: Kernels> MobileFaceNet<B> {
    /// `[n, image_px, image_px, channels]` → `[n, embedding_dim]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        let (stem, second, a, b, c, d, e, f) = &self.layers;
        let mut maps = walk.unit(images, |walk, images| {
            let maps = stem.walk(walk, images);
            second.walk(walk, maps)
        });
        for (first, row) in [(a, b), (c, d), (e, f)] {
            maps = walk.unit(maps, |walk, maps| first.walk(walk, maps, false));
            maps = row.walk(walk, maps);
        }
        finish(walk, maps, &self.conv_sep, &self.features, &self.dropout)
    }
}

/// From the maps of the last stage to the embeddings.
pub(super) fn finish<B: Kernels, W: Walk<B>>(
    walk: &mut W,
    maps: W::Maps,
    conv_sep: &ConvBlock<B>,
    features: &Gdc<B>,
    dropout: &Dropout,
) -> W::Rows {
    let (global, _, embedding, norm) = &features.layers;
    let (conv, bn) = &global.layers;
    let maps = walk.unit(maps, |walk, maps| {
        let maps = conv_sep.walk(walk, maps);
        walk.grouped(maps, conv, bn, Act::Linear)
    });
    walk.embed(maps, EmbeddingLayer::linear(embedding, norm).with_dropout(dropout))
}
