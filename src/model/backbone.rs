//! The plan of a residual network: a 3×3 stem and four stages of blocks. The small net and ResNet-18 are this plan with
//! other numbers.

use super::EmbedderSpec;
use super::count::Count;
use crate::config::{Net, Pooling};

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
    /// The four stages.
    pub stages: [Stage; 4],
}

impl Plan {
    pub(super) fn of(net: Net, image_px: usize) -> Self {
        if net == Net::Small { super::small::plan(image_px) } else { super::resnet18::plan() }
    }

    /// Numbers per image that the embedding layer sees.
    pub(super) fn features_in(&self, spec: &EmbedderSpec) -> usize {
        let positions = if spec.pooling() == Pooling::Flatten { self.last_px(spec.image_px).pow(2) } else { 1 };
        self.stages[3].channels * positions
    }

    /// Side of the last maps in pixels.
    fn last_px(&self, image_px: usize) -> usize {
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
        for stage in 0..self.stages.len() {
            for ([c_in, c_out], stride) in self.blocks(stage) {
                px = px.div_ceil(stride);
                if stride != 1 || c_in != c_out {
                    count.conv_norm([c_in, c_out], 1, px);
                }
                count.conv_norm([c_in, c_out], 3, px);
                count.conv_norm([c_out, c_out], 3, px);
            }
        }
        count.linear([self.features_in(spec), spec.embedding_dim], true);
        count.norm(spec.embedding_dim, 1);
        count
    }
}
