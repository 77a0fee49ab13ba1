//! The plan of a residual network: a 3×3 stem and four stages of blocks. The small net, ResNet-18 and
//! ResNet-50 are this plan with other numbers.

use super::EmbedderSpec;
use super::count::Count;
use super::global::count_features;
use crate::config::Net;

/// Channels at the end of a bottleneck per channel inside it.
const BOTTLENECK: usize = 4;

/// One stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    /// Output channels.
    pub channels: usize,
    /// Residual blocks.
    pub blocks: usize,
    /// Stride of the first block.
    pub stride: usize,
}

/// A whole backbone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Output channels of the stem.
    pub stem: usize,
    /// Stride of the stem.
    pub stem_stride: usize,
    /// Blocks of 1×1, 3×3 and 1×1 convolutions instead of two 3×3.
    pub bottleneck: bool,
    /// The four stages.
    pub stages: [Stage; 4],
}

impl Plan {
    pub(super) fn of(net: Net, image_px: usize) -> Self {
        match net {
            Net::Small => super::small::plan(image_px),
            Net::Resnet50 => super::resnet50::plan(image_px),
            _ => super::resnet18::plan(),
        }
    }

    /// Channels of the last maps.
    pub(super) fn last_channels(&self) -> usize {
        self.stages[3].channels
    }

    /// Channels inside a block with so many at its end.
    pub(super) fn inner(&self, c_out: usize) -> usize {
        if self.bottleneck { c_out / BOTTLENECK } else { c_out }
    }

    /// Side of the last maps in pixels.
    pub(super) fn last_px(&self, image_px: usize) -> usize {
        let strides = self.stages.iter().map(|stage| stage.stride);
        strides.fold(image_px.div_ceil(self.stem_stride), |px, stride| px.div_ceil(stride))
    }

    /// (channels in, channels out, stride) of every block of a stage.
    pub(super) fn blocks(&self, stage: usize) -> impl Iterator<Item = ([usize; 2], usize)> {
        let before = if stage == 0 { self.stem } else { self.stages[stage - 1].channels };
        let Stage { channels, blocks, stride } = self.stages[stage];
        (0..blocks).map(move |i| if i == 0 { ([before, channels], stride) } else { ([channels, channels], 1) })
    }

    /// Counts the network.
    pub(super) fn count(&self, spec: &EmbedderSpec) -> Count {
        let mut count = Count::default();
        let mut px = spec.image_px.div_ceil(self.stem_stride);
        count.conv_norm([spec.channels, self.stem], 3, px);
        count.end_unit(self.stem, px);
        for stage in 0..self.stages.len() {
            for ([c_in, c_out], stride) in self.blocks(stage) {
                let before = px;
                px = px.div_ceil(stride);
                if stride != 1 || c_in != c_out {
                    count.conv_norm([c_in, c_out], 1, px);
                }
                if self.bottleneck {
                    let inner = self.inner(c_out);
                    count.conv_norm([c_in, inner], 1, before);
                    count.conv_norm([inner, inner], 3, px);
                    count.conv_norm([inner, c_out], 1, px);
                } else {
                    count.conv_norm([c_in, c_out], 3, px);
                    count.conv_norm([c_out, c_out], 3, px);
                }
                count.sum(c_out, px);
                count.end_unit(c_out, px);
            }
        }
        count_features(&mut count, spec, self.last_channels(), px);
        count.norm(spec.embedding_dim, 1);
        count
    }
}
