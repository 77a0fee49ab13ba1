//! `arcface_torch`'s MobileFaceNet at four times the paper's width, and deeper (`mbf_large`): names and shapes are those of its
//! checkpoints. Where the smaller one ([`super::mobilefacenet`]) has its slip, bottlenecks stand.

use super::EmbedderSpec;
use super::mobilefacenet::{Bottleneck, ConvBlock, Gdc, LAST, Residual, Size, finish, stages};
use super::walk::Walk;
use crate::kernels::Kernels;
use crate::kernels::random::Draw;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::backend::Backend;

/// Stem and bottlenecks, then three times a bottleneck that halves and a row of residual ones.
type Layers<B> =
    (ConvBlock<B>, Residual<B>, Bottleneck<B>, Residual<B>, Bottleneck<B>, Residual<B>, Bottleneck<B>, Residual<B>);

/// The network.
#[derive(Module, Debug)]
pub struct MobileFaceNetLarge<B: Backend> {
    /// Everything up to the last maps.
    pub layers: Layers<B>,
    /// 1×1 to the channels of the last maps.
    pub conv_sep: ConvBlock<B>,
    /// The embedding.
    pub features: Gdc<B>,
    /// Of its features.
    pub dropout: Dropout,
}

impl<B: Backend> MobileFaceNetLarge<B> {
    pub(super) fn init(spec: &EmbedderSpec, draw: &mut Draw, device: &B::Device) -> Self {
        let size = Size::of(spec);
        let stem = ConvBlock::init(draw, [spec.channels, size.stem()], 3, 2, device);
        let second = Residual::init(draw, size.second_row(), device);
        let [(a, b), (c, d), (e, f)] = stages(size, draw, device);
        Self {
            layers: (stem, second, a, b, c, d, e, f),
            conv_sep: ConvBlock::init(draw, [size.widths[1], LAST], 1, 1, device),
            features: Gdc::init(spec, draw, device),
            dropout: DropoutConfig::new(spec.dropout).init(),
        }
    }
}

impl<B: Kernels> MobileFaceNetLarge<B> {
    /// `[n, image_px, image_px, channels]` → `[n, embedding_dim]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        let (stem, second, a, b, c, d, e, f) = &self.layers;
        let maps = walk.unit(images, |walk, images| stem.walk(walk, images));
        let mut maps = second.walk(walk, maps);
        for (first, row) in [(a, b), (c, d), (e, f)] {
            maps = walk.unit(maps, |walk, maps| first.walk(walk, maps, false));
            maps = row.walk(walk, maps);
        }
        finish(walk, maps, &self.conv_sep, &self.features, &self.dropout)
    }
}
